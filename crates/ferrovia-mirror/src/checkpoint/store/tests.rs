//! Tests of this module, after those of Java's `CheckpointStoreTest` and `MirrorCheckpointTaskTest`.

use super::*;

fn checkpoint(group: &str, upstream: i64, downstream: i64) -> Checkpoint {
    Checkpoint {
        group: group.to_owned(),
        partition: TopicPartition::new("A.t", 0),
        upstream,
        downstream,
        metadata: "".into(),
    }
}

#[test]
fn checkpoint_is_news_where_it_goes_on_or_follows_its_group_back() {
    let mut store = CheckpointStore::default();
    assert!(store.is_news(&checkpoint("g", 10, 100)));
    store.put(checkpoint("g", 10, 100));
    assert!(store.is_news(&checkpoint("other", 10, 100)));
    for (upstream, downstream, is_news) in [
        (10, 100, false),
        (11, 100, false),
        (11, 99, false),
        (11, 101, true),
        (9, 100, true),
        (9, 90, true),
    ] {
        let next = checkpoint("g", upstream, downstream);
        assert_eq!(store.is_news(&next), is_news, "{next:?}");
    }
}

#[test]
fn newest_record_of_a_tasks_own_groups_counts() {
    let groups = BTreeSet::from(["g".to_owned()]);
    let mut store = CheckpointStore::default();
    for each in [
        checkpoint("g", 1, 1),
        checkpoint("foreign", 2, 2),
        checkpoint("g", 3, 3),
    ] {
        let taken = store.on_record(&groups, &each.key(), Some(&each.value()));
        taken.unwrap();
    }
    let key = checkpoint("g", 3, 3).key();
    store.on_record(&groups, &key, None).unwrap();
    assert!(store.on_record(&groups, &key, Some(&[])).is_err());
    assert_eq!(store.groups().len(), 1);
    let kept = store.groups()["g"].values().cloned();
    assert_eq!(kept.collect::<Vec<_>>(), [checkpoint("g", 3, 3)]);
    store.clear();
    assert!(store.groups().is_empty());
}
