//! Tests of this module, after those of Java's `MirrorCheckpointConnectorTest` and `MirrorCheckpointTaskTest`.

use super::*;

fn settings(own: &[(&str, &str)]) -> CheckpointSettings {
    let base = [
        ("name", "mirror"),
        ("source.cluster.alias", "A"),
        ("target.cluster.alias", "B"),
    ];
    let all = base.iter().chain(own);
    let all = all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    CheckpointSettings::parse(&all.collect()).unwrap()
}

fn offsets(entries: &[(&str, i64)]) -> Offsets {
    let committed = |offset| CommittedOffset {
        offset,
        leader_epoch: None,
        metadata: "note".into(),
    };
    let entries = entries.iter();
    entries
        .map(|(topic, offset)| (TopicPartition::new(*topic, 0), committed(*offset)))
        .collect()
}

fn group(protocol_type: &str, state: &str) -> ListedGroup {
    ListedGroup {
        protocol_type: protocol_type.to_owned(),
        state: state.to_owned(),
    }
}

#[test]
fn groups_of_consumers_are_chosen_by_the_filter() {
    let listed = [
        ("g", "consumer"),
        ("h", ""),
        ("workers", "connect"),
        ("console-consumer-1", "consumer"),
    ];
    let listed = listed.map(|(name, kind)| (name.to_owned(), group(kind, "Stable")));
    assert_eq!(chosen(&settings(&[]), &listed.into()), ["g", "h"]);
}

#[test]
fn group_is_relevant_where_it_has_read_a_topic_that_is_copied() {
    let settings = settings(&[("topics", "orders")]);
    assert!(is_relevant(&settings, &offsets(&[("x", 1), ("orders", 1)])));
    assert!(!is_relevant(&settings, &offsets(&[("x", 1)])));
    assert!(!is_relevant(&settings, &Offsets::new()));
}

#[test]
fn neighbours_stay_together_and_shares_differ_by_one_at_most() {
    let groups: BTreeSet<String> = (1..=7).map(|number| format!("g{number}")).collect();
    let shares: Vec<String> = divided(&groups, 3)
        .iter()
        .map(|share| share.join(","))
        .collect();
    assert_eq!(shares, ["g1,g2,g3", "g4,g5", "g6,g7"]);
    assert_eq!(divided(&groups, 100).len(), 7);
    assert!(divided(&groups, 0).is_empty() && divided(&BTreeSet::new(), 3).is_empty());
}

#[test]
fn checkpoints_bear_the_targets_names_and_the_committers_remark() {
    let settings = settings(&[]);
    let mut syncs = SyncStore::new(false);
    for (topic, upstream, downstream) in [
        ("orders", 10, 100),
        ("B.back", 10, 100),
        ("unsure", 10, -1),
        ("old", 10, 100),
    ] {
        syncs.on_sync(TopicPartition::new(topic, 0), upstream, downstream);
    }
    syncs.on_end();
    let committed = [
        ("orders", 12),
        ("B.back", 10),
        ("unsure", 10),
        ("old", 9),
        ("unknown", 1),
        ("__own", 1),
    ];
    let mut written = CheckpointStore::default();
    let make = |written: &CheckpointStore| {
        checkpoints(&settings, &syncs, written, "g", &offsets(&committed))
    };
    let made = make(&written);
    let shown: Vec<_> = made
        .iter()
        .map(|one| (one.partition.to_string(), one.upstream, one.downstream))
        .collect();
    let expected = [
        ("back-0".to_owned(), 10, 100),
        ("A.orders-0".to_owned(), 12, 101),
    ];
    assert_eq!(shown, expected);
    assert!(
        made.iter()
            .all(|one| &*one.metadata == "note" && one.group == "g")
    );
    for checkpoint in made {
        written.put(checkpoint);
    }
    assert!(make(&written).is_empty());
}

#[test]
fn only_groups_without_members_get_offsets() {
    let at_target = |state| AtTarget::of(Some(&group("consumer", state)), true);
    assert_eq!(at_target("Empty"), AtTarget::Idle);
    assert_eq!(at_target("Dead"), AtTarget::Absent);
    for state in ["Stable", "PreparingRebalance", "Assigning", "whatever"] {
        assert_eq!(at_target(state), AtTarget::Active);
    }
    assert_eq!(AtTarget::of(None, true), AtTarget::Absent);
    assert_eq!(AtTarget::of(None, false), AtTarget::Unknown);
}

#[test]
fn offsets_are_set_forward_only() {
    let checkpoint = |topic: &str, downstream| Checkpoint {
        group: "g".to_owned(),
        partition: TopicPartition::new(topic, 0),
        upstream: 0,
        downstream,
        metadata: "".into(),
    };
    let all = [
        checkpoint("behind", 10),
        checkpoint("same", 10),
        checkpoint("ahead", 10),
        checkpoint("new", 10),
    ];
    let all = all.map(|one| (one.partition.clone(), one)).into();
    let there = offsets(&[("behind", 9), ("same", 10), ("ahead", 11)]);
    let set: Vec<String> = offsets_to_set(&all, &there)
        .iter()
        .map(|offset| format!("{}:{}", offset.partition, offset.offset))
        .collect();
    assert_eq!(set, ["behind-0:10", "new-0:10"]);
}
