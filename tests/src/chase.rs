//! Workers of a cluster that follow a growing file into a topic while they are killed, one after the other.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::grounds;
use crate::kafka::Kafka;
use crate::lab::Lab;
use crate::lines::{Arrivals, Lines};
use crate::wait;
use crate::worker::{Make, Worker};

/// How long a worker lives.
pub const LIFE: Duration = Duration::from_secs(2);
/// How long the first lines, and then the last ones, may take.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);
const LINES_PER_SECOND: u64 = 2_000;
/// And so many at most in a whole chase: the lab answers with all of them at once.
const LINES_MAX: u64 = 250_000;

/// A cluster in which a worker that is gone is missed soon, so that the next one gets to work in its short life.
#[must_use]
pub fn cluster(kafka: &Kafka) -> Cluster {
    Cluster::new(kafka)
        .with("session.timeout.ms", 600)
        .with("heartbeat.interval.ms", 200)
        .with("scheduled.rebalance.max.delay.ms", 0)
        .with("offset.flush.interval.ms", 200)
}

fn seconds() -> u64 {
    grounds::number("FERROVIA_CHAOS_SECONDS", 20).max(1)
}

/// The file, and the topic that its lines are to reach.
#[derive(Debug)]
pub struct Chase {
    lines: Lines,
    folder: TempDir,
    target: Target,
}

/// The topic, as somebody reads it.
#[derive(Debug)]
struct Target {
    topic: &'static str,
    /// `read_uncommitted` or `read_committed`
    isolation: &'static str,
    lab: Lab,
}

impl Chase {
    /// Makes the topic, with one partition, and begins to write the file.
    ///
    /// # Errors
    /// When the broker or the disk refuses.
    pub fn start(kafka: &Kafka, topic: &'static str, isolation: &'static str) -> io::Result<Self> {
        let mut lab = Lab::start(kafka)?;
        lab.create(topic, 1)?;
        let folder = tempfile::tempdir()?;
        let pace = LINES_PER_SECOND.min(LINES_MAX / seconds()).max(1);
        let lines = Lines::start(&path(&folder), pace)?;
        Ok(Self {
            lines,
            folder,
            target: Target {
                topic,
                isolation,
                lab,
            },
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        path(&self.folder)
    }

    /// Kills the worker, and each that takes its place, at the end of its [`LIFE`], for `FERROVIA_CHAOS_SECONDS` (20).
    /// Gives the last one, which runs, how many were killed, and how many of these had brought lines.
    ///
    /// # Errors
    /// When a worker cannot be started, or none was at work when it was killed.
    pub fn kill_in_turn(
        &mut self,
        cluster: &Cluster,
        mut worker: Worker,
    ) -> io::Result<(Worker, u32, u32)> {
        let seconds = Duration::from_secs(seconds());
        let start = Instant::now();
        let (mut kills, mut killed_at_work) = (0, 0);
        let mut before = self.target.end()?;
        while start.elapsed() < seconds {
            // The life of a worker is the scenario, not a wait for something.
            thread::sleep(LIFE);
            worker.kill()?;
            kills += 1;
            let end = self.target.end()?;
            killed_at_work += u32::from(end > before);
            before = end;
            worker = cluster.launch(Make::subject())?;
        }
        match killed_at_work {
            0 => Err(io::Error::other("no worker came to bring lines")),
            _ => Ok((worker, kills, killed_at_work)),
        }
    }

    /// Waits until lines arrive.
    ///
    /// # Errors
    /// When none does.
    pub fn until_some(&mut self) -> io::Result<()> {
        wait::until("the first lines", ARRIVAL_LIMIT, || {
            Ok((self.target.arrivals()?.distinct > 0).then_some(()))
        })
    }

    /// Ends the file and waits until all its lines have arrived, and the offset is stored behind the last of them; `last`,
    /// of this cluster, is to bring them. Gives how many they are, and how they came.
    ///
    /// # Errors
    /// Lines are missing, or the stored offset is another one.
    pub fn finish(mut self, cluster: &Cluster, last: &mut Worker) -> io::Result<(u64, Arrivals)> {
        let file = self.file();
        let written = self.lines.finish()?;
        last.until_healthy()?;
        let mut last_seen = String::new();
        let all = wait::until("every line", ARRIVAL_LIMIT, || {
            let found = self.target.arrivals()?;
            last_seen = format!("{found:?}");
            Ok((found.distinct == written).then_some(found))
        });
        let all = all.map_err(|e| io::Error::other(format!("{e}: {last_seen} of {written}")))?;
        let end = fs::metadata(file)?.len();
        let wanted = format!("{{\"position\":{end}}}");
        let mut last_seen = String::new();
        let stored = wait::until("the last offset", ARRIVAL_LIMIT, || {
            last_seen = self.target.stored(&cluster.topic("offset"))?;
            Ok((last_seen == wanted).then_some(()))
        });
        stored.map_err(|e| io::Error::other(format!("{e}: {last_seen} for {wanted}")))?;
        Ok((written, all))
    }
}

impl Target {
    fn arrivals(&mut self) -> io::Result<Arrivals> {
        Arrivals::of(&self.lab.read_at(self.topic, self.isolation)?)
    }

    fn end(&mut self) -> io::Result<i64> {
        Ok(self.lab.ends(self.topic)?.values().sum())
    }

    /// The last offset that is committed; the cluster has one connector.
    fn stored(&mut self, offsets: &str) -> io::Result<String> {
        let records = self.lab.read_at(offsets, "read_committed")?;
        let last = records.into_iter().next_back();
        let value = last.and_then(|record| record.value).unwrap_or_default();
        String::from_utf8(value).map_err(io::Error::other)
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("lines.txt")
}
