//! Facts about what a broker keeps over a restart.

use crate::journal::Committed;
use crate::log::batch;
use crate::log::batch::testing::TestBatch;

use super::*;

fn open(folder: &tempfile::TempDir) -> Broker {
    let data_dir = Some(folder.path().to_owned());
    let config = BrokerConfig {
        data_dir,
        ..BrokerConfig::default()
    };
    Broker::open(config, "127.0.0.1:1".parse().unwrap()).unwrap()
}

fn append(broker: &Broker, topic: &str, count: usize) -> i64 {
    let records = TestBatch::records(count).bytes();
    let header = batch::validate(&records, usize::MAX).unwrap();
    lock(&broker.topics)
        .append(topic, 0, &header, &records)
        .unwrap()
        .base_offset
}

fn commit(broker: &Broker, topic: &str, offset: i64) {
    let (group, partition) = ("g".to_owned(), 0);
    let committed = Committed {
        offset,
        leader_epoch: 0,
        metadata: "m".to_owned(),
    };
    lock(&broker.groups)
        .commit(&group, topic, partition, committed.clone())
        .unwrap();
    let topic = topic.to_owned();
    broker.note(&Entry::OffsetCommitted {
        group,
        topic,
        partition,
        committed,
    });
}

#[test]
fn topics_records_offsets_and_the_cluster_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(&folder);
    let configs = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
    let id = broker
        .create_topic(&mut lock(&broker.topics), "t", 2, configs.clone())
        .unwrap();
    append(&broker, "t", 3);
    commit(&broker, "t", 1);
    commit(&broker, "t", 2);
    let (cluster_id, producer_id) = (broker.cluster_id.clone(), broker.next_producer_id());
    drop(broker);
    for restart in 0..2 {
        let broker = open(&folder);
        assert_eq!(broker.cluster_id, cluster_id);
        assert!(broker.next_producer_id() > producer_id);
        let topics = lock(&broker.topics);
        let topic = topics.get("t").unwrap();
        assert_eq!(
            (topic.id, topic.partition_count(), &topic.configs),
            (id, 2, &configs)
        );
        assert_eq!(topic.partition(0).unwrap().end_offset(), 3 + restart);
        drop(topics);
        let groups = lock(&broker.groups);
        let committed = &groups.get("g").unwrap().offsets[&("t".to_owned(), 0)];
        assert_eq!((committed.offset, committed.metadata.as_str()), (2, "m"));
        drop(groups);
        append(&broker, "t", 1);
    }
}

#[test]
fn a_deleted_topic_is_gone_and_its_successor_starts_empty() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(&folder);
    let create = || broker.create_topic(&mut lock(&broker.topics), "t", 1, BTreeMap::new());
    let first = create().unwrap();
    append(&broker, "t", 3);
    lock(&broker.topics).delete("t").unwrap();
    broker.note(&Entry::TopicDeleted { id: first });
    let second = create().unwrap();
    assert_ne!(first, second);
    assert_eq!(append(&broker, "t", 1), 0);
    drop(broker);
    let broker = open(&folder);
    let topics = lock(&broker.topics);
    assert_eq!(topics.get("t").map(|topic| topic.id), Some(second));
    assert_eq!(topics.iter().count(), 1);
}
