//! Two clusters and a worker that listens, for the connectors' tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ferrovia_broker::{BlockingBroker, BrokerConfig, EmbeddedBroker};
use ferrovia_client::admin::topics::create_topics;
use ferrovia_client::admin::{NewTopic, OffsetToCommit};
use ferrovia_client::{Cluster, Producer, ProducerSettings, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal};
use ferrovia_pipeline::connector::{ConnectorContext, ConnectorEvents};
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{OffsetReader, SourceContext};

use crate::clients;

/// The longest wait for something that a test expects.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A source `A` and a target `B`.
pub(crate) struct Stage {
    pub(crate) source: BlockingBroker,
    pub(crate) target: BlockingBroker,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let start = || {
            let config = BrokerConfig {
                auto_create_topics: false,
                ..BrokerConfig::default()
            };
            EmbeddedBroker::start_blocking(config).unwrap()
        };
        Self {
            source: start(),
            target: start(),
        }
    }

    /// Settings of a connector between both, with others beside and in place of them.
    pub(crate) fn settings(&self, own: &[(&str, &str)]) -> BTreeMap<String, String> {
        let servers = |broker: &BlockingBroker| broker.address().to_string();
        let base = [
            ("name", "mirror".to_owned()),
            ("source.cluster.alias", "A".to_owned()),
            ("target.cluster.alias", "B".to_owned()),
            ("source.cluster.bootstrap.servers", servers(&self.source)),
            ("target.cluster.bootstrap.servers", servers(&self.target)),
            ("admin.timeout.ms", "15000".to_owned()),
            ("replication.factor", "1".to_owned()),
            ("offset-syncs.topic.replication.factor", "1".to_owned()),
            ("checkpoints.topic.replication.factor", "1".to_owned()),
            ("heartbeats.topic.replication.factor", "1".to_owned()),
        ];
        let base = base.map(|(key, value)| (key.to_owned(), value));
        let own = own.iter();
        let own = own.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        base.into_iter().chain(own).collect()
    }
}

/// Does something with a cluster.
pub(crate) fn with<T>(broker: &BlockingBroker, work: impl AsyncFnOnce(Cluster) -> T) -> T {
    let servers = broker.address().to_string();
    let properties = BTreeMap::from([("bootstrap.servers".to_owned(), servers)]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = clients::open(&properties).unwrap();
        cluster.ready(DEADLINE).await.unwrap();
        work(cluster).await
    })
}

/// Makes a topic.
pub(crate) fn make_topic(
    broker: &BlockingBroker,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) {
    let configs = configs.iter();
    let topic = NewTopic {
        name: name.into(),
        partitions: Some(partitions),
        replication_factor: Some(1),
        configs: configs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    };
    with(broker, async |cluster| {
        let outcomes = create_topics(&cluster, &[topic], false).await.unwrap();
        outcomes.into_values().next().unwrap().unwrap();
    });
}

/// Records as one batch.
pub(crate) fn sealed(records: &[(Vec<u8>, Vec<u8>)]) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for (key, value) in records {
        writer.append(1_000, Some(key), Some(value), &[]).unwrap();
    }
    writer.seal(Seal::default()).unwrap()
}

/// Writes records to a topic's first partition.
pub(crate) fn write(broker: &BlockingBroker, topic: &str, records: &[(Vec<u8>, Vec<u8>)]) {
    let batch = sealed(records);
    let servers = broker.address().to_string();
    let properties = BTreeMap::from([("bootstrap.servers".to_owned(), servers)]);
    let settings = ProducerSettings::from_properties(&properties).unwrap();
    with(broker, async |cluster| {
        let producer = Producer::new(cluster, settings);
        let ack = producer.send(TopicPartition::new(topic, 0), batch).await;
        ack.await.unwrap();
    });
}

/// An offset to commit, without a remark.
pub(crate) fn commit(topic: &str, offset: i64) -> OffsetToCommit {
    OffsetToCommit {
        partition: TopicPartition::new(topic, 0),
        offset,
        leader_epoch: None,
        metadata: "".into(),
    }
}

/// What a connector says to its worker.
#[derive(Debug)]
pub(crate) enum Said {
    Reconfigure,
    Failure(ConnectError),
}

#[derive(Debug)]
struct Ear(Sender<Said>);

impl ConnectorEvents for Ear {
    fn on_reconfiguration_wanted(&self) {
        let _heard = self.0.send(Said::Reconfigure);
    }

    fn on_failure(&self, error: ConnectError) {
        let _heard = self.0.send(Said::Failure(error));
    }
}

#[derive(Debug)]
struct NoOffsets;

impl OffsetReader for NoOffsets {
    fn offset(&self, _partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        Ok(None)
    }
}

/// A connector's context, and what is said by it.
pub(crate) fn listening() -> (ConnectorContext, Receiver<Said>) {
    let (said, heard) = channel();
    let context = ConnectorContext::new(Arc::new(Ear(said)), Arc::new(NoOffsets));
    (context, heard)
}

/// A task's context without offsets.
pub(crate) fn task_context(settings: BTreeMap<String, String>) -> SourceContext {
    SourceContext::new(settings, Arc::new(NoOffsets), false)
}

/// Waits until something holds.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
