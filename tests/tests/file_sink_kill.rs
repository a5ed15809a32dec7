//! Workers are killed, join and leave while records flow; Java's worker sits in the same group. Nothing is lost;
//! duplicates are counted and shown.
//!
//! Records are produced at a steady pace until the last event is over, so that each falls into the stream.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ferrovia_tests::census::{Findings, Tally};
use ferrovia_tests::drain::{demand_equal, length, wait_committed};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};

const SIZE: usize = 100;
const PARTITIONS: i32 = 8;
/// Records per second, and per load of the stream.
const RATE: u64 = 20_000;
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

/// A topic that is being filled, and the group of workers that drains it.
struct Stream {
    kafka: &'static Kafka,
    lab: Lab,
    topic: String,
    folder: tempfile::TempDir,
    enough: Arc<AtomicBool>,
    producing: thread::JoinHandle<io::Result<Tally>>,
}

impl Stream {
    fn start(topic: &str) -> io::Result<Self> {
        let kafka = Kafka::shared(ORACLE)?;
        let mut lab = Lab::start(kafka)?;
        lab.create(topic, PARTITIONS)?;
        let producer = Lab::start(kafka)?;
        let enough = Arc::new(AtomicBool::new(false));
        let (until, name) = (Arc::clone(&enough), topic.to_owned());
        let producing = thread::spawn(move || fill(producer, &name, &until));
        let folder = tempfile::tempdir()?;
        Ok(Self {
            kafka,
            lab,
            topic: topic.to_owned(),
            folder,
            enough,
            producing,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A worker of the group that writes a file of its own.
    fn worker(&self, make: Make, file: &str) -> io::Result<Worker> {
        let connector = Properties::file_sink(&self.topic, &self.topic, 1, &self.file(file));
        Worker::start(make, self.kafka, &connector)
    }

    fn group(&self) -> String {
        format!("connect-{}", self.topic)
    }

    /// Waits until the worker has written `records` more to its file.
    fn wait_progress(&self, worker: &mut Worker, file: &str, records: u64) -> io::Result<()> {
        let file = self.file(file);
        let goal = length(&file) + records * (SIZE as u64 + 1);
        let grown = || Ok((length(&file) >= goal).then_some(()));
        worker
            .process()
            .until("progress in the file", PROGRESS_LIMIT, grown)
    }

    /// Waits until the group has committed something beyond `past`, and gives its sum.
    fn wait_commit(&mut self, past: i64) -> io::Result<i64> {
        let group = self.group();
        wait::until("a commit", PROGRESS_LIMIT, || {
            let sum = self.lab.committed(&group)?.values().sum::<i64>();
            Ok((sum > past).then_some(sum))
        })
    }

    /// Waits for the end of the stream and its commit, stops the last worker and judges all files together.
    fn finish(mut self, last: Worker, files: &[&str]) -> io::Result<()> {
        self.enough.store(true, Ordering::Relaxed);
        let produced = self
            .producing
            .join()
            .map_err(|_| io::Error::other("the producer died"))??;
        let group = format!("connect-{}", self.topic);
        wait_committed(&mut self.lab, &group, &self.topic)?;
        last.stop()?;
        let mut found = Findings::default();
        for file in files {
            found.read(&self.folder.path().join(file), SIZE)?;
        }
        report(&self.topic, &found, &produced)?;
        demand_equal(&found, &produced)
    }
}

/// Fills the topic second by second: at least [`grounds::records`], and until there is `enough`.
fn fill(mut producer: Lab, topic: &str, enough: &AtomicBool) -> io::Result<Tally> {
    let rate = RATE.max(grounds::records() / 40);
    let mut load = Load {
        topic: topic.to_owned(),
        partitions: PARTITIONS,
        count: rate,
        size: SIZE,
        kind: "text",
        codec: "lz4",
        seed: 3,
        rate,
        first: 0,
    };
    let mut produced = Tally::default();
    while load.first < grounds::records() || !enough.load(Ordering::Relaxed) {
        produced.add(&producer.produce(&load)?);
        load.first += load.count;
        load.seed += 1;
    }
    Ok(produced)
}

fn report(topic: &str, found: &Findings, produced: &Tally) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "{topic}: {} records, {} duplicates, {} torn lines",
        produced.count(),
        found.duplicates,
        found.torn
    )
}

fn lines_of(file: &Path) -> io::Result<u64> {
    let mut found = Findings::default();
    found.read(file, SIZE)?;
    Ok(found.distinct.count())
}

#[test]
fn kill_9_loses_nothing() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut stream = Stream::start("killed")?;
    let mut committed = 0;
    for _ in 0..3 {
        let mut worker = stream.worker(Make::subject(), "sink.txt")?;
        // A kill before the first commit would prove little: the group would just start again.
        committed = stream.wait_commit(committed)?;
        stream.wait_progress(&mut worker, "sink.txt", RATE / 10)?;
        worker.kill()?;
        assert!(
            !stream.producing.is_finished(),
            "the kill must fall into the stream"
        );
    }
    let last = stream.worker(Make::subject(), "sink.txt")?;
    stream.finish(last, &["sink.txt"])
}

#[test]
fn second_worker_joins_and_leaves_without_loss() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let stream = Stream::start("joined")?;
    let mut first = stream.worker(Make::subject(), "first.txt")?;
    stream.wait_progress(&mut first, "first.txt", RATE / 4)?;
    let mut second = stream.worker(Make::subject(), "second.txt")?;
    stream.wait_progress(&mut second, "second.txt", RATE / 4)?;
    second.stop()?;
    stream.wait_progress(&mut first, "first.txt", RATE / 4)?;
    assert!(lines_of(&stream.file("second.txt"))? > 0);
    stream.finish(first, &["first.txt", "second.txt"])
}

#[test]
fn java_worker_shares_the_group_without_loss() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let stream = Stream::start("shared")?;
    let mut ours = stream.worker(Make::subject(), "ours.txt")?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    let mut java = stream.worker(Make::Java, "java.txt")?;
    stream.wait_progress(&mut java, "java.txt", RATE / 10)?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    // Whoever leads the group now, the other one has to take over.
    ours.stop()?;
    stream.wait_progress(&mut java, "java.txt", RATE / 10)?;
    let mut ours = stream.worker(Make::subject(), "ours.txt")?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    java.stop()?;
    stream.finish(ours, &["ours.txt", "java.txt"])
}
