//! What a test plays on: an embedded broker, tasks with probes, the place of their offsets, and waiting with a deadline.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::settings::{ClientSettings, IsolationLevel};
use ferrovia_pipeline::sink::Placement;
use ferrovia_worker::config::worker::StandaloneConfig;
use ferrovia_worker::config::{ConnectorConfig, DistributedConfig};
use ferrovia_worker::herder::work::Run;
use ferrovia_worker::herder::{
    TaskCode, TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart,
};
use ferrovia_worker::status::{State, TaskId};
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::task::metrics::SourceTaskCounts;
use ferrovia_worker::task::runner::ThreadedRunner;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::letters::{self, Letter};
use crate::probe::{Probe, ProbeTask, partition_of, position_in};

/// Until a test gives up on something that has to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);
/// Between two looks at something that has to happen.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// The connector of all tests.
pub(crate) const NAME: &str = "s";

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

/// A broker, and where offsets are kept.
pub(crate) struct Stage {
    broker: Option<Arc<EmbeddedBroker>>,
    config: BrokerConfig,
    _folder: TempDir,
    cluster: Cluster,
    offsets: OffsetStore,
    /// Whether its tasks are those of a worker that gives exactly-once guarantees.
    is_exactly_once: bool,
}

impl Stage {
    /// A broker that keeps its data in a folder, with the topic `t`.
    pub(crate) async fn new(partitions: i32) -> Self {
        Self::with(partitions, |config| config).await
    }

    pub(crate) async fn with(
        partitions: i32,
        change: impl FnOnce(BrokerConfig) -> BrokerConfig,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let config = change(BrokerConfig {
            data_dir: Some(folder.path().to_owned()),
            auto_create_topics: false,
            ..BrokerConfig::default()
        });
        let broker = EmbeddedBroker::start(config.clone()).await.unwrap();
        assert!(broker.create_topic("t", partitions));
        let bootstrap =
            BTreeMap::from([("bootstrap.servers".to_owned(), broker.address().to_string())]);
        let settings = ClientSettings::from_properties(&bootstrap).unwrap();
        Self {
            config: BrokerConfig {
                // A broker that starts again is found where it was.
                listen: broker.address().to_string(),
                ..config
            },
            broker: Some(Arc::new(broker)),
            _folder: folder,
            cluster: Cluster::new(settings, FramePool::new(1 << 20)),
            offsets: OffsetStore::in_memory(),
            is_exactly_once: false,
        }
    }

    /// A stage whose worker gives exactly-once guarantees, and keeps offsets in a topic.
    pub(crate) async fn exactly_once() -> Self {
        Self {
            is_exactly_once: true,
            ..Self::with_topic_of_offsets().await
        }
    }

    /// A stage whose worker keeps offsets in a topic.
    pub(crate) async fn with_topic_of_offsets() -> Self {
        let mut stage = Self::new(1).await;
        let mut settings = BTreeMap::from(CLUSTER_SETTINGS.map(owned));
        let address = stage.broker().address().to_string();
        settings.insert("bootstrap.servers".to_owned(), address);
        let config = DistributedConfig::from_settings(settings).unwrap();
        stage.offsets = OffsetStore::topic(&config).unwrap();
        stage
    }

    /// The values of the topic `t` that are committed, in order.
    pub(crate) async fn committed(&self) -> Vec<String> {
        let records = letters::read_as(self, "t", IsolationLevel::ReadCommitted).await;
        records.into_iter().map(|it| it.value.unwrap()).collect()
    }

    pub(crate) async fn until_committed(&self, expected: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let found = self.committed().await;
            if found == expected {
                return;
            }
            assert!(Instant::now() < deadline, "never: {found:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) fn broker(&self) -> &Arc<EmbeddedBroker> {
        self.broker.as_ref().unwrap()
    }

    /// A client of the test's own.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Stops the broker and starts it again on the same port with the same data.
    pub(crate) async fn restart_broker(&mut self) {
        let broker = Arc::into_inner(self.broker.take().unwrap()).unwrap();
        broker.stop().await;
        let broker = EmbeddedBroker::start(self.config.clone()).await.unwrap();
        self.broker = Some(Arc::new(broker));
    }

    /// How many records a topic has.
    pub(crate) fn count(&self, topic: &str) -> i64 {
        self.broker().topic_end_offsets(topic).into_iter().sum()
    }

    pub(crate) async fn until_count(&self, topic: &str, count: i64) {
        let what = format!("{count} records in {topic}");
        until(&what, || self.count(topic) >= count).await;
    }

    /// The records of a topic, partition by partition.
    pub(crate) async fn read(&self, topic: &str) -> Vec<Letter> {
        letters::read(self, topic).await
    }

    /// The values of one partition of the topic `t`, in order.
    pub(crate) async fn values(&self, partition: i32) -> Vec<String> {
        let records = self.read("t").await.into_iter();
        let of_it = records.filter(|record| record.partition == partition);
        of_it.map(|record| record.value.unwrap()).collect()
    }

    /// The position that is stored of a file.
    pub(crate) async fn stored(&self, file: &str) -> Option<i64> {
        let stored = self.offsets.read(NAME).await.unwrap();
        let offset = stored.offset(&partition_of(file)).unwrap();
        offset.as_ref().map(position_in)
    }

    pub(crate) async fn until_stored(&self, file: &str, position: i64) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let stored = self.stored(file).await;
            if stored == Some(position) {
                return;
            }
            assert!(Instant::now() < deadline, "never {position}: {stored:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A task with a thread of its own. `settings` are for the connector, or, with the prefix `worker:`, for the worker.
    pub(crate) async fn task(&self, settings: &[(&str, &str)]) -> Task {
        self.task_on(Placement::OwnThread, settings, false).await
    }

    pub(crate) async fn task_on(
        &self,
        placement: Placement,
        settings: &[(&str, &str)],
        is_paused: bool,
    ) -> Task {
        let worker = self.worker_config(settings);
        let mut connector = BTreeMap::from(CONNECTOR_SETTINGS.map(owned));
        let own = settings
            .iter()
            .filter(|(key, _)| !key.starts_with("worker:"));
        connector.extend(own.copied().map(owned));
        let config = ConnectorConfig::source(connector.clone(), worker.topic_creation_enable);
        let mut runner = ThreadedRunner::start(Arc::new(worker), self.offsets.clone()).unwrap();
        if self.is_exactly_once {
            runner = runner.exactly_once("g");
        }
        let probe = Arc::new(Probe::default());
        let (queue, reports) = mpsc::channel(64);
        let id = TaskId::new(NAME, 0);
        let task = ProbeTask::new(Arc::clone(&probe), placement);
        runner
            .start_task(TaskStart {
                id: id.clone(),
                connector: Arc::new(config.unwrap()),
                settings: connector,
                task: TaskCode::Source(Box::new(task)),
                is_paused,
                reports: TaskReports::new(id.clone(), Run(1), queue),
            })
            .await;
        Task {
            runner,
            id,
            reports,
            probe,
            used_topics: Vec::new(),
        }
    }

    fn worker_config(&self, settings: &[(&str, &str)]) -> ferrovia_worker::config::WorkerConfig {
        let mut config = BTreeMap::from(WORKER_SETTINGS.map(owned));
        let address = self.broker().address().to_string();
        config.insert("bootstrap.servers".to_owned(), address);
        let own = settings
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("worker:")?, *value)));
        config.extend(own.map(owned));
        StandaloneConfig::from_settings(config).unwrap().worker
    }

    /// Stops the broker.
    pub(crate) async fn end(mut self) {
        let broker = Arc::into_inner(self.broker.take().unwrap()).unwrap();
        tokio::time::timeout(DEADLINE, broker.stop()).await.unwrap();
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Commits every few moments.
pub(crate) const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "20");

/// No commit but the last; short waits everywhere else.
const WORKER_SETTINGS: [(&str, &str); 12] = [
    ("key.converter", STRING),
    ("value.converter", STRING),
    ("offset.storage.file.filename", "unused"),
    ("offset.flush.interval.ms", "3600000"),
    ("task.shutdown.graceful.timeout.ms", "10000"),
    ("worker.threads", "1"),
    ("producer.retry.backoff.ms", "10"),
    ("producer.retry.backoff.max.ms", "50"),
    ("producer.reconnect.backoff.ms", "10"),
    ("producer.reconnect.backoff.max.ms", "50"),
    ("producer.metadata.max.age.ms", "200"),
    ("producer.request.timeout.ms", "5000"),
];
const CLUSTER_SETTINGS: [(&str, &str); 11] = [
    ("group.id", "g"),
    ("key.converter", STRING),
    ("value.converter", STRING),
    ("config.storage.topic", "configs"),
    ("offset.storage.topic", "offsets"),
    ("status.storage.topic", "statuses"),
    ("offset.storage.replication.factor", "1"),
    ("offset.storage.partitions", "3"),
    ("config.storage.replication.factor", "1"),
    ("status.storage.replication.factor", "1"),
    ("exactly.once.source.support", "enabled"),
];
const CONNECTOR_SETTINGS: [(&str, &str); 3] = [
    ("name", NAME),
    ("connector.class", "probe.ProbeSourceConnector"),
    ("tasks.max", "1"),
];
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

/// A task without a herder.
pub(crate) struct Task {
    runner: ThreadedRunner,
    id: TaskId,
    reports: mpsc::Receiver<TaskReport>,
    pub(crate) probe: Arc<Probe>,
    pub(crate) used_topics: Vec<String>,
}

impl Task {
    /// The next that the task reports, but for topics, which are kept.
    pub(crate) async fn next(&mut self) -> Option<TaskEvent> {
        loop {
            let report = tokio::time::timeout(DEADLINE, self.reports.recv());
            match report.await.unwrap().map(|report| report.event) {
                Some(TaskEvent::UsedTopic(topic)) => self.used_topics.push(topic.to_string()),
                Some(TaskEvent::Asks(_)) => self.runner.permit_task(&self.id, Ok(())).await,
                other => return other,
            }
        }
    }

    /// The next state, which has to be this one; answers the trace.
    pub(crate) async fn until_state(&mut self, expected: State) -> String {
        match self.next().await {
            Some(TaskEvent::State(state, trace)) if state == expected => trace,
            other => panic!("not {expected}: {other:?}"),
        }
    }

    /// Does not let the task do what it asks for next.
    pub(crate) async fn refuse(&mut self, reason: &str) {
        let report = tokio::time::timeout(DEADLINE, self.reports.recv());
        let asks = report.await.unwrap().map(|report| report.event);
        assert!(matches!(asks, Some(TaskEvent::Asks(_))), "{asks:?}");
        let refused = Err(reason.to_owned());
        self.runner.permit_task(&self.id, refused).await;
    }

    pub(crate) async fn pause(&mut self, is_paused: bool) {
        self.runner.pause_task(&self.id, is_paused).await;
    }

    pub(crate) fn counts(&self) -> SourceTaskCounts {
        self.runner.metrics().source_counts()[0].1
    }

    /// Forgets the task and the threads that it runs on, as if its process had died.
    pub(crate) fn abandon(self) {
        drop(self.runner);
    }

    /// Asks the task to stop, without waiting.
    pub(crate) async fn ask_to_stop(&mut self) {
        self.runner.stop_task(&self.id).await;
    }

    /// Stops the task, which has to be well.
    pub(crate) async fn stop(mut self) -> Arc<Probe> {
        self.ask_to_stop().await;
        self.until_state(State::Unassigned).await;
        self.until_ended().await
    }

    /// Waits until the task, which has failed, has ended.
    pub(crate) async fn until_ended(mut self) -> Arc<Probe> {
        assert_eq!(self.next().await, Some(TaskEvent::Ended));
        assert_eq!(self.next().await, None, "nothing comes after");
        self.probe
    }

    /// Waits until the task has failed and ended; answers the trace.
    pub(crate) async fn until_failed(mut self) -> (String, Arc<Probe>) {
        let trace = self.until_state(State::Failed).await;
        (trace, self.until_ended().await)
    }
}
