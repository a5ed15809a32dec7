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
#[path = "rest_scenario/sources.rs"]
mod sources;
#[path = "rest_scenario/validation.rs"]
mod validation;

use std::io::{self, Write};
use std::thread;

use ferrovia_tests::cluster::Cluster;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::scenario::normal::Masks;
use ferrovia_tests::scenario::{Exchange, Script, diff};
use ferrovia_tests::worker::{Make, Worker};

/// How many records the topic `t` has, over two partitions.
const RECORDS: u64 = 40;
/// How a worker is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Standalone,
    Distributed,
}

/// What a worker without connectors is asked.
fn without_connectors(script: &mut Script, mode: Mode) {
    lookups::without_connectors(script);
    lookups::loggers(script);
    creation::refused(script);
    validation::of_settings(script);
    sources::settings(script);
    changes::of_missing_connectors(script, mode);
}

/// The life of some connectors.
fn with_connectors(script: &mut Script, mode: Mode) {
    creation::odd_names(script);
    creation::accepted(script);
    lookups::with_connectors(script);
    changes::of_configurations(script);
    changes::of_states(script, mode);
    offsets::read_and_changed(script);
    creation::initial_states(script);
    changes::deletions(script);
    sources::stopped(script);
}

fn everything(script: &mut Script, mode: Mode) {
    without_connectors(script, mode);
    with_connectors(script, mode);
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

/// What a script asks.
type Questions = fn(&mut Script, Mode);

fn played(make: Make, mode: Mode, write: Questions) -> io::Result<Vec<Exchange>> {
    let (_kafka, worker) = start(make, mode)?;
    let masks = Masks {
        ports: vec![worker.port()],
        folder: worker.folder().to_path_buf(),
    };
    let mut script = Script::default();
    write(&mut script, mode);
    script
        .play(worker.port(), &masks)
        .map_err(|e| io::Error::other(format!("{make:?}: {e}\n{}", worker.output())))
}

/// Plays a script of at least `least` requests on both sides.
fn check(subject: Make, mode: Mode, write: Questions, least: usize) -> io::Result<()> {
    let java = thread::spawn(move || played(Make::Java, mode, write));
    let ours = played(subject, mode, write)?;
    let java = java.join().map_err(|_| io::Error::other("a panic"))??;
    let diff = diff(&java, &ours);
    let excused = &diff.excused;
    writeln!(
        io::stderr(),
        "{mode:?} {subject:?}: {} requests, excused: {excused:?}",
        diff.compared
    )?;
    assert!(diff.compared >= least, "only {} requests", diff.compared);
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
fn a_worker_without_connectors_answers_as_javas() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    check(Make::subject(), Mode::Standalone, without_connectors, 150)
}

#[test]
fn a_standalone_worker_answers_as_javas() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    check(Make::subject(), Mode::Standalone, with_connectors, 150)
}

#[test]
fn a_distributed_worker_answers_as_javas() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    check(Make::subject(), Mode::Distributed, everything, 320)
}
