//! A session's requests over its life.

use super::*;

fn wanted(entries: &[(i32, i64)]) -> BTreeMap<TopicPartition, PartitionAsk> {
    let ask = |offset| PartitionAsk {
        topic_id: Uuid::nil(),
        offset,
        leader_epoch: 1,
        fetched_epoch: -1,
        bytes_max: 100,
    };
    let partition = |number| TopicPartition {
        topic: "t".into(),
        partition: number,
    };
    entries
        .iter()
        .map(|(number, offset)| (partition(*number), ask(*offset)))
        .collect()
}

fn numbers(changed: &[(TopicPartition, PartitionAsk)]) -> Vec<i32> {
    changed
        .iter()
        .map(|(partition, _)| partition.partition)
        .collect()
}

#[test]
fn first_request_is_full_and_opens_a_session() {
    let request = FetchSession::default().request(wanted(&[(0, 5), (1, 6)]));
    assert_eq!((request.session_id, request.session_epoch), (0, 0));
    assert_eq!(numbers(&request.changed), [0, 1]);
}

#[test]
fn later_requests_name_only_what_changed() {
    let mut session = FetchSession::default();
    session.request(wanted(&[(0, 5), (1, 6), (2, 7)]));
    session.on_answer(77);
    let request = session.request(wanted(&[(0, 5), (1, 8)]));
    assert_eq!((request.session_id, request.session_epoch), (77, 1));
    assert_eq!(numbers(&request.changed), [1]);
    assert_eq!(request.forgotten.len(), 1);
    assert_eq!(request.forgotten[0].0.partition, 2);
}

#[test]
fn recreated_topic_is_forgotten_under_its_old_id_and_asked_under_the_new() {
    let mut session = FetchSession::default();
    session.request(wanted(&[(0, 5)]));
    session.on_answer(77);
    let mut again = wanted(&[(0, 5)]);
    let new_id = Uuid::from_u128(9);
    again.values_mut().for_each(|ask| ask.topic_id = new_id);
    let request = session.request(again);
    assert_eq!(request.forgotten[0].1, Uuid::nil());
    assert_eq!(request.changed[0].1.topic_id, new_id);
}

#[test]
fn broker_without_sessions_gets_full_requests() {
    let mut session = FetchSession::default();
    session.request(wanted(&[(0, 5)]));
    session.on_answer(0);
    let request = session.request(wanted(&[(0, 5)]));
    assert_eq!((request.session_id, request.session_epoch), (0, 0));
    assert_eq!(numbers(&request.changed), [0]);
}

#[test]
fn numbering_skips_zero_when_it_wraps() {
    let mut session = FetchSession {
        id: 3,
        epoch: i32::MAX,
        known: BTreeMap::new(),
    };
    session.on_answer(3);
    assert_eq!(session.request(wanted(&[])).session_epoch, 1);
}

#[test]
fn reset_forgets_the_session() {
    let mut session = FetchSession::default();
    session.request(wanted(&[(0, 5)]));
    session.on_answer(77);
    session.reset();
    assert_eq!(session.request(wanted(&[(0, 5)])).session_id, 0);
}
