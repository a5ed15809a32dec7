//! Offsets and older tasks of sources that are exactly once, on embedded brokers.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_client::produce::TransactionalProducer;
use ferrovia_client::settings::ProducerSettings;
use ferrovia_client::{Cluster, FramePool};
use ferrovia_pipeline::data::{Map, Value};
use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::config::DistributedConfig;
use crate::herder::testing;
use crate::herder::validation::InCluster;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A worker of a cluster, and where it keeps offsets.
struct Worker {
    offsets: ConnectorOffsets,
    store: OffsetStore,
}

impl Worker {
    fn at(broker: &EmbeddedBroker) -> Self {
        let address = broker.address().to_string();
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let settings = [
            ("bootstrap.servers", &*address),
            ("group.id", "workers"),
            ("key.converter", string),
            ("value.converter", string),
            ("config.storage.topic", "configs"),
            ("offset.storage.topic", "offsets"),
            ("status.storage.topic", "statuses"),
            ("offset.storage.partitions", "1"),
            ("offset.storage.replication.factor", "-1"),
            ("exactly.once.source.support", "enabled"),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = DistributedConfig::from_settings(settings.into()).unwrap();
        let validator = testing::validator(&[("bootstrap.servers", &*address)]);
        let validator = validator.in_cluster(InCluster {
            group: "workers".to_owned(),
            gives_exactly_once: true,
        });
        let store = OffsetStore::topic(&config).unwrap();
        let worker = Arc::new(config.worker);
        Self {
            offsets: ConnectorOffsets::new(worker, Arc::new(validator), store.clone()),
            store,
        }
    }
}

/// A task that was left behind, with a transaction that it has not committed.
struct Zombie(TransactionalProducer);

impl Zombie {
    async fn at(broker: &EmbeddedBroker, id: &str) -> Self {
        let properties = BTreeMap::from([
            ("bootstrap.servers".to_owned(), broker.address().to_string()),
            ("transactional.id".to_owned(), id.to_owned()),
        ]);
        let settings = ProducerSettings::from_properties(&properties).unwrap();
        let brokers = Cluster::new(settings.client.clone(), FramePool::new(64 * 1024));
        let started = timeout(DEADLINE, TransactionalProducer::start(brokers, settings));
        Self(started.await.unwrap().unwrap())
    }

    async fn can_write(&mut self, worker: &Worker) -> bool {
        let partition: Map<'static> = map("file", Value::String("late".into()));
        let offset = map("position", Value::Int64(1));
        let offsets = vec![(partition, Some(offset))];
        let sealed = worker.store.seal("c", &offsets);
        let written = async {
            let transaction = self.0.begin().await?;
            for (partition, batch) in sealed.await.unwrap().batches {
                drop(transaction.send(partition, batch).await);
            }
            transaction.commit().await
        };
        timeout(DEADLINE, written).await.unwrap().is_ok()
    }
}

fn map(key: &'static str, value: Value<'static>) -> Map<'static> {
    let mut map = Map::new();
    map.insert(Value::String(key.into()), value);
    map
}

fn source(changes: &[(&str, &str)]) -> Arc<Settings> {
    let least = [
        ("name", "c"),
        ("connector.class", "FileStreamSource"),
        ("topic", "t"),
    ];
    let settings: BTreeMap<String, String> = least
        .iter()
        .chain(changes)
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Arc::new(settings.into())
}

#[tokio::test]
async fn offsets_are_changed_as_by_the_first_task_which_can_write_no_more() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let worker = Worker::at(&broker);
    let mut zombie = Zombie::at(&broker, "workers-c-0").await;
    assert!(zombie.can_write(&worker).await);
    let wanted = ConnectorOffset {
        partition: json!({"file": "a"}),
        offset: json!({"position": 5}),
    };
    let changed = worker
        .offsets
        .modify("c".into(), source(&[]), Some(vec![wanted.clone()]));
    let text = timeout(DEADLINE, changed).await.unwrap().unwrap();
    assert!(text.contains("altered successfully"), "{text}");
    assert!(!zombie.can_write(&worker).await);
    let read = worker
        .offsets
        .read("c".into(), source(&[]).as_ref().clone());
    let read = timeout(DEADLINE, read).await.unwrap().unwrap();
    assert!(read.contains(&wanted) && read.len() == 2, "{read:?}");
    let reset = worker.offsets.modify("c".into(), source(&[]), None);
    timeout(DEADLINE, reset).await.unwrap().unwrap();
    let read = worker
        .offsets
        .read("c".into(), source(&[]).as_ref().clone());
    assert_eq!(timeout(DEADLINE, read).await.unwrap(), Ok(Vec::new()));
}

#[tokio::test]
async fn older_tasks_are_fenced_where_the_connectors_admin_client_points_to() {
    let start = || EmbeddedBroker::start(BrokerConfig::default());
    let (here, there) = (start().await.unwrap(), start().await.unwrap());
    let (worker, other) = (Worker::at(&here), Worker::at(&there));
    let mut at_home = Zombie::at(&here, "workers-c-1").await;
    let mut abroad = Zombie::at(&there, "workers-c-1").await;
    let address = there.address().to_string();
    let settings = source(&[("admin.override.bootstrap.servers", &address)]);
    let fenced = worker.offsets.fence("c".into(), settings, 2);
    assert_eq!(timeout(DEADLINE, fenced).await.unwrap(), Ok(()));
    assert!(at_home.can_write(&worker).await);
    assert!(!abroad.can_write(&other).await);
}
