//! Facts about what a broker keeps over a restart.

mod outcomes;

use crate::coordinator::Joining;
use crate::journal::{Committed, TransactionEntry};
use crate::log::batch::testing::TestBatch;
use crate::log::marker::Outcome;
use crate::log::{Start, batch};
use crate::transaction::{Phase, ProducerKey, Protocol, Standing};

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
        .append(topic, 0, &header, &records, Start::Anywhere)
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

/// Joins partition 0 of "t" and appends one record in the transaction.
fn append_in_transaction(broker: &Broker, producer: ProducerKey) {
    let records = TestBatch::transactional(1, producer.id, producer.epoch, 0).bytes();
    let header = batch::validate(&records, usize::MAX).unwrap();
    broker
        .append_in_transaction("id", Joining::Implicit, ("t", 0), &header, &records)
        .unwrap();
}

fn stable_and_end(broker: &Broker) -> (i64, i64) {
    let topics = lock(&broker.topics);
    let log = topics
        .get("t")
        .and_then(|topic| topic.partition(0))
        .unwrap();
    (log.last_stable_offset(), log.end_offset())
}

fn held_offset(broker: &Broker, producer: ProducerKey) {
    let committed = Committed {
        offset: 8,
        leader_epoch: 0,
        metadata: String::new(),
    };
    let mut transactions = lock(&broker.transactions);
    broker
        .join_group(&mut transactions, "id", producer, "g")
        .unwrap();
    let key = ("g".to_owned(), "t".to_owned(), 0);
    broker
        .hold_offset(&mut transactions, "id", key, committed)
        .unwrap();
}

#[test]
fn a_transaction_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(&folder);
    broker
        .create_topic(&mut lock(&broker.topics), "t", 1, BTreeMap::new())
        .unwrap();
    let producer = broker.init_transactional_id("id", 60_000, None).unwrap();
    append_in_transaction(&broker, producer);
    held_offset(&broker, producer);
    for _ in 0..2 {
        // The second time the journal has been written anew.
        let broker = open(&folder);
        assert_eq!(stable_and_end(&broker), (0, 1));
        assert_eq!(lock(&broker.transactions).unstable_offsets("g").len(), 1);
    }
    drop(broker);
    let broker = open(&folder);
    let next = broker
        .end_transaction("id", producer, Outcome::Commit, Protocol::Two)
        .unwrap();
    assert_eq!(stable_and_end(&broker), (2, 2));
    drop(broker);
    let broker = open(&folder);
    assert_eq!(stable_and_end(&broker), (2, 2));
    assert_eq!(
        lock(&broker.transactions)
            .get("id")
            .unwrap()
            .standing()
            .producer,
        next
    );
    let groups = lock(&broker.groups);
    let committed = &groups.get("g").unwrap().offsets[&("t".to_owned(), 0)];
    assert_eq!(committed.offset, 8);
}

#[test]
fn a_decided_transaction_gets_its_markers_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(&folder);
    broker
        .create_topic(&mut lock(&broker.topics), "t", 1, BTreeMap::new())
        .unwrap();
    let producer = broker.init_transactional_id("id", 60_000, None).unwrap();
    append_in_transaction(&broker, producer);
    held_offset(&broker, producer);
    let (id, standing) = {
        let transactions = lock(&broker.transactions);
        let standing = transactions.get("id").unwrap().standing().clone();
        ("id".to_owned(), standing)
    };
    // The process ends right after the decision was noted.
    let phase = Phase::Prepare(Outcome::Commit);
    let entry = TransactionEntry::Stood(Standing { phase, ..standing });
    broker.note(&Entry::Transaction { id, entry });
    drop(broker);
    for _ in 0..2 {
        let broker = open(&folder);
        assert_eq!(stable_and_end(&broker), (2, 2));
        let groups = lock(&broker.groups);
        assert_eq!(groups.get("g").unwrap().offsets.len(), 1);
    }
}

#[test]
fn records_whose_transaction_nobody_knows_are_aborted_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(&folder);
    broker
        .create_topic(&mut lock(&broker.topics), "t", 1, BTreeMap::new())
        .unwrap();
    let records = TestBatch::transactional(1, 99, 0, 0).bytes();
    let header = batch::validate(&records, usize::MAX).unwrap();
    let appended = lock(&broker.topics).append("t", 0, &header, &records, Start::Anywhere);
    appended.unwrap();
    assert_eq!(stable_and_end(&broker), (0, 1));
    drop(broker);
    let broker = open(&folder);
    assert_eq!(stable_and_end(&broker), (2, 2));
}

#[test]
fn transactional_ids_are_bounded() {
    let config = BrokerConfig {
        transactional_ids_max: 1,
        ..BrokerConfig::default()
    };
    let broker = Broker::open(config, "127.0.0.1:1".parse().unwrap()).unwrap();
    assert!(broker.init_transactional_id("a", 1, None).is_ok());
    let second = broker.init_transactional_id("b", 1, None);
    assert_eq!(second, Err(ResponseError::PolicyViolation));
    assert!(broker.init_transactional_id("a", 1, None).is_ok());
}
