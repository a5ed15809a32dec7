//! How many requests a window lets go at once, in which order, and what it makes of their outcomes.

use super::*;
use crate::cluster::{BrokerMetadata, PartitionMetadata, TopicMetadata};
use crate::settings::BrokerAddress;

fn settings() -> WindowSettings {
    WindowSettings {
        requests_per_node: 2,
        request_bytes: 100,
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: Duration::from_millis(1_000),
        delivery_timeout: Duration::from_secs(10),
    }
}

/// A cluster of brokers 1 and 2 with the given leader of each partition of `t`.
fn view(leaders: &[i32]) -> MetadataView {
    let broker = |port| BrokerMetadata {
        address: BrokerAddress {
            host: "h".into(),
            port,
        },
        rack: None,
    };
    let partition = |leader: &i32| PartitionMetadata {
        topic_id: uuid::Uuid::nil(),
        leader: Some(*leader),
        leader_epoch: 0,
    };
    let topic = TopicMetadata {
        topic_id: uuid::Uuid::nil(),
        is_internal: false,
        error: ErrorCode::NONE,
        partitions: (0..).zip(leaders.iter().map(partition)).collect(),
    };
    MetadataView {
        brokers: BTreeMap::from([(1, broker(1)), (2, broker(2))]),
        topics: BTreeMap::from([("t".into(), topic)]),
        ..MetadataView::default()
    }
}

fn t(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn tickets(dispatch: &Dispatch<u32>) -> Vec<u32> {
    dispatch
        .batches
        .values()
        .map(|batch| batch.ticket)
        .collect()
}

fn good(dispatch: &Dispatch<u32>) -> Result<Answer, ClientError> {
    let produced = Produced {
        base_offset: 7,
        log_append_time: None,
    };
    Ok(dispatch
        .batches
        .keys()
        .map(|partition| (partition.clone(), Ok(produced)))
        .collect())
}

fn bad(dispatch: &Dispatch<u32>, code: ErrorCode) -> Result<Answer, ClientError> {
    Ok(dispatch
        .batches
        .keys()
        .map(|partition| (partition.clone(), Err(code)))
        .collect())
}

/// A window with tickets 0, 1, … for the given partitions, ten bytes each.
fn window(partitions: &[i32], now: Instant) -> Window<u32> {
    let mut window = Window::new(settings());
    for (ticket, partition) in (0..).zip(partitions) {
        window.push(t(*partition), Bytes::from_static(&[0; 10]), ticket, now);
    }
    window
}

#[test]
fn one_request_takes_one_batch_of_each_of_a_leaders_partitions() {
    let now = Instant::now();
    let mut window = window(&[0, 0, 1, 2], now);
    let view = view(&[1, 1, 2]);
    let first = window.next_dispatch(&view, now).unwrap();
    assert_eq!((first.node_id, tickets(&first)), (1, vec![0, 2]));
    let second = window.next_dispatch(&view, now).unwrap();
    assert_eq!((second.node_id, tickets(&second)), (2, vec![3]));
    assert!(
        window.next_dispatch(&view, now).is_none(),
        "batch 1 waits for batch 0"
    );
    let answer = good(&first);
    assert_eq!(window.on_answer(first, answer, now, 0.5).done.len(), 2);
    assert_eq!(tickets(&window.next_dispatch(&view, now).unwrap()), [1]);
}

#[test]
fn order_holds_when_a_batch_is_sent_again_to_the_new_leader() {
    let now = Instant::now();
    let mut window = window(&[0, 0], now);
    let first = window.next_dispatch(&view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode::NOT_LEADER_OR_FOLLOWER);
    let settled = window.on_answer(first, answer, now, 0.5);
    assert!(settled.done.is_empty() && settled.needs_refresh);
    assert!(
        window.next_dispatch(&view(&[2]), now).is_none(),
        "it backs off first"
    );
    let later = window.wake_at(now).unwrap();
    assert_eq!(later, now + Duration::from_millis(100));
    let patience = now + Duration::from_secs(10);
    assert_eq!(
        window.wake_at(later),
        Some(patience),
        "no spinning while there is no leader"
    );
    let again = window.next_dispatch(&view(&[2]), later).unwrap();
    assert_eq!((again.node_id, tickets(&again)), (2, vec![0]));
}

#[test]
fn final_error_is_told_and_the_next_batch_goes_on() {
    let now = Instant::now();
    let mut window = window(&[0, 0], now);
    let first = window.next_dispatch(&view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode(10));
    let settled = window.on_answer(first, answer, now, 0.5);
    let error = settled.done[0].1.clone().unwrap_err();
    assert_eq!(
        error.to_string(),
        "Produce refused for t-0: MESSAGE_TOO_LARGE (10)"
    );
    assert_eq!(
        tickets(&window.next_dispatch(&view(&[1]), now).unwrap()),
        [1]
    );
}

#[test]
fn requests_per_broker_and_bytes_per_request_are_bounded_and_all_get_their_turn() {
    let now = Instant::now();
    let mut window = Window::new(settings());
    for partition in 0..5 {
        window.push(
            t(partition),
            Bytes::from_static(&[0; 60]),
            partition.unsigned_abs(),
            now,
        );
        window.push(t(partition), Bytes::from_static(&[0; 60]), 100, now);
    }
    let view = view(&[1; 5]);
    let first = window.next_dispatch(&view, now).unwrap();
    let second = window.next_dispatch(&view, now).unwrap();
    assert_eq!((tickets(&first), tickets(&second)), (vec![0], vec![1]));
    assert!(
        window.next_dispatch(&view, now).is_none(),
        "two requests per broker"
    );
    let answer = good(&first);
    window.on_answer(first, answer, now, 0.5);
    assert_eq!(
        tickets(&window.next_dispatch(&view, now).unwrap()),
        [2],
        "not 0's second batch"
    );
}

#[test]
fn batch_without_leader_is_given_up_in_the_end() {
    let now = Instant::now();
    let mut window = window(&[9], now);
    assert!(window.next_dispatch(&view(&[1]), now).is_none());
    let deadline = window.wake_at(now).unwrap();
    assert_eq!(deadline, now + Duration::from_secs(10));
    assert!(
        window
            .expire(deadline - Duration::from_millis(1))
            .is_empty()
    );
    let done = window.expire(deadline);
    assert!(matches!(done[0].1, Err(ClientError::GaveUp { .. })));
    assert_eq!(window.wake_at(now), None);
}

#[test]
fn batch_that_fails_past_its_deadline_is_not_sent_again() {
    let now = Instant::now();
    let mut window = window(&[0], now);
    let first = window.next_dispatch(&view(&[1]), now).unwrap();
    let lost = Err(ClientError::UnknownNode { node_id: 1 });
    let settled = window.on_answer(first, lost, now + Duration::from_secs(11), 0.5);
    assert!(settled.needs_refresh);
    assert!(matches!(settled.done[0].1, Err(ClientError::GaveUp { .. })));
}
