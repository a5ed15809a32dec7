//! How many requests a window lets go at once, in which order, and what it makes of their outcomes.

use std::sync::Arc;

use super::*;
use crate::cluster::{BrokerMetadata, PartitionMetadata, TopicMetadata};
use crate::error::ClientError;
use crate::produce::message::{Answer, Produced, Refusal};
use crate::produce::stamp::tests::{opened, sealed};
use crate::settings::BrokerAddress;
use crate::wire::error_code::ErrorCode;

mod parts;

pub(in crate::produce) fn settings(numbering: Numbering) -> WindowSettings {
    WindowSettings {
        requests_per_node: if numbering == Numbering::None { 2 } else { 5 },
        request_bytes: 1_000,
        retries: u32::MAX,
        numbering,
        divider: None,
        compression: Compression::None,
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: Duration::from_millis(1_000),
        delivery_timeout: Duration::from_secs(10),
    }
}

/// A cluster of brokers 1 and 2 with the given leader of each partition of `t`.
pub(in crate::produce) fn view(leaders: &[i32]) -> MetadataView {
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

pub(in crate::produce) fn t(partition: i32) -> TopicPartition {
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
        base_offset: Some(7),
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
        .map(|partition| (partition.clone(), Err(Refusal { code, detail: None })))
        .collect())
}

/// A window with tickets 0, 1, … for the given partitions, ten records each.
fn window_of(numbering: Numbering, partitions: &[i32], now: Instant) -> Window<u32> {
    let mut window = Window::new(settings(numbering));
    for (ticket, partition) in (0..).zip(partitions) {
        window.push(t(*partition), sealed(10, b"x"), 10, ticket, now);
    }
    window
}

fn window(partitions: &[i32], now: Instant) -> Window<u32> {
    window_of(Numbering::None, partitions, now)
}

/// The next request where both brokers are connected.
fn next(window: &mut Window<u32>, view: &MetadataView, now: Instant) -> Option<Dispatch<u32>> {
    let connected = BTreeSet::from([1, 2]);
    let outlook = Outlook {
        view,
        connected: &connected,
        admitted: None,
    };
    window.next_dispatch(outlook, now)
}

/// Sequence number and epoch of the one batch in a request.
fn marks(dispatch: &Dispatch<u32>) -> (i32, i16) {
    let batch = dispatch.batches.values().next().unwrap();
    let (stamp, _) = opened(&batch.bytes);
    (stamp.base_sequence, stamp.identity.epoch)
}

#[test]
fn one_request_takes_one_batch_of_each_of_a_leaders_partitions() {
    let now = Instant::now();
    let mut window = window(&[0, 0, 1, 2], now);
    let view = view(&[1, 1, 2]);
    let first = next(&mut window, &view, now).unwrap();
    assert_eq!((first.node_id, tickets(&first)), (1, vec![0, 2]));
    let second = next(&mut window, &view, now).unwrap();
    assert_eq!((second.node_id, tickets(&second)), (2, vec![3]));
    assert!(
        next(&mut window, &view, now).is_none(),
        "batch 1 waits for batch 0"
    );
    let answer = good(&first);
    assert_eq!(window.on_answer(first, answer, now, 0.5).done.len(), 2);
    assert_eq!(tickets(&next(&mut window, &view, now).unwrap()), [1]);
}

#[test]
fn order_holds_when_a_batch_is_sent_again_to_the_new_leader() {
    let now = Instant::now();
    let mut window = window(&[0, 0], now);
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode::NOT_LEADER_OR_FOLLOWER);
    let settled = window.on_answer(first, answer, now, 0.5);
    assert!(settled.done.is_empty() && settled.needs_refresh);
    assert!(
        next(&mut window, &view(&[2]), now).is_none(),
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
    let again = next(&mut window, &view(&[2]), later).unwrap();
    assert_eq!((again.node_id, tickets(&again)), (2, vec![0]));
}

#[test]
fn final_error_is_told_and_the_next_batch_goes_on() {
    let now = Instant::now();
    let mut window = window(&[0, 0], now);
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode(10));
    let settled = window.on_answer(first, answer, now, 0.5);
    let error = settled.done[0].1.clone().unwrap_err();
    assert_eq!(
        error.to_string(),
        "Produce refused for t-0: MESSAGE_TOO_LARGE (10)"
    );
    assert_eq!(tickets(&next(&mut window, &view(&[1]), now).unwrap()), [1]);
}

#[test]
fn requests_per_broker_and_bytes_per_request_are_bounded_and_all_get_their_turn() {
    let now = Instant::now();
    let mut window = Window::new(settings(Numbering::None));
    for partition in 0..5 {
        let batch = Bytes::from_static(&[0; 600]);
        window.push(
            t(partition),
            batch.clone(),
            1,
            partition.unsigned_abs(),
            now,
        );
        window.push(t(partition), batch, 1, 100, now);
    }
    let view = view(&[1; 5]);
    let first = next(&mut window, &view, now).unwrap();
    let second = next(&mut window, &view, now).unwrap();
    assert_eq!((tickets(&first), tickets(&second)), (vec![0], vec![1]));
    assert!(
        next(&mut window, &view, now).is_none(),
        "two requests per broker"
    );
    let answer = good(&first);
    window.on_answer(first, answer, now, 0.5);
    assert_eq!(
        tickets(&next(&mut window, &view, now).unwrap()),
        [2],
        "not 0's second batch"
    );
}

/// Nothing stands in the way of any partition.
fn nothing(_: &TopicPartition) -> Option<Arc<str>> {
    None
}

/// One partition's leader refuses, the other's cannot be reached.
#[test]
fn batch_is_given_up_for_the_reason_of_its_own_partition() {
    let now = Instant::now();
    let mut window = window(&[0, 1], now);
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode::LEADER_NOT_AVAILABLE);
    window.on_answer(first, answer, now, 0.5);
    let late = now + Duration::from_secs(10);
    let done = window.expire(late, |_| Some("cannot reach h:2".into()));
    let texts: Vec<String> = done
        .into_iter()
        .map(|(_, outcome)| outcome.unwrap_err().to_string())
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(
        texts[0].contains("t-0") && texts[0].ends_with("LEADER_NOT_AVAILABLE (5)"),
        "{texts:?}"
    );
    assert!(
        texts[1].contains("t-1") && texts[1].ends_with("cannot reach h:2"),
        "{texts:?}"
    );
}

#[test]
fn operators_hear_of_retries_less_and_less_often_and_again_after_a_success() {
    let mut now = Instant::now();
    let mut window = window(&[0, 0], now);
    let mut heard = Vec::new();
    for attempt in 1..=9 {
        let sent = next(&mut window, &view(&[1]), now).unwrap();
        let answer = bad(&sent, ErrorCode::LEADER_NOT_AVAILABLE);
        let settled = window.on_answer(sent, answer, now, 0.5);
        heard.extend(settled.retries.into_iter().map(|it| (attempt, it)));
        now += Duration::from_secs(1);
    }
    let attempts: Vec<i32> = heard.iter().map(|(attempt, _)| *attempt).collect();
    assert_eq!(attempts, [1, 2, 4, 8]);
    let (_, first) = &heard[0];
    assert_eq!(
        (&first.partition, first.attempts_left),
        (&t(0), u32::MAX - 1)
    );
    let sent = next(&mut window, &view(&[1]), now).unwrap();
    let answer = good(&sent);
    assert!(window.on_answer(sent, answer, now, 0.5).retries.is_empty());
    let sent = next(&mut window, &view(&[1]), now).unwrap();
    let answer = bad(&sent, ErrorCode::LEADER_NOT_AVAILABLE);
    assert_eq!(window.on_answer(sent, answer, now, 0.5).retries.len(), 1);
}

#[test]
fn batch_without_leader_is_given_up_in_the_end() {
    let now = Instant::now();
    let mut window = window(&[9], now);
    assert!(next(&mut window, &view(&[1]), now).is_none());
    let deadline = window.wake_at(now).unwrap();
    assert_eq!(deadline, now + Duration::from_secs(10));
    assert!(
        window
            .expire(deadline - Duration::from_millis(1), nothing)
            .is_empty()
    );
    let done = window.expire(deadline, nothing);
    assert!(matches!(done[0].1, Err(ProduceError::Expired { .. })));
    assert_eq!(window.wake_at(now), None);
}

#[test]
fn batch_that_fails_past_its_deadline_is_not_sent_again() {
    let now = Instant::now();
    let mut window = window(&[0], now);
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let lost = Err(ClientError::UnknownNode { node_id: 1 });
    let settled = window.on_answer(first, lost, now + Duration::from_secs(11), 0.5);
    assert!(settled.needs_refresh);
    assert!(matches!(
        settled.done[0].1,
        Err(ProduceError::Expired { .. })
    ));
}

#[test]
fn several_batches_leave_at_once_when_they_are_numbered() {
    let now = Instant::now();
    let mut window = window_of(Numbering::Idempotent, &[0; 8], now);
    assert!(next(&mut window, &view(&[1]), now).is_none() && window.needs_identity());
    window.set_identity(ProducerIdentity { id: 9, epoch: 0 });
    let first = next(&mut window, &view(&[1]), now).unwrap();
    assert!(
        next(&mut window, &view(&[1]), now).is_none(),
        "a leader that knows nothing of the producer would take any number"
    );
    let answer = good(&first);
    window.on_answer(first, answer, now, 0.5);
    let more: Vec<_> =
        std::iter::from_fn(|| next(&mut window, &view(&[1]), now).map(|it| marks(&it))).collect();
    assert_eq!(more, [(10, 0), (20, 0), (30, 0), (40, 0), (50, 0)]);
}

/// A window with the second to fourth of five batches on their way.
fn under_way(now: Instant) -> (Window<u32>, Vec<Dispatch<u32>>) {
    let mut window = window_of(Numbering::Idempotent, &[0; 5], now);
    window.set_identity(ProducerIdentity { id: 9, epoch: 0 });
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let answer = good(&first);
    window.on_answer(first, answer, now, 0.5);
    let sent = (0..3).map(|_| next(&mut window, &view(&[1]), now).unwrap());
    let sent = sent.collect();
    (window, sent)
}

#[test]
fn batches_that_overtook_go_again_in_order_with_their_numbers() {
    let now = Instant::now();
    let (mut window, sent) = under_way(now);
    let mut codes = [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
    ]
    .into_iter();
    for dispatch in sent {
        let answer = bad(&dispatch, codes.next().unwrap());
        let settled = window.on_answer(dispatch, answer, now, 0.5);
        assert!(settled.done.is_empty());
    }
    let later = now + Duration::from_millis(100);
    for sequence in [10, 20, 30] {
        let again = next(&mut window, &view(&[2]), later).unwrap();
        assert_eq!(marks(&again), (sequence, 0));
        let more = next(&mut window, &view(&[2]), later);
        assert_eq!(more.is_none(), sequence < 30, "one at a time");
        let code = ErrorCode::DUPLICATE_SEQUENCE_NUMBER;
        let answer = match sequence {
            20 => bad(&again, code),
            _ => good(&again),
        };
        let done = window.on_answer(again, answer, later, 0.5).done;
        assert!(done[0].1.is_ok(), "a duplicate is in the log");
    }
}

#[test]
fn refused_batch_makes_the_partition_start_over_in_the_next_epoch() {
    let now = Instant::now();
    let (mut window, sent) = under_way(now);
    let mut codes = [
        ErrorCode(10),
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
    ]
    .into_iter();
    for dispatch in sent {
        let answer = bad(&dispatch, codes.next().unwrap());
        window.on_answer(dispatch, answer, now, 0.5);
    }
    let later = now + Duration::from_millis(100);
    for sequence in [0, 10, 20] {
        let again = next(&mut window, &view(&[1]), later).unwrap();
        assert_eq!(marks(&again), (sequence, 1));
        let answer = good(&again);
        window.on_answer(again, answer, later, 0.5);
    }
    assert!(window.is_empty());
}

#[test]
fn no_new_number_is_given_out_while_the_fate_of_one_is_open() {
    let now = Instant::now();
    let (mut window, sent) = under_way(now);
    for dispatch in sent {
        let lost = Err(ClientError::UnknownNode { node_id: 1 });
        window.on_answer(dispatch, lost, now, 0.5);
    }
    let again = next(&mut window, &view(&[1]), now + Duration::from_millis(100)).unwrap();
    let late = now + Duration::from_secs(10);
    assert_eq!(window.expire(late, nothing).len(), 3, "two sent, one not");
    let lost = Err(ClientError::UnknownNode { node_id: 1 });
    assert_eq!(window.on_answer(again, lost, late, 0.5).done.len(), 1);
    window.push(t(0), sealed(1, b"x"), 1, 99, late);
    let fresh = next(&mut window, &view(&[1]), late).unwrap();
    assert_eq!(marks(&fresh), (0, 1), "nothing tells whether they arrived");
}

#[test]
fn used_up_epochs_ask_for_another_producer_id() {
    let now = Instant::now();
    let mut window = window_of(Numbering::Idempotent, &[0, 0], now);
    let epoch = i16::MAX;
    window.set_identity(ProducerIdentity { id: 9, epoch });
    let first = next(&mut window, &view(&[1]), now).unwrap();
    let answer = bad(&first, ErrorCode(10));
    window.on_answer(first, answer, now, 0.5);
    assert!(next(&mut window, &view(&[1]), now).is_none() && window.needs_identity());
    window.set_identity(ProducerIdentity { id: 10, epoch: 0 });
    assert_eq!(marks(&next(&mut window, &view(&[1]), now).unwrap()), (0, 0));
}

#[test]
fn transaction_takes_admitted_partitions_only_and_fails_with_a_gap() {
    let now = Instant::now();
    let mut window = window_of(Numbering::Transactional, &[0, 1], now);
    window.set_identity(ProducerIdentity { id: 9, epoch: 0 });
    let (view, connected) = (view(&[1, 1]), BTreeSet::from([1]));
    let (none, one) = (BTreeSet::new(), BTreeSet::from([t(1)]));
    let outlook = |admitted| Outlook {
        view: &view,
        connected: &connected,
        admitted: Some(admitted),
    };
    assert!(window.next_dispatch(outlook(&none), now).is_none());
    let sent = window.next_dispatch(outlook(&one), now).unwrap();
    assert_eq!(tickets(&sent), [1]);
    assert!(opened(&sent.batches[&t(1)].bytes).0.is_transactional);
    let answer = bad(&sent, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    let done = window.on_answer(sent, answer, now, 0.5).done;
    assert!(done[0].1.is_err());
    let dropped = window.drop_waiting(&ProduceError::Aborted, false);
    assert_eq!(dropped[0].0.ticket, 0);
    window.start_over(ProducerIdentity { id: 9, epoch: 1 });
}

#[test]
fn retries_are_counted() {
    let now = Instant::now();
    let mut window = Window::new(WindowSettings {
        retries: 1,
        ..settings(Numbering::None)
    });
    window.push(t(0), sealed(1, b"x"), 1, 0, now);
    for (at, is_last) in [(now, false), (now + Duration::from_millis(100), true)] {
        let sent = next(&mut window, &view(&[1]), at).unwrap();
        let answer = bad(&sent, ErrorCode::LEADER_NOT_AVAILABLE);
        let done = window.on_answer(sent, answer, at, 0.5).done;
        assert_eq!(done.len(), usize::from(is_last));
    }
}
