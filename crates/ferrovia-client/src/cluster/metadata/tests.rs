//! What answers change in the view; stale, partial and malformed ones change little.

use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;

use super::*;

const OLD_ID: Uuid = Uuid::from_u128(1);
const NEW_ID: Uuid = Uuid::from_u128(2);

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn broker(id: i32, host: &str, port: i32) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_node_id(BrokerId(id))
        .with_host(text(host))
        .with_port(port)
}

/// A topic with `(partition, leader, epoch)` each.
fn topic(name: &str, id: Uuid, partitions: &[(i32, i32, i32)]) -> MetadataResponseTopic {
    let partitions = partitions.iter().map(|(index, leader, epoch)| {
        MetadataResponsePartition::default()
            .with_partition_index(*index)
            .with_leader_id(BrokerId(*leader))
            .with_leader_epoch(*epoch)
    });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_topic_id(id)
        .with_partitions(partitions.collect())
}

fn answer(topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
    MetadataResponse::default()
        .with_cluster_id(Some(text("c")))
        .with_controller_id(BrokerId(1))
        .with_brokers(vec![broker(1, "a", 9092), broker(2, "b", 9092)])
        .with_topics(topics)
}

fn named(names: &[&str]) -> TopicSelection {
    TopicSelection::Named(names.iter().map(|name| Arc::from(*name)).collect())
}

/// The view after a row of answers about topic `t`.
fn after(answers: Vec<Vec<MetadataResponseTopic>>) -> MetadataView {
    let wanted = named(&["t"]);
    answers
        .into_iter()
        .fold(MetadataView::default(), |view, topics| {
            view.after(&answer(topics), &wanted).unwrap_or(view)
        })
}

fn t(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

#[test]
fn first_answer_tells_brokers_leaders_and_ids() {
    let view = after(vec![vec![topic("t", OLD_ID, &[(0, 1, 5), (1, 2, 6)])]]);
    assert_eq!(view.generation, 1);
    assert_eq!(view.leader(&t(1)), Some(2));
    assert_eq!(view.partition(&t(0)).unwrap().leader_epoch, 5);
    assert_eq!(view.topic_name(OLD_ID).map(|name| &**name), Some("t"));
    assert_eq!(view.partition_count("t"), Some(2));
    assert_eq!(view.controller_id, Some(1));
}

#[test]
fn same_answer_twice_is_no_change() {
    let answers = vec![vec![topic("t", OLD_ID, &[(0, 1, 5)])]; 3];
    assert_eq!(after(answers).generation, 1);
}

#[test]
fn older_epoch_of_a_lagging_broker_is_ignored() {
    let view = after(vec![
        vec![topic("t", OLD_ID, &[(0, 2, 7)])],
        vec![topic("t", OLD_ID, &[(0, 1, 6)])],
    ]);
    assert_eq!(view.leader(&t(0)), Some(2));
    assert_eq!(view.partition(&t(0)).unwrap().leader_epoch, 7);
}

#[test]
fn recreated_topic_starts_over_with_its_epochs() {
    let view = after(vec![
        vec![topic("t", OLD_ID, &[(0, 2, 70), (1, 2, 70)])],
        vec![topic("t", NEW_ID, &[(0, 1, 0)])],
    ]);
    assert_eq!(view.partition(&t(0)).unwrap().topic_id, NEW_ID);
    assert_eq!(view.leader(&t(0)), Some(1));
    assert_eq!(
        view.partition(&t(1)),
        None,
        "the old topic's partitions are gone"
    );
    assert_eq!(view.topic_name(OLD_ID), None);
}

#[test]
fn partitions_missing_in_a_stale_answer_stay() {
    let view = after(vec![
        vec![topic("t", OLD_ID, &[(0, 1, 1), (1, 1, 1)])],
        vec![topic("t", OLD_ID, &[(0, 1, 1)])],
    ]);
    assert_eq!(view.partition_count("t"), Some(2));
}

#[test]
fn deleted_topic_loses_its_partitions_and_a_passing_fault_does_not() {
    let known = || vec![topic("t", OLD_ID, &[(0, 1, 1)])];
    let error = |code| vec![topic("t", Uuid::nil(), &[]).with_error_code(code)];
    let deleted = after(vec![known(), error(3)]);
    assert_eq!(deleted.partition_count("t"), None);
    assert_eq!(
        deleted.topics["t"].error,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    );
    assert!(deleted.is_incomplete(&named(&["t"])));
    assert_eq!(after(vec![known(), error(5)]).leader(&t(0)), Some(1));
    let forbidden = after(vec![known(), error(29)]);
    assert!(
        !forbidden.is_incomplete(&named(&["t"])),
        "asking again does not help"
    );
}

#[test]
fn partition_without_leader_makes_the_view_incomplete() {
    let view = after(vec![vec![topic("t", OLD_ID, &[(0, -1, 3)])]]);
    assert_eq!(view.leader(&t(0)), None);
    assert!(view.is_incomplete(&named(&["t"])));
    assert!(view.is_incomplete(&named(&["t", "other"])));
}

#[test]
fn leader_outside_the_broker_list_is_no_leader() {
    let view = after(vec![vec![topic("t", OLD_ID, &[(0, 99, 3)])]]);
    assert_eq!(view.leader(&t(0)), None);
    assert_eq!(view.partition(&t(0)).unwrap().leader, Some(99));
}

#[test]
fn brokers_without_address_are_left_out_and_the_last_of_twins_counts() {
    let brokers = vec![
        broker(1, "", 9092),
        broker(2, "b", 0),
        broker(3, "c", 70_000),
        broker(4, "old", 1),
        broker(4, "new", 2),
    ];
    let answer = answer(Vec::new()).with_brokers(brokers);
    let view = MetadataView::default().after(&answer, &named(&[])).unwrap();
    assert_eq!(view.brokers.len(), 1);
    assert_eq!(view.brokers[&4].address.to_string(), "new:2");
}

#[test]
fn topics_nobody_wants_are_dropped() {
    let topics = || {
        vec![
            topic("t", OLD_ID, &[(0, 1, 1)]),
            topic("u", NEW_ID, &[(0, 1, 1)]),
        ]
    };
    let all = MetadataView::default()
        .after(&answer(topics()), &TopicSelection::All)
        .unwrap();
    assert_eq!(all.topics.len(), 2);
    let fewer = all.after(&answer(topics()), &named(&["u"])).unwrap();
    assert_eq!(
        fewer.topics.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["u"]
    );
    let gone = all
        .after(&answer(vec![topics().remove(0)]), &TopicSelection::All)
        .unwrap();
    assert_eq!(
        gone.topics.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["t"]
    );
}

proptest! {
    /// Whatever order answers arrive in, the newest epoch of a topic id wins.
    #[test]
    fn epochs_never_go_back(epochs in prop::collection::vec(0_i32..20, 1..30)) {
        let mut newest = -1;
        let mut view = MetadataView::default();
        for epoch in epochs {
            let leader = 1 + epoch % 2;
            let answer = answer(vec![topic("t", OLD_ID, &[(0, leader, epoch)])]);
            view = view.after(&answer, &named(&["t"])).unwrap_or(view);
            newest = newest.max(epoch);
            let known = view.partition(&t(0)).unwrap();
            prop_assert_eq!(known.leader_epoch, newest);
            prop_assert_eq!(known.leader, Some(1 + newest % 2));
        }
    }
}
