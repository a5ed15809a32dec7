//! Every endpoint of the REST interface, with good and bad requests, asked of Java Connect's worker and of ours: status,
//! headers and bodies agree, standalone and distributed.
//!
//! Each worker has a broker of its own, so that both can have connectors and consumer groups of the same names.

#[path = "rest_scenario/changes.rs"]
mod changes;
#[path = "rest_scenario/creation.rs"]
mod creation;
#[path = "rest_scenario/lookups.rs"]
mod lookups;
#[path = "rest_scenario/offsets.rs"]
mod offsets;
#[path = "rest_scenario/validation.rs"]
mod validation;

use std::io::{self, Write};
use std::thread;

use ferrovia_tests::cluster::{self, Cluster};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::scenario::normal::Masks;
use ferrovia_tests::scenario::{Exchange, Script, diff};
use ferrovia_tests::worker::{Make, Worker};

/// How many records the topic `t` has, over two partitions.
const RECORDS: u64 = 40;
/// Fewer compared requests than this mean that the test has lost some.
const QUESTIONS_MIN: usize = 160;

/// How a worker is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Standalone,
    Distributed,
}

fn script(mode: Mode) -> Script {
    let mut script = Script::default();
    lookups::without_connectors(&mut script);
    lookups::loggers(&mut script);
    creation::refused(&mut script);
    creation::odd_names(&mut script);
    validation::of_settings(&mut script);
    changes::of_missing_connectors(&mut script, mode);
    creation::accepted(&mut script);
    lookups::with_connectors(&mut script);
    changes::of_configurations(&mut script);
    changes::of_states(&mut script, mode);
    offsets::read_and_changed(&mut script);
    creation::initial_states(&mut script);
    changes::deletions(&mut script);
    script
}

/// One side: a broker with the topic `t`, and one worker.
fn start(make: Make, mode: Mode) -> io::Result<(Kafka, Worker)> {
    let kafka = Kafka::start(ORACLE)?;
    let mut lab = Lab::start(&kafka)?;
    lab.create("t", 2)?;
    lab.produce(&Load::text("t", 2, RECORDS))?;
    let worker = match mode {
        Mode::Standalone => Worker::start_all(make, &kafka, &[], |settings| settings)?,
        Mode::Distributed => Cluster::new(&kafka).start(make)?,
    };
    Ok((kafka, worker))
}

fn played(make: Make, mode: Mode) -> io::Result<Vec<Exchange>> {
    let (_kafka, worker) = start(make, mode)?;
    let masks = Masks {
        ports: vec![worker.port()],
        folder: worker.folder().to_path_buf(),
    };
    script(mode)
        .play(worker.port(), &masks)
        .map_err(|e| io::Error::other(format!("{make:?}: {e}\n{}", worker.output())))
}

fn check(mode: Mode) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let subject = cluster::subject()?;
    let java = thread::spawn(move || played(Make::Java, mode));
    let ours = played(subject, mode)?;
    let java = java.join().map_err(|_| io::Error::other("a panic"))??;
    let diff = diff(&java, &ours);
    let excused = &diff.excused;
    writeln!(
        io::stderr(),
        "{mode:?}: {} requests, excused: {excused:?}",
        diff.compared
    )?;
    assert!(diff.compared >= QUESTIONS_MIN, "{}", diff.compared);
    assert!(
        diff.unexcused.is_empty(),
        "{} of {} answers differ (- Java, + ours):\n{}",
        diff.unexcused.len(),
        diff.compared,
        diff.unexcused.join("\n")
    );
    Ok(())
}

#[test]
fn a_standalone_worker_answers_as_javas() -> io::Result<()> {
    check(Mode::Standalone)
}

#[test]
fn a_distributed_worker_answers_as_javas() -> io::Result<()> {
    check(Mode::Distributed)
}
