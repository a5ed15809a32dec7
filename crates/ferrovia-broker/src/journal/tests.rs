//! Facts about the journal and its file.

use std::time::Duration;

use super::*;
use crate::log::marker::Outcome;
use crate::transaction::{Phase, ProducerKey, Protocol, Standing};

fn transaction_entries() -> impl Iterator<Item = Entry> {
    let standing = Standing {
        producer: ProducerKey { id: 4, epoch: 2 },
        last_epoch: 1,
        previous_id: 3,
        next_id: 9,
        timeout: Duration::from_secs(60),
        phase: Phase::Prepare(Outcome::Abort),
        protocol: Protocol::Two,
    };
    let (group, topic) = ("g".to_owned(), "t".to_owned());
    let committed = Committed {
        offset: 9,
        leader_epoch: -1,
        metadata: String::new(),
    };
    let entries = [
        TransactionEntry::Stood(standing),
        TransactionEntry::PartitionJoined {
            topic: topic.clone(),
            partition: 3,
        },
        TransactionEntry::GroupJoined {
            group: group.clone(),
        },
        TransactionEntry::OffsetJoined {
            group,
            topic,
            partition: 1,
            committed,
        },
    ];
    let id = "id".to_owned();
    entries.into_iter().map(move |entry| Entry::Transaction {
        id: id.clone(),
        entry,
    })
}

fn entries() -> Vec<Entry> {
    let id = Uuid::from_u128(77);
    let configs = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
    let committed = Committed {
        offset: 9,
        leader_epoch: 2,
        metadata: "m".to_owned(),
    };
    let (group, topic) = ("g".to_owned(), "t".to_owned());
    let mut entries = vec![
        Entry::Cluster { id: "c".to_owned() },
        Entry::TopicCreated {
            id,
            name: "t".to_owned(),
            partitions: 3,
            configs,
        },
        Entry::PartitionsAdded { id, partitions: 4 },
        Entry::OffsetCommitted {
            group: group.clone(),
            topic: topic.clone(),
            partition: 1,
            committed,
        },
        Entry::OffsetDeleted {
            group,
            topic,
            partition: 1,
        },
        Entry::TopicDeleted { id },
        Entry::ProducerIdsUsed { next: 12 },
    ];
    entries.extend(transaction_entries());
    entries
}

#[test]
fn every_phase_of_a_transaction_survives() {
    let Some(Entry::Transaction {
        entry: TransactionEntry::Stood(standing),
        ..
    }) = transaction_entries().next()
    else {
        panic!("the first is a standing");
    };
    for phase in Phase::ALL {
        let standing = Standing {
            phase,
            ..standing.clone()
        };
        let (id, entry) = ("id".to_owned(), TransactionEntry::Stood(standing));
        let entry = Entry::Transaction { id, entry };
        assert_eq!(decode(encode(&entry).into()), Some(entry));
    }
}

#[test]
fn entries_survive_and_a_torn_end_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, found) = Journal::open(Some(folder.path())).unwrap();
    assert_eq!(found, []);
    journal.rewrite(folder.path(), Known::default()).unwrap();
    let (_, before) = Journal::open(Some(folder.path())).unwrap();
    for entry in &entries() {
        journal.append(entry);
    }
    let all = [before, entries()].concat();
    assert_eq!(Journal::open(Some(folder.path())).unwrap().1, all);
    let path = path_in(folder.path());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let (_, found) = Journal::open(Some(folder.path())).unwrap();
    assert_eq!(found, all[..all.len() - 1]);
}

#[test]
fn file_does_not_grow_with_what_counts_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(Some(folder.path())).unwrap();
    journal.rewrite(folder.path(), Known::default()).unwrap();
    let commit = |offset| Entry::OffsetCommitted {
        group: "g".to_owned(),
        topic: "t".to_owned(),
        partition: 0,
        committed: Committed {
            offset,
            leader_epoch: -1,
            metadata: "m".repeat(1_000),
        },
    };
    for offset in 0..5_000 {
        journal.append(&commit(offset));
    }
    let bytes = fs::metadata(path_in(folder.path())).unwrap().len();
    assert!(bytes < 2 << 20, "{bytes}");
    let (_, found) = Journal::open(Some(folder.path())).unwrap();
    assert_eq!(found.last(), Some(&commit(4_999)));
}

#[test]
fn every_damaged_byte_is_noticed() {
    let whole: Vec<u8> = entries().iter().flat_map(encode_framed).collect();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        assert!(read_all(bytes.into()).len() < entries().len(), "byte {at}");
    }
}
