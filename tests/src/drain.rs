//! The question that most sink tests ask: does the sink's output hold the topic, no more and no less?

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::census::{Findings, Tally};
use crate::kafka::Kafka;
use crate::lab::{Lab, Load};
use crate::wait;
use crate::worker::{Make, Properties, Worker};

/// How long moving a test's records may take, over and above a worker's start.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(180);
/// The exit code of a worker that SIGTERM stopped, as the JVM's.
pub const SIGTERM_EXIT: i32 = 143;

/// Creates and fills `load`'s topic, drains it into a file with `tasks` tasks, stops the worker, and fails unless file and
/// committed offsets equal the topic.
///
/// # Errors
/// Says what differs.
pub fn drain_exactly(kafka: &Kafka, load: &Load, tasks: u32) -> io::Result<()> {
    Lab::start(kafka)?.create(&load.topic, load.partitions)?;
    fill_and_drain_exactly(kafka, load, tasks)
}

/// As [`drain_exactly`], with a topic that exists already.
///
/// # Errors
/// Says what differs.
pub fn fill_and_drain_exactly(kafka: &Kafka, load: &Load, tasks: u32) -> io::Result<()> {
    let mut lab = Lab::start(kafka)?;
    let produced = lab.produce(load)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let name = format!("sink-{}", load.topic);
    let connector = Properties::file_sink(&name, &load.topic, tasks, &file);
    let mut worker = Worker::start(Make::subject(), kafka, &connector)?;
    let whole = load.count * (load.size as u64 + 1);
    worker
        .process()
        .until("the whole topic in the file", DRAIN_LIMIT, || {
            Ok((length(&file) >= whole).then_some(()))
        })?;
    let status = worker.stop()?;
    let mut found = Findings::default();
    found.read(&file, load.size)?;
    demand_equal(&found, &produced)?;
    demand(found.duplicates == 0, "no duplicates", &found.duplicates)?;
    demand(found.torn == 0, "no torn lines", &found.torn)?;
    demand(
        status.code() == Some(SIGTERM_EXIT),
        "the exit code of SIGTERM",
        &status,
    )?;
    let (committed, ends) = (
        lab.committed(&format!("connect-{name}"))?,
        lab.ends(&load.topic)?,
    );
    demand(
        committed == ends,
        &format!("offsets committed to {ends:?}"),
        &committed,
    )
}

/// Fails unless every record was found, unchanged, and nothing else.
///
/// # Errors
/// Says what differs.
pub fn demand_equal(found: &Findings, produced: &Tally) -> io::Result<()> {
    let lost = produced.count() - found.distinct.count().min(produced.count());
    demand(lost == 0, "no record lost", &lost)?;
    demand(found.foreign == 0, "no foreign lines", &found.foreign)?;
    demand(
        found.distinct == *produced,
        &format!("the contents {produced:?}"),
        &found.distinct,
    )
}

/// Waits until the group has committed the topic's end.
///
/// # Errors
/// When it has not within [`DRAIN_LIMIT`].
pub fn wait_committed(lab: &mut Lab, group: &str, topic: &str) -> io::Result<()> {
    let ends = lab.ends(topic)?;
    wait::until("the commit of the topic's end", DRAIN_LIMIT, || {
        Ok((lab.committed(group)? == ends).then_some(()))
    })
}

/// A file's length; 0 while it does not exist.
#[must_use]
pub fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn demand(holds: bool, what: &str, got: &dyn std::fmt::Debug) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other(format!("expected {what}, got {got:?}")))
    }
}
