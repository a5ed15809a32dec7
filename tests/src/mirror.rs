//! Two Kafka clusters, and MirrorMaker's connectors that copy from one to the other.

use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cluster::put_config;
use crate::kafka::Kafka;
use crate::lab::{Lab, Load, Placed};
use crate::wait;
use crate::worker::Worker;

/// How long copies may take to arrive.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);
const BYTE_ARRAY: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// Two clusters of one broker each.
#[derive(Debug)]
pub struct Clusters {
    /// What is copied.
    pub source: Kafka,
    /// Where the copies go; the workers' own topics are here as well.
    pub target: Kafka,
}

impl Clusters {
    /// The two that the tests of one binary share.
    ///
    /// # Errors
    /// As [`Kafka::shared`].
    pub fn shared(version: &str) -> io::Result<&'static Self> {
        static SHARED: OnceLock<Result<Clusters, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| Self::start(version).map_err(|e| e.to_string()));
        started
            .as_ref()
            .map_err(|message| io::Error::other(message.clone()))
    }

    fn start(version: &str) -> io::Result<Self> {
        let version = version.to_owned();
        let other = version.clone();
        let source = thread::spawn(move || Kafka::start(&other));
        let target = Kafka::start(&version)?;
        let source = source.join();
        let source = source.map_err(|_| io::Error::other("the source's start died"))??;
        Ok(Self { source, target })
    }

    /// Kafka's tools at source and target.
    ///
    /// # Errors
    /// When Java cannot start.
    pub fn labs(&self) -> io::Result<(Lab, Lab)> {
        Ok((Lab::start(&self.source)?, Lab::start(&self.target)?))
    }
}

/// The configuration of one of MirrorMaker's connectors.
#[derive(Debug, Clone)]
pub struct Mirror(Map<String, Value>);

impl Mirror {
    /// A `Source`, `Checkpoint` or `Heartbeat` connector of this name, whose source is called `alias`.
    #[must_use]
    pub fn new(clusters: &Clusters, kind: &str, name: &str, alias: &str) -> Self {
        let config = json!({
            "name": name,
            "connector.class": format!("org.apache.kafka.connect.mirror.Mirror{kind}Connector"),
            "tasks.max": "2",
            "source.cluster.alias": alias,
            "target.cluster.alias": format!("of-{alias}"),
            "source.cluster.bootstrap.servers": clusters.source.bootstrap(),
            "target.cluster.bootstrap.servers": clusters.target.bootstrap(),
            "replication.factor": "1",
            "offset-syncs.topic.replication.factor": "1",
            "checkpoints.topic.replication.factor": "1",
            "heartbeats.topic.replication.factor": "1",
            "key.converter": BYTE_ARRAY,
            "value.converter": BYTE_ARRAY,
            "header.converter": BYTE_ARRAY,
        });
        Self(config.as_object().cloned().unwrap_or_default())
    }

    /// With one more setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0
            .insert(key.to_owned(), Value::from(value.to_string()));
        self
    }

    /// Creates the connector.
    ///
    /// # Errors
    /// When the worker refuses.
    pub fn create(&self, worker: &Worker) -> io::Result<()> {
        put_config(worker, &self.0).map(drop)
    }
}

/// How many offsets a topic has used; none where it does not exist yet.
pub fn used(lab: &mut Lab, topic: &str) -> i64 {
    lab.ends(topic).map_or(0, |ends| ends.values().sum())
}

/// The records of a topic whose transactions are committed, once there are so many, by partition and offset.
///
/// # Errors
/// When they do not come in time.
pub fn arrived(lab: &mut Lab, topic: &str, count: usize) -> io::Result<Vec<Placed>> {
    let wanted = i64::try_from(count).unwrap_or(i64::MAX);
    let mut seen = 0;
    let came = wait::until("the copies", ARRIVAL_LIMIT, || {
        if used(lab, topic) < wanted {
            return Ok(None);
        }
        let records = lab.place(topic, "read_committed")?;
        seen = records.len();
        Ok((seen >= count).then_some(records))
    });
    came.map_err(|e| io::Error::new(e.kind(), format!("{topic}: {e}, but {seen} of {count}")))
}

/// Produces beside the test; gives the lab back once all is there.
#[must_use]
pub fn produce_aside(mut lab: Lab, load: Load) -> JoinHandle<io::Result<Lab>> {
    thread::spawn(move || lab.produce(&load).map(|_| lab))
}

/// Waits until all is produced.
///
/// # Errors
/// When a record was not acknowledged.
pub fn produced(load: JoinHandle<io::Result<Lab>>) -> io::Result<Lab> {
    let lab = load.join();
    lab.map_err(|_| io::Error::other("the load died"))?
}

/// The numbers of generated texts, by partition, in the order in which they stand there.
///
/// # Errors
/// A value is none of [`Load::text`], or stands in another partition than it was made for.
pub fn numbers(records: &[Placed]) -> io::Result<BTreeMap<i32, Vec<u64>>> {
    let mut numbers = BTreeMap::<i32, Vec<u64>>::new();
    for placed in records {
        let text = String::from_utf8_lossy(placed.record.value.as_deref().unwrap_or_default());
        let mut parts = text.splitn(3, ':');
        let partition: Option<i32> = parts.next().and_then(|part| part.parse().ok());
        let number = parts.next().and_then(|part| part.parse().ok());
        match (partition, number) {
            (Some(partition), Some(number)) if partition == placed.partition => {
                numbers.entry(partition).or_default().push(number);
            }
            _ => return Err(io::Error::other(format!("out of place: {placed:?}"))),
        }
    }
    Ok(numbers)
}
