//! Workers that read a growing file are killed every two seconds: no line is lost, and what is stored is how far they came.
//!
//! `FERROVIA_CHAOS_SECONDS` says for how long.

use std::io::{self, Write};

use ferrovia_tests::chase::{self, Chase};
use ferrovia_tests::cluster::{file_source, put_config};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::worker::Make;

#[test]
fn kill_9_every_two_seconds_loses_no_line() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut chase = Chase::start(kafka, "killed", "read_uncommitted")?;
    let cluster = chase::cluster(kafka);
    let worker = cluster.start(Make::subject())?;
    put_config(&worker, &file_source("killed", "killed", &chase.file()))?;
    let (mut worker, kills, at_work) = chase.kill_in_turn(&cluster, worker)?;
    let (written, arrivals) = chase.finish(&cluster, &mut worker)?;
    worker.stop()?;
    writeln!(
        io::stdout(),
        "{written} lines, {kills} kills, {at_work} of workers at work: {arrivals:?}"
    )
}
