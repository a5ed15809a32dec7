//! Workers that read a growing file are killed every two seconds: no line is lost.
//!
//! `FERROVIA_CHAOS_SECONDS` says for how long.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use ferrovia_tests::cluster::{Cluster, file_source, put_config};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::lines::{Arrivals, Lines};
use ferrovia_tests::wait;
use ferrovia_tests::worker::Make;

/// How long a worker lives.
const LIFE: Duration = Duration::from_secs(2);
/// How long the last lines may take.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);
const LINES_PER_SECOND: u64 = 2_000;

/// A cluster in which a worker that was killed is missed soon, so that the next one gets to work in its short life.
fn cluster(kafka: &Kafka) -> Cluster {
    Cluster::new(kafka)
        .with("session.timeout.ms", 600)
        .with("heartbeat.interval.ms", 200)
        .with("scheduled.rebalance.max.delay.ms", 0)
        .with("offset.flush.interval.ms", 200)
}

#[test]
fn kill_9_every_two_seconds_loses_no_line() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    let mut lab = Lab::start(kafka)?;
    lab.create("killed", 1)?;
    let cluster = cluster(kafka);
    let lines = Lines::start(&file, LINES_PER_SECOND)?;
    let mut worker = cluster.start(Make::subject())?;
    put_config(&worker, &file_source("killed", "killed", &file))?;

    let seconds = Duration::from_secs(grounds::number("FERROVIA_CHAOS_SECONDS", 20));
    let start = Instant::now();
    let mut kills = 0;
    while start.elapsed() < seconds {
        // The life of a worker is the scenario, not a wait for something.
        thread::sleep(LIFE);
        worker.kill()?;
        kills += 1;
        worker = cluster.launch(Make::subject())?;
    }
    let written = lines.finish()?;
    worker.until_healthy()?;
    let mut arrivals = None;
    let all = wait::until("every line", ARRIVAL_LIMIT, || {
        let found = Arrivals::of(&lab.read("killed")?)?;
        let is_all = found.distinct == written;
        arrivals = Some(found);
        Ok(is_all.then_some(()))
    });
    all.map_err(|e| io::Error::other(format!("{e}: {arrivals:?} of {written}")))?;
    worker.stop()?;
    writeln!(io::stdout(), "{written} lines, {kills} kills: {arrivals:?}")
}
