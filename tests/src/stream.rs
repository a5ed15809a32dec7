//! A topic that is being filled at a steady pace while workers come, go and are killed, so that each event falls into
//! the stream; at the end, what all of them wrote is judged together.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::census::{Findings, Tally};
use crate::drain::{demand_equal, length, wait_committed};
use crate::grounds;
use crate::kafka::Kafka;
use crate::lab::{Lab, Load};
use crate::wait;
use crate::worker::{Make, Properties, Worker};

/// Bytes of each value.
pub const SIZE: usize = 100;
/// Partitions of the topic.
pub const PARTITIONS: i32 = 8;
/// Records per second, at least.
pub const RATE: u64 = 20_000;
/// How long a worker may take for its next records or its next commit.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);
/// Records of a stream, at most: it has to outlast its events, not to prove volume.
const RECORDS_MAX: u64 = 1_000_000;
/// In how many seconds they have been produced.
const SECONDS: u64 = 20;

/// The running stream; its connector is named as its topic.
#[derive(Debug)]
pub struct Stream {
    topic: String,
    lab: Lab,
    settings: Vec<(String, String)>,
    folder: TempDir,
    enough: Arc<AtomicBool>,
    producing: thread::JoinHandle<io::Result<Tally>>,
}

impl Stream {
    /// Creates the topic and begins to fill it.
    ///
    /// # Errors
    /// When the topic cannot be created.
    pub fn start(kafka: &Kafka, topic: &str) -> io::Result<Self> {
        let mut lab = Lab::start(kafka)?;
        lab.create(topic, PARTITIONS)?;
        let producer = Lab::start(kafka)?;
        let enough = Arc::new(AtomicBool::new(false));
        let (until, name) = (Arc::clone(&enough), topic.to_owned());
        Ok(Self {
            topic: topic.to_owned(),
            lab,
            settings: Vec::new(),
            folder: tempfile::tempdir()?,
            enough,
            producing: thread::spawn(move || fill(producer, &name, &until)),
        })
    }

    /// Adds a setting to the connector of every worker to come.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// A worker of the group with one task, that writes the file of that name.
    ///
    /// # Errors
    /// As [`Worker::start`].
    pub fn worker(&self, kafka: &Kafka, make: Make, file: &str) -> io::Result<Worker> {
        let connector = Properties::file_sink(&self.topic, &self.topic, 1, &self.file(file));
        let settings = self.settings.iter();
        let connector = settings.fold(connector, |all, (key, value)| all.with(key, value));
        Worker::start(make, kafka, &connector)
    }

    /// The path of a worker's file.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The consumer group.
    #[must_use]
    pub fn group(&self) -> String {
        format!("connect-{}", self.topic)
    }

    /// Whether records still come.
    #[must_use]
    pub fn flows(&self) -> bool {
        !self.producing.is_finished()
    }

    /// The sum of the group's committed offsets: how many records count as delivered.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed(&mut self) -> io::Result<i64> {
        let group = self.group();
        Ok(self.lab.committed(&group)?.values().sum())
    }

    /// Waits until the worker has written `records` more to its file.
    ///
    /// # Errors
    /// When it does not, or ends.
    pub fn wait_progress(&self, worker: &mut Worker, file: &str, records: u64) -> io::Result<()> {
        let file = self.file(file);
        let goal = length(&file) + records * (SIZE as u64 + 1);
        let grown = || Ok((length(&file) >= goal).then_some(()));
        worker
            .process()
            .until("progress in the file", PROGRESS_LIMIT, grown)
    }

    /// Waits until the group has committed something beyond `past`, and gives its sum.
    ///
    /// # Errors
    /// When it does not.
    pub fn wait_commit(&mut self, past: i64) -> io::Result<i64> {
        wait::until("a commit", PROGRESS_LIMIT, || {
            Ok(Some(self.committed()?).filter(|sum| *sum > past))
        })
    }

    /// What is in some of the files.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn findings(&self, files: &[&str]) -> io::Result<Findings> {
        let mut found = Findings::default();
        for file in files {
            found.read(&self.file(file), SIZE)?;
        }
        Ok(found)
    }

    /// Waits for the end of the stream and its commit, stops the last worker, and fails unless the files together
    /// hold every record. Gives what was found, so that a test can judge duplicates as well.
    ///
    /// # Errors
    /// Says what is lost.
    pub fn finish(mut self, last: Worker, files: &[&str]) -> io::Result<Findings> {
        self.enough.store(true, Ordering::Relaxed);
        let group = self.group();
        let produced = self.producing.join();
        let produced = produced.map_err(|_| io::Error::other("the producer died"))??;
        wait_committed(&mut self.lab, &group, &self.topic)?;
        last.stop()?;
        let mut found = Findings::default();
        for file in files {
            found.read(&self.folder.path().join(file), SIZE)?;
        }
        report(&self.topic, &found, &produced)?;
        demand_equal(&found, &produced)?;
        Ok(found)
    }
}

/// Fills the topic second by second: at least [`grounds::records`] up to [`RECORDS_MAX`], and until there is `enough`.
fn fill(mut producer: Lab, topic: &str, enough: &AtomicBool) -> io::Result<Tally> {
    let records = grounds::records().min(RECORDS_MAX);
    let rate = RATE.max(records / SECONDS);
    let mut load = Load {
        codec: "lz4",
        rate,
        ..Load::text(topic, PARTITIONS, rate)
    };
    let mut produced = Tally::default();
    while load.first < records || !enough.load(Ordering::Relaxed) {
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
