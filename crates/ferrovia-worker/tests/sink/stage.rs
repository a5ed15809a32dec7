//! What a test plays on: an embedded broker, workers with probes, a producer, and waiting with a deadline.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ferrovia_broker::{ApiKey, BrokerConfig, EmbeddedBroker, Fault, RequestView, Times};
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::produce::Producer;
use ferrovia_client::settings::{ClientSettings, ProducerSettings};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::config::worker::StandaloneConfig;
use ferrovia_worker::config::{ConnectorFile, InitialState, WorkerConfig};
use ferrovia_worker::herder::Change;
use ferrovia_worker::logging::Loggers;
use ferrovia_worker::status::{State, Status, TaskId};
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::worker::Worker as Whole;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::protocol::Decodable;
use tempfile::TempDir;

use crate::order::{self, Leave};
use crate::probe::{Catalog, PROBE_SETTING, Probe, Script};

/// Until a test gives up on something that has to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);
/// Between two looks at something that has to happen.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// The connector of most tests, and its group.
pub(crate) const NAME: &str = "s";
pub(crate) const GROUP: &str = "connect-s";

/// Runs a test on one thread, as the control thread of its workers.
pub(crate) fn play(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stage = tokio::task::LocalSet::new();
    stage.block_on(&runtime, test);
}

/// Waits until `holds`, and fails with `what` if it never does.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A partition of the topic that most tests read.
pub(crate) fn p(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// `count` records from offset 0 on in one batch.
pub(crate) fn sealed(count: usize, codec: Codec, seal: Seal) -> Bytes {
    let options = BatchOptions {
        codec,
        ..BatchOptions::default()
    };
    let mut writer = BatchWriter::new(options);
    for number in 0..count {
        let value = format!("value {number}");
        writer.append(1, None, Some(value.as_bytes()), &[]).unwrap();
    }
    writer.seal(seal).unwrap()
}

/// A broker and a producer for it.
pub(crate) struct Stage {
    broker: Option<Arc<EmbeddedBroker>>,
    config: BrokerConfig,
    _folder: TempDir,
    cluster: Cluster,
    producer: Producer,
}

impl Stage {
    /// A broker that keeps its data in a folder, with the topic `t`.
    pub(crate) async fn new(partitions: i32) -> Self {
        let folder = TempDir::new().unwrap();
        let config = BrokerConfig {
            data_dir: Some(folder.path().to_owned()),
            auto_create_topics: false,
            ..BrokerConfig::default()
        };
        let broker = EmbeddedBroker::start(config.clone()).await.unwrap();
        assert!(broker.create_topic("t", partitions));
        let bootstrap =
            BTreeMap::from([("bootstrap.servers".to_owned(), broker.address().to_string())]);
        let settings = ClientSettings::from_properties(&bootstrap).unwrap();
        let cluster = Cluster::new(settings, FramePool::new(1 << 20));
        Self {
            config: BrokerConfig {
                // A broker that starts again is found where it was.
                listen: broker.address().to_string(),
                ..config
            },
            broker: Some(Arc::new(broker)),
            _folder: folder,
            producer: Producer::new(
                cluster.clone(),
                ProducerSettings::with_defaults(cluster.settings().clone()),
            ),
            cluster,
        }
    }

    pub(crate) fn broker(&self) -> &Arc<EmbeddedBroker> {
        self.broker.as_ref().unwrap()
    }

    /// A client of the test's own.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn committed(&self, partition: i32) -> Option<i64> {
        self.broker().committed_offset(GROUP, "t", partition)
    }

    /// Waits until this offset is committed.
    pub(crate) async fn until_committed(&self, partition: i32, offset: i64) {
        let what = format!("commit of {offset} for partition {partition}");
        until(&what, || self.committed(partition) == Some(offset)).await;
    }

    /// Waits until a partition is fetched from this offset.
    pub(crate) async fn until_fetched_from(&self, offset: i64) {
        let seen = Arc::new(AtomicBool::new(false));
        let sees = Arc::clone(&seen);
        let look = Fault::custom(move |view| {
            let asked = fetch_request(view);
            let partitions = asked.topics.iter().flat_map(|topic| &topic.partitions);
            if partitions.clone().any(|asked| asked.fetch_offset == offset) {
                sees.store(true, Ordering::Relaxed);
            }
            // Answered as usual.
            None
        });
        self.broker()
            .faults()
            .inject(ApiKey::Fetch, look, Times::Always);
        let what = format!("fetch from {offset}");
        until(&what, || seen.load(Ordering::Relaxed)).await;
        self.broker().faults().clear();
    }

    /// Produces `count` records as one batch.
    pub(crate) async fn produce(&self, partition: &TopicPartition, count: usize) {
        self.produce_batch(partition, sealed(count, Codec::None, Seal::default()))
            .await;
    }

    pub(crate) async fn produce_batch(&self, partition: &TopicPartition, batch: Bytes) {
        let to =
            ferrovia_client::TopicPartition::new(Arc::clone(&partition.topic), partition.partition);
        self.producer.send(to, batch).await.await.unwrap();
    }

    /// Stops the broker and starts it again on the same port with the same data.
    pub(crate) async fn restart_broker(&mut self) {
        let broker = Arc::into_inner(self.broker.take().unwrap()).unwrap();
        broker.stop().await;
        let broker = EmbeddedBroker::start(self.config.clone()).await.unwrap();
        self.broker = Some(Arc::new(broker));
    }

    /// A worker with the connector `s`, which reads the topic `t` by a script. `settings` are for the connector, or, with
    /// the prefix `worker:`, for the worker.
    pub(crate) async fn worker(&self, script: Script, settings: &[(&str, &str)]) -> Worker {
        let config = Arc::new(self.worker_config(settings));
        let worker = Whole::standalone(
            config,
            OffsetStore::in_memory(),
            "w:1".to_owned(),
            Catalog::shared(),
            Loggers::detached(),
        )
        .unwrap();
        let (probe, settings) = self.connector(script, settings);
        let file = ConnectorFile {
            name: NAME.to_owned(),
            settings,
            initial_state: InitialState::Running,
        };
        worker.herder().create(file).await.unwrap();
        Worker { worker, probe }
    }

    /// The worker's part of `settings`, with what all tests share.
    pub(crate) fn worker_config(&self, settings: &[(&str, &str)]) -> WorkerConfig {
        let mut config = BTreeMap::from(WORKER_SETTINGS.map(owned));
        let address = self.broker().address().to_string();
        config.insert("bootstrap.servers".to_owned(), address);
        let own = settings
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("worker:")?, *value)));
        config.extend(own.map(owned));
        let memory = config.remove("memory");
        let mut config = StandaloneConfig::from_settings(config).unwrap().worker;
        if let Some(memory) = memory {
            // Below what a user may set.
            config.memory_bytes = memory.parse().unwrap();
        }
        config
    }

    /// A probe, and the connector's part of `settings` with the one that names it.
    pub(crate) fn connector(
        &self,
        script: Script,
        settings: &[(&str, &str)],
    ) -> (Arc<Probe>, BTreeMap<String, String>) {
        let broker = Arc::downgrade(self.broker());
        let committed = move |of: &TopicPartition| {
            let broker = broker.upgrade()?;
            broker.committed_offset(GROUP, &of.topic, of.partition)
        };
        let (probe, id) = Probe::register(script, Box::new(committed));
        let mut connector = BTreeMap::from(CONNECTOR_SETTINGS.map(owned));
        connector.insert(PROBE_SETTING.to_owned(), id);
        let own = settings.iter().copied();
        connector.extend(
            own.filter(|(key, _)| !key.starts_with("worker:"))
                .map(owned),
        );
        if connector.contains_key("topics.regex") {
            connector.remove("topics");
        }
        (probe, connector)
    }

    /// Stops a worker and checks the order of all calls of its tasks.
    pub(crate) async fn stop(&self, worker: Worker, leave: Leave) -> Arc<Probe> {
        tokio::time::timeout(DEADLINE, worker.worker.stop())
            .await
            .unwrap();
        order::check(&worker.probe.diary(), leave);
        worker.probe
    }

    /// Stops the last worker and the broker.
    pub(crate) async fn end(self, worker: Worker) {
        self.end_with(worker, Leave::default()).await;
    }

    pub(crate) async fn end_with(mut self, worker: Worker, leave: Leave) {
        self.stop(worker, leave).await;
        drop(self.producer);
        let broker = Arc::into_inner(self.broker.take().unwrap()).unwrap();
        tokio::time::timeout(DEADLINE, broker.stop()).await.unwrap();
    }
}

/// The fetch that a fault is to answer.
pub(crate) fn fetch_request(view: &RequestView<'_>) -> FetchRequest {
    FetchRequest::decode(&mut view.body.clone(), view.api_version).unwrap()
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// No commit but those that a test asks for; short waits everywhere else.
const WORKER_SETTINGS: [(&str, &str); 15] = [
    ("key.converter", BYTES),
    ("value.converter", BYTES),
    ("offset.storage.file.filename", "unused"),
    ("offset.flush.interval.ms", "3600000"),
    ("task.shutdown.graceful.timeout.ms", "10000"),
    ("worker.threads", "1"),
    ("consumer.fetch.max.wait.ms", "50"),
    ("consumer.heartbeat.interval.ms", "30"),
    ("consumer.session.timeout.ms", "10000"),
    ("consumer.retry.backoff.ms", "10"),
    ("consumer.retry.backoff.max.ms", "50"),
    ("consumer.reconnect.backoff.ms", "10"),
    ("consumer.reconnect.backoff.max.ms", "50"),
    ("consumer.metadata.max.age.ms", "200"),
    ("consumer.request.timeout.ms", "5000"),
];
const CONNECTOR_SETTINGS: [(&str, &str); 4] = [
    ("name", NAME),
    ("connector.class", "probe.ProbeConnector"),
    ("topics", "t"),
    ("tasks.max", "1"),
];
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// A worker with one connector.
pub(crate) struct Worker {
    worker: Whole,
    pub(crate) probe: Arc<Probe>,
}

impl Worker {
    /// What is known of a task.
    pub(crate) async fn status(&self, task: u32) -> Option<Status> {
        let id = TaskId::new(NAME, task);
        self.worker.herder().task_status(id).await.unwrap()
    }

    /// The topics that the connector's tasks are known to have used.
    pub(crate) async fn topics(&self) -> Vec<String> {
        let used = self.worker.herder().topics(NAME).await.unwrap();
        used.topics.into_iter().collect()
    }

    /// Waits until exactly these topics are known to have been used.
    pub(crate) async fn until_topics(&self, expected: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let topics = self.topics().await;
            if topics == expected {
                return;
            }
            assert!(Instant::now() < deadline, "never {expected:?}: {topics:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks the herder for a change.
    pub(crate) async fn change(&self, change: Change) {
        self.worker.herder().change(change).await.unwrap();
    }

    /// Waits until the task is in this state, and answers its trace.
    pub(crate) async fn until_state(&self, task: u32, state: State) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.status(task).await {
                Some(status) if status.state == state => return status.trace,
                other => assert!(Instant::now() < deadline, "never {state}: {other:?}"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the tasks have taken exactly the first `count` records of a partition, each once and in order.
    pub(crate) async fn until_taken(&self, partition: &TopicPartition, count: i64) {
        let what = format!("{count} records of {partition} taken");
        until(&what, || self.probe.taken(partition).len() as i64 >= count).await;
        assert_eq!(self.probe.taken(partition), Vec::from_iter(0..count));
    }
}
