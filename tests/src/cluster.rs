//! Workers in distributed mode: what one cluster's workers share, and what they say about their connectors.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};
use crate::kafka::Kafka;
use crate::wait;
use crate::worker::{Make, Properties, Worker};

/// How long a cluster may take until all is as asked for. Java's workers start slowly on a busy machine.
pub const SETTLE_LIMIT: Duration = Duration::from_secs(90);
/// The class of the connectors of these tests.
pub const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

/// What a Java worker says that has found its leader gone.
const FORWARD_FAILED: &str = "IO Error trying to forward REST request";

/// A cluster's settings: a group and three topics that no other test has.
#[derive(Debug, Clone)]
pub struct Cluster {
    name: String,
    settings: Properties,
}

impl Cluster {
    /// A new cluster on `kafka`, none of whose workers runs.
    #[must_use]
    pub fn new(kafka: &Kafka) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cluster-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let mut settings = Properties::default()
            .with("bootstrap.servers", kafka.bootstrap())
            .with("group.id", &name)
            .with("key.converter", string)
            .with("value.converter", string)
            .with("offset.storage.partitions", 1)
            .with("status.storage.partitions", 1)
            .with("offset.flush.interval.ms", 500)
            .with("session.timeout.ms", 6_000)
            .with("heartbeat.interval.ms", 1_000)
            .with("scheduled.rebalance.max.delay.ms", 2_000)
            .with("consumer.session.timeout.ms", 6_000)
            .with("consumer.heartbeat.interval.ms", 500);
        for topic in ["config", "offset", "status"] {
            settings = settings
                .with(&format!("{topic}.storage.topic"), format!("{name}-{topic}"))
                .with(&format!("{topic}.storage.replication.factor"), 1);
        }
        Self { name, settings }
    }

    /// With a setting changed for the workers that start from now on.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.settings = self.settings.with(key, value);
        self
    }

    /// The group's id.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.name
    }

    /// The name of an internal topic: `config`, `offset` or `status`.
    #[must_use]
    pub fn topic(&self, kind: &str) -> String {
        format!("{}-{kind}", self.name)
    }

    /// Starts one worker and waits until it is healthy.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn start(&self, make: Make) -> io::Result<Worker> {
        let mut worker = self.launch(make)?;
        worker.until_healthy()?;
        Ok(worker)
    }

    /// Starts one worker and does not wait.
    ///
    /// # Errors
    /// When the program cannot start.
    pub fn launch(&self, make: Make) -> io::Result<Worker> {
        Worker::start_distributed(make, &self.settings)
    }

    /// Starts workers one after the other, so that the first one leads, and waits until all are healthy.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_all(&self, makes: &[Make]) -> io::Result<Vec<Worker>> {
        let Some((first, others)) = makes.split_first() else {
            return Ok(Vec::new());
        };
        let mut workers = vec![self.start(*first)?];
        for make in others {
            workers.push(self.launch(*make)?);
        }
        for worker in &mut workers {
            worker.until_healthy()?;
        }
        Ok(workers)
    }
}

/// The configuration of a FileStreamSink.
#[must_use]
pub fn file_sink(name: &str, topics: &str, tasks: u32, file: &Path) -> Map<String, Value> {
    let config = json!({
        "name": name,
        "connector.class": FILE_SINK,
        "tasks.max": tasks.to_string(),
        "topics": topics,
        "file": file.display().to_string(),
        "consumer.override.auto.offset.reset": "earliest",
    });
    config.as_object().cloned().unwrap_or_default()
}

/// The configuration of a FileStreamSource.
#[must_use]
pub fn file_source(name: &str, topic: &str, file: &Path) -> Map<String, Value> {
    let config = json!({
        "name": name,
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "topic": topic,
        "file": file.display().to_string(),
    });
    config.as_object().cloned().unwrap_or_default()
}

/// Where everything is that a cluster runs: connectors and tasks (`name`, `name-0`) that are RUNNING, and the worker
/// of each.
pub type Whereabouts = BTreeMap<String, String>;

/// Creates or changes a connector. A cluster that is rebalancing is asked again, as Kafka Connect's documentation says.
///
/// # Errors
/// When the answer is another one than 200 or 201.
pub fn put_config(worker: &Worker, config: &Map<String, Value>) -> io::Result<Answer> {
    let name = config.get("name").and_then(Value::as_str).unwrap_or("n");
    let path = format!("/connectors/{name}/config");
    let request = Request::new("PUT", &path).json(Value::Object(config.clone()));
    settled(worker, &request, &[200, 201])
}

/// Sends a request until it is not refused because of a rebalance, nor, by Java's worker, because the leader is gone and
/// no other elected: ours waits for the next one.
///
/// # Errors
/// When the status is none of `wanted`.
pub fn settled(worker: &Worker, request: &Request, wanted: &[u16]) -> io::Result<Answer> {
    let what = format!("an answer to {} {}", request.method, request.path);
    let answer = wait::until(&what, SETTLE_LIMIT, || {
        let answer = worker.send(request)?;
        let is_forwarding = answer.body.contains(FORWARD_FAILED) && worker.make() == Make::Java;
        let is_passing = is_forwarding || answer.body.contains("rebalance");
        let unsettled = answer.status == 409 || answer.status == 500 && is_passing;
        Ok((!unsettled).then_some(answer))
    })?;
    if wanted.contains(&answer.status) {
        return Ok(answer);
    }
    Err(io::Error::other(format!(
        "{} {}: {answer:?}",
        request.method, request.path
    )))
}

/// What runs where, as `worker` sees it.
///
/// # Errors
/// When the worker does not answer in JSON.
pub fn whereabouts(worker: &Worker) -> io::Result<Whereabouts> {
    let answer = worker.get("/connectors?expand=status")?;
    let all: Map<String, Value> = serde_json::from_str(&answer.body)?;
    let mut found = Whereabouts::new();
    for (name, expanded) in &all {
        let status = expanded.get("status").unwrap_or(&Value::Null);
        let connector = status.get("connector").unwrap_or(&Value::Null);
        note(&mut found, name.clone(), connector);
        for task in status
            .get("tasks")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let id = task.get("id").and_then(Value::as_u64).unwrap_or(u64::MAX);
            note(&mut found, format!("{name}-{id}"), task);
        }
    }
    Ok(found)
}

fn note(found: &mut Whereabouts, item: String, status: &Value) {
    let text = |key| status.get(key).and_then(Value::as_str);
    if text("state") == Some("RUNNING") {
        found.insert(item, text("worker_id").unwrap_or("nobody").to_owned());
    }
}

/// Waits until `worker` sees what passes `wanted`, and gives it.
///
/// # Errors
/// After [`SETTLE_LIMIT`], with what was seen last.
pub fn until_seen(
    worker: &Worker,
    what: &str,
    mut wanted: impl FnMut(&Whereabouts) -> bool,
) -> io::Result<Whereabouts> {
    let mut last = Whereabouts::new();
    let found = wait::until(what, SETTLE_LIMIT, || {
        // A worker may be about to start or to stop: then it is asked again.
        if let Ok(seen) = whereabouts(worker) {
            last = seen;
        }
        Ok(wanted(&last).then(|| last.clone()))
    });
    found.map_err(|e| io::Error::new(e.kind(), format!("{e}, but {last:?}")))
}

/// How many of these items each of `workers` has; workers without any count as zero.
#[must_use]
pub fn loads(seen: &Whereabouts, workers: &[&Worker], wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    let load = |worker: &&Worker| {
        let id = format!("127.0.0.1:{}", worker.port());
        seen.iter()
            .filter(|(item, at)| wanted(item) && **at == id)
            .count()
    };
    workers.iter().map(load).collect()
}
