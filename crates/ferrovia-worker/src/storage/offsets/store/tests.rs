//! Facts about places for offsets, topics on the embedded broker.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_client::produce::TransactionalProducer;
use ferrovia_client::settings::ProducerSettings;
use ferrovia_client::{Cluster, FramePool};
use ferrovia_pipeline::data::Value;
use tokio::time::timeout;

use super::*;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn map(key: &'static str, value: impl Into<Value<'static>>) -> Map<'static> {
    let mut map = Map::new();
    map.insert(Value::String(key.into()), value.into());
    map
}

fn file(name: &'static str) -> Map<'static> {
    map("file", Value::String(name.into()))
}

fn position(position: i64) -> Map<'static> {
    map("position", Value::Int64(position))
}

async fn cluster(broker: &EmbeddedBroker) -> OffsetStore {
    workers(broker, "disabled").await
}

async fn workers(broker: &EmbeddedBroker, exactly_once: &str) -> OffsetStore {
    let settings = [
        ("exactly.once.source.support", exactly_once.to_owned()),
        ("bootstrap.servers", broker.address().to_string()),
        ("group.id", "w".to_owned()),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter".to_owned(),
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter".to_owned(),
        ),
        ("config.storage.topic", "configs".to_owned()),
        ("offset.storage.topic", "offsets".to_owned()),
        ("status.storage.topic", "statuses".to_owned()),
        ("offset.storage.partitions", "3".to_owned()),
        ("offset.storage.replication.factor", "-1".to_owned()),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value));
    OffsetStore::topic(&DistributedConfig::from_settings(settings.into()).unwrap()).unwrap()
}

fn connector(changes: &[(&str, &str)]) -> ConnectorConfig {
    let base = [("name", "c"), ("connector.class", "FileStreamSource")];
    let settings: BTreeMap<String, String> = base
        .iter()
        .chain(changes)
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    ConnectorConfig::source(settings, true).unwrap()
}

async fn write(store: &OffsetStore, offsets: Offsets) {
    timeout(DEADLINE, store.write("c", offsets))
        .await
        .unwrap()
        .unwrap();
}

async fn offset(store: &OffsetStore, name: &'static str) -> Option<Map<'static>> {
    let reader = timeout(DEADLINE, store.read("c")).await.unwrap().unwrap();
    reader.offset(&file(name)).unwrap()
}

#[tokio::test]
async fn offsets_are_found_by_connector_and_partition() {
    let store = OffsetStore::in_memory();
    write(
        &store,
        vec![
            (file("a"), Some(position(1))),
            (file("b"), Some(position(2))),
        ],
    )
    .await;
    store
        .write("d", vec![(file("a"), Some(position(9)))])
        .await
        .unwrap();
    assert_eq!(offset(&store, "a").await, Some(position(1)));
    assert_eq!(offset(&store, "other").await, None);
    write(&store, vec![(file("a"), None)]).await;
    assert_eq!(offset(&store, "a").await, None);
    let all = store.all("c").await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].partition, Value::Map(file("b")));
    assert_eq!(all[0].offset, Value::Map(position(2)));
}

#[tokio::test]
async fn what_is_no_offset_is_told_with_the_key_that_it_is_stored_under() {
    let store = OffsetStore::in_memory();
    let key = offset_key("c", &file("a")).unwrap();
    let reader = store.read("c").await.unwrap();
    for odd in ["no json", "[1]", "7", "{\"position\""] {
        let mut fold = store.first.table().lock();
        fold.on_record(Some(key.clone().into()), Some(odd.into()));
        drop(fold);
        let trace = reader.offset(&file("a")).unwrap_err().trace();
        let first = "org.apache.kafka.connect.errors.ConnectException: What is stored under [\"c\",{\"file\":\"a\"}] is no \
                     offset\nCaused by: org.apache.kafka.connect.errors.DataException: ";
        assert!(trace.starts_with(first), "{odd}: {trace}");
    }
}

#[tokio::test]
async fn an_offset_without_bytes_stores_none() {
    let store = OffsetStore::in_memory();
    let list = map("list", Value::Array(Vec::new()));
    let offsets = vec![(file("a"), Some(position(1))), (file("b"), Some(list))];
    let refused = store.write("c", offsets).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Offsets may only contain primitive types as values, but field list contains ARRAY"
    );
    assert_eq!(offset(&store, "a").await, None);
}

#[tokio::test]
async fn what_one_worker_stores_in_the_topic_another_reads() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let (one, other) = (cluster(&broker).await, cluster(&broker).await);
    timeout(DEADLINE, one.open()).await.unwrap().unwrap();
    assert_eq!(offset(&other, "a").await, None);
    write(&one, vec![(file("a"), Some(position(1)))]).await;
    assert_eq!(offset(&other, "a").await, Some(position(1)));
    write(&other, vec![(file("a"), Some(position(2)))]).await;
    assert_eq!(offset(&one, "a").await, Some(position(2)));
}

#[tokio::test]
async fn a_connectors_own_topic_is_made_and_asked_first() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let worker = cluster(&broker).await;
    write(
        &worker,
        vec![
            (file("a"), Some(position(1))),
            (file("b"), Some(position(2))),
        ],
    )
    .await;
    let own = worker
        .of_connector(&connector(&[("offsets.storage.topic", "own")]), "c")
        .unwrap();
    assert_eq!(offset(&own, "a").await, Some(position(1)));
    write(&own, vec![(file("a"), Some(position(5)))]).await;
    assert_eq!(offset(&own, "a").await, Some(position(5)));
    assert_eq!(offset(&own, "b").await, Some(position(2)));
    // The worker's topic follows, and forgets first.
    let followed = async {
        while offset(&worker, "a").await != Some(position(5)) {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, followed).await.unwrap();
    write(&own, vec![(file("a"), None)]).await;
    assert_eq!(offset(&worker, "a").await, None);
    assert_eq!(offset(&own, "a").await, None);
    let shown = own.all("c").await.unwrap();
    assert_eq!(shown.len(), 1);
}

#[tokio::test]
async fn a_topic_that_is_the_workers_is_no_second_one() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let worker = cluster(&broker).await;
    let same = connector(&[("offsets.storage.topic", "offsets")]);
    assert!(worker.of_connector(&same, "c").unwrap().second.is_none());
    let elsewhere = connector(&[
        ("offsets.storage.topic", "offsets"),
        ("producer.override.bootstrap.servers", "elsewhere:1"),
    ]);
    assert!(
        worker
            .of_connector(&elsewhere, "c")
            .unwrap()
            .second
            .is_some()
    );
    // A worker that is alone makes no topics.
    let alone = OffsetStore::in_memory();
    let own = alone.of_connector(&same, "c").unwrap();
    assert!(Arc::ptr_eq(&own.first, &alone.first));
}

#[tokio::test]
async fn exactly_once_offsets_are_in_the_cluster_of_the_records_for_whoever_asks() {
    let start = || EmbeddedBroker::start(BrokerConfig::default());
    let (here, there) = (start().await.unwrap(), start().await.unwrap());
    let worker = workers(&here, "enabled").await;
    let of_source =
        |changes: &[(&str, &str)]| worker.of_connector(&connector(changes), "c").unwrap();
    assert!(of_source(&[]).second.is_none(), "the workers' own topic");

    let address = there.address().to_string();
    let elsewhere = [("producer.override.bootstrap.servers", &*address)];
    let own = of_source(&elsewhere);
    assert_eq!(own.topic_name().as_deref(), Some("offsets"));
    write(&own, vec![(file("a"), Some(position(7)))]).await;
    let other_worker = workers(&there, "enabled").await;
    assert_eq!(offset(&other_worker, "a").await, Some(position(7)));
}

#[tokio::test]
async fn offsets_of_aborted_transactions_show_to_nobody_where_sources_are_exactly_once() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let worker = workers(&broker, "enabled").await;
    let source = connector(&[
        ("offsets.storage.topic", "own"),
        ("consumer.override.isolation.level", "read_uncommitted"),
    ]);
    let own = worker.of_connector(&source, "c").unwrap();
    let offsets = vec![(file("a"), Some(position(1)))];
    let sealed = timeout(DEADLINE, own.seal("c", &offsets))
        .await
        .unwrap()
        .unwrap();
    let properties = BTreeMap::from([
        ("bootstrap.servers".to_owned(), broker.address().to_string()),
        ("transactional.id".to_owned(), "t".to_owned()),
    ]);
    let settings = ProducerSettings::from_properties(&properties).unwrap();
    let brokers = Cluster::new(settings.client.clone(), FramePool::new(64 * 1024));
    let aborted = async {
        let mut producer = TransactionalProducer::start(brokers, settings)
            .await
            .unwrap();
        let transaction = producer.begin().await.unwrap();
        for (partition, batch) in sealed.batches {
            transaction.send(partition, batch).await.await.unwrap();
        }
        transaction.abort().await.unwrap();
    };
    timeout(DEADLINE, aborted).await.unwrap();
    assert_eq!(offset(&own, "a").await, None);
}
