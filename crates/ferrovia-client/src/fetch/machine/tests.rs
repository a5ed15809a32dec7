//! What the machine asks for and makes of answers, in virtual time.

use super::*;
use uuid::Uuid;

const NODE: i32 = 1;

fn settings(reset: OffsetReset) -> FetchSettings {
    FetchSettings {
        bytes_min: 1,
        bytes_max: 1000,
        partition_bytes_max: 400,
        wait_max_ms: 500,
        isolation: IsolationLevel::ReadUncommitted,
        reset,
        rack: String::new(),
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: Duration::from_secs(1),
    }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition {
        topic: "t".into(),
        partition: number,
    }
}

fn leader(node: i32, epoch: i32) -> Leader {
    Leader {
        node,
        epoch,
        topic_id: Uuid::from_u128(1),
    }
}

/// A machine that reads partition 0 at offset 10 from a connected node.
fn reading(reset: OffsetReset) -> (FetchMachine, Instant) {
    let now = Instant::now();
    let mut machine = FetchMachine::new(settings(reset));
    machine.assign(
        partition(0),
        Start::At {
            offset: 10,
            epoch: Some(2),
        },
    );
    machine.on_metadata(|_| Some(leader(NODE, 5)));
    assert_eq!(
        machine.actions(now).unwrap(),
        [FetchAction::Connect { node: NODE }]
    );
    machine.on_connected(NODE);
    (machine, now)
}

fn answer_of(partitions: Vec<PartitionAnswer>) -> FetchAnswer {
    FetchAnswer {
        error_code: 0,
        session_id: 9,
        partitions,
    }
}

fn answer(error_code: i16, records: &'static [u8]) -> PartitionAnswer {
    PartitionAnswer {
        partition: partition(0),
        error_code,
        high_watermark: 100,
        last_stable_offset: 100,
        log_start_offset: 0,
        diverging_offset: None,
        current_leader: None,
        preferred_replica: None,
        aborted: Vec::new(),
        records: Bytes::from_static(records),
    }
}

fn fetch_once(
    machine: &mut FetchMachine,
    now: Instant,
    answer: PartitionAnswer,
) -> Result<Vec<Fetched>, FetchError> {
    machine.begin_fetch(NODE, now).expect("nothing to fetch");
    let fetched = machine.on_answer(NODE, answer_of(vec![answer]), now, 0.5);
    machine.take_fault().map_or(Ok(fetched), Err)
}

#[test]
fn fetch_asks_at_the_position_with_both_epochs() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let request = machine.begin_fetch(NODE, now).unwrap();
    let (_, ask) = request.changed[0].clone();
    assert_eq!(
        (ask.offset, ask.leader_epoch, ask.fetched_epoch),
        (10, 5, 2)
    );
    assert!(
        machine.begin_fetch(NODE, now).is_none(),
        "one fetch at a time"
    );
}

#[test]
fn position_moves_by_advance_only_and_never_back() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let fetched = fetch_once(&mut machine, now, answer(0, b"records")).unwrap();
    assert_eq!(fetched[0].from_offset, 10);
    assert_eq!(machine.position(&partition(0)), Some(10));
    machine.advance(&partition(0), 25, Some(4));
    machine.advance(&partition(0), 20, None);
    assert_eq!(machine.position(&partition(0)), Some(25));
    let (_, ask) = machine.begin_fetch(NODE, now).unwrap().changed[0].clone();
    assert_eq!((ask.offset, ask.fetched_epoch), (25, 4));
}

#[test]
fn answer_for_a_position_that_has_moved_is_dropped() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    machine.begin_fetch(NODE, now).unwrap();
    machine.seek(
        &partition(0),
        Start::At {
            offset: 3,
            epoch: None,
        },
    );
    let fetched = machine.on_answer(NODE, answer_of(vec![answer(0, b"records")]), now, 0.5);
    assert!(fetched.is_empty());
}

#[test]
fn answer_for_a_partition_that_was_taken_away_is_dropped() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    machine.begin_fetch(NODE, now).unwrap();
    machine.unassign(&partition(0));
    let fetched = machine.on_answer(NODE, answer_of(vec![answer(0, b"records")]), now, 0.5);
    assert!(fetched.is_empty());
}

#[test]
fn paused_partition_is_forgotten_by_the_session_and_asked_again_when_resumed() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    machine.assign(
        partition(1),
        Start::At {
            offset: 0,
            epoch: None,
        },
    );
    machine.on_metadata(|_| Some(leader(NODE, 5)));
    fetch_once(&mut machine, now, answer(0, b"")).unwrap();
    machine.set_paused(&partition(1), true);
    let request = machine.begin_fetch(NODE, now).unwrap();
    assert_eq!(request.forgotten[0].0, partition(1));
    machine.on_answer(NODE, answer_of(Vec::new()), now, 0.5);
    machine.set_paused(&partition(1), false);
    assert_eq!(
        machine.begin_fetch(NODE, now).unwrap().changed[0].0,
        partition(1)
    );
}

#[test]
fn credit_asked_for_is_bounded_by_the_request_and_by_the_partitions() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    assert_eq!(machine.idle_nodes(now), [(NODE, 400)]);
    for number in 1..5 {
        machine.assign(
            partition(number),
            Start::At {
                offset: 0,
                epoch: None,
            },
        );
    }
    machine.on_metadata(|_| Some(leader(NODE, 5)));
    assert_eq!(machine.idle_nodes(now), [(NODE, 1000)]);
}

#[test]
fn out_of_range_offset_is_reset_where_allowed() {
    let (mut machine, now) = reading(OffsetReset::Latest);
    fetch_once(&mut machine, now, answer(1, b"")).unwrap();
    assert_eq!(machine.position(&partition(0)), None);
    let find = FetchAction::FindOffsets {
        partitions: vec![partition(0)],
        reset: OffsetReset::Latest,
    };
    assert_eq!(machine.actions(now).unwrap(), [find]);
    assert_eq!(machine.actions(now).unwrap(), [], "asked once");
    machine.on_offset_found(
        &partition(0),
        Some(Start::At {
            offset: 77,
            epoch: None,
        }),
        now,
        0.5,
    );
    assert_eq!(machine.position(&partition(0)), Some(77));
}

#[test]
fn out_of_range_offset_is_an_error_without_a_reset_policy() {
    let (mut machine, now) = reading(OffsetReset::None);
    let error = fetch_once(&mut machine, now, answer(1, b"")).unwrap_err();
    assert_eq!(
        error,
        FetchError::OutOfRange {
            partition: partition(0),
            offset: 10
        }
    );
}

#[test]
fn missing_offset_is_an_error_without_a_reset_policy() {
    let mut machine = FetchMachine::new(settings(OffsetReset::None));
    machine.assign(partition(0), Start::Reset);
    let error = machine.actions(Instant::now()).unwrap_err();
    assert_eq!(
        error,
        FetchError::NoOffset {
            partition: partition(0)
        }
    );
}

#[test]
fn truncated_log_is_read_from_where_it_differs() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let diverging = PartitionAnswer {
        diverging_offset: Some(7),
        ..answer(0, b"")
    };
    assert!(fetch_once(&mut machine, now, diverging).unwrap().is_empty());
    assert_eq!(machine.position(&partition(0)), Some(7));
}

#[test]
fn moved_leader_is_looked_up_and_then_asked() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    fetch_once(&mut machine, now, answer(6, b"")).unwrap();
    assert_eq!(
        machine.actions(now).unwrap(),
        [FetchAction::RefreshMetadata]
    );
    assert!(
        machine.begin_fetch(NODE, now).is_none(),
        "the old leader is left alone"
    );
    machine.on_metadata(|_| Some(leader(2, 6)));
    assert_eq!(
        machine.actions(now).unwrap(),
        [FetchAction::Connect { node: 2 }]
    );
}

#[test]
fn leader_named_in_the_answer_is_asked_at_once() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let moved = PartitionAnswer {
        current_leader: Some((2, 6)),
        ..answer(6, b"")
    };
    fetch_once(&mut machine, now, moved).unwrap();
    assert!(
        machine
            .actions(now)
            .unwrap()
            .contains(&FetchAction::Connect { node: 2 })
    );
}

#[test]
fn older_metadata_does_not_bring_back_an_old_leader() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    machine.on_metadata(|_| Some(leader(2, 4)));
    assert!(machine.begin_fetch(NODE, now).is_some());
}

#[test]
fn recreated_topic_starts_anew() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let recreated = Leader {
        node: NODE,
        epoch: 0,
        topic_id: Uuid::from_u128(2),
    };
    machine.on_metadata(|_| Some(recreated));
    assert!(matches!(
        machine.actions(now).unwrap()[..],
        [FetchAction::FindOffsets { .. }]
    ));
}

#[test]
fn lost_session_is_opened_anew_without_waiting() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    fetch_once(&mut machine, now, answer(0, b"")).unwrap();
    machine.begin_fetch(NODE, now).unwrap();
    let lost = FetchAnswer {
        error_code: 70,
        session_id: 0,
        partitions: Vec::new(),
    };
    machine.on_answer(NODE, lost, now, 0.5);
    let request = machine.begin_fetch(NODE, now).unwrap();
    assert_eq!((request.session_id, request.session_epoch), (0, 0));
    assert_eq!(request.changed.len(), 1);
}

#[test]
fn answer_of_a_broker_without_room_for_a_session_is_read() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    for offset in [10, 25] {
        let request = machine.begin_fetch(NODE, now).unwrap();
        assert_eq!((request.session_id, request.session_epoch), (0, 0));
        assert_eq!(request.changed[0].1.offset, offset);
        let without_session = FetchAnswer {
            session_id: 0,
            ..answer_of(vec![answer(0, b"records")])
        };
        let fetched = machine.on_answer(NODE, without_session, now, 0.5);
        assert_eq!(fetched[0].from_offset, offset);
        machine.advance(&partition(0), 25, None);
    }
}

#[test]
fn broken_connection_is_retried_with_growing_pauses() {
    let (mut machine, start) = reading(OffsetReset::Earliest);
    let mut now = start;
    let mut pauses = Vec::new();
    for _ in 0..6 {
        machine.on_disconnected(NODE, now, 0.5);
        let retry_at = machine.next_deadline(now).unwrap();
        pauses.push((retry_at - now).as_millis());
        now = retry_at;
        let actions = machine.actions(now).unwrap();
        assert!(
            actions.contains(&FetchAction::Connect { node: NODE }),
            "{actions:?}"
        );
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
}

#[test]
fn nobody_is_woken_for_a_node_that_nothing_is_read_from() {
    let (mut machine, start) = reading(OffsetReset::Earliest);
    machine.on_disconnected(NODE, start, 0.5);
    let retry_at = machine.next_deadline(start).unwrap();
    machine.set_paused(&partition(0), true);
    machine.actions(retry_at).unwrap();
    assert_eq!(machine.next_deadline(retry_at), None);
    machine.set_paused(&partition(0), false);
    let actions = machine.actions(retry_at).unwrap();
    assert_eq!(actions, [FetchAction::Connect { node: NODE }]);
    // Nor while the connection is being opened.
    assert_eq!(machine.next_deadline(retry_at), None);
}

#[test]
fn nobody_is_woken_for_a_partition_that_waits_for_its_node() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    fetch_once(&mut machine, now, answer(6, b"")).unwrap();
    machine.on_disconnected(NODE, now, 0.0);
    let connect_at = machine.next_deadline(now).unwrap();
    machine.actions(connect_at).unwrap();
    let retry_at = machine.next_deadline(connect_at).unwrap();
    machine.actions(retry_at).unwrap();
    assert_eq!(machine.next_deadline(retry_at), None);
}

#[test]
fn follower_that_lags_sends_us_back_to_the_leader() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let to_follower = PartitionAnswer {
        preferred_replica: Some(3),
        ..answer(0, b"")
    };
    fetch_once(&mut machine, now, to_follower).unwrap();
    assert_eq!(
        machine.actions(now).unwrap(),
        [FetchAction::Connect { node: 3 }]
    );
    machine.on_connected(3);
    machine.begin_fetch(3, now).unwrap();
    machine.on_answer(3, answer_of(vec![answer(1, b"")]), now, 0.5);
    assert!(machine.begin_fetch(NODE, now).is_some());
}

#[test]
fn damaged_records_at_the_broker_are_an_error_that_names_the_offset() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let error = fetch_once(&mut machine, now, answer(2, b"")).unwrap_err();
    assert_eq!(
        error,
        FetchError::Corrupt {
            partition: partition(0),
            offset: 10
        }
    );
}

#[test]
fn partition_that_cannot_be_read_takes_nothing_from_the_others() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    let start = Start::At {
        offset: 0,
        epoch: None,
    };
    machine.assign(partition(1), start);
    machine.on_metadata(|_| Some(leader(NODE, 5)));
    machine.begin_fetch(NODE, now).unwrap();
    let other = PartitionAnswer {
        partition: partition(1),
        ..answer(0, b"records")
    };
    let both = answer_of(vec![answer(29, b""), other]);
    let fetched = machine.on_answer(NODE, both, now, 0.5);
    let brought: Vec<_> = fetched.iter().map(|it| it.partition.partition).collect();
    assert_eq!(brought, [1]);
    let error = FetchError::TopicAuthorization { topic: "t".into() };
    assert_eq!(machine.take_fault(), Some(error));
    assert_eq!(machine.take_fault(), None, "told once");
    let request = machine.begin_fetch(NODE, now).unwrap();
    assert_eq!(request.forgotten[0].0, partition(0));
    machine.on_answer(NODE, answer_of(Vec::new()), now, 0.5);
    assert_eq!(machine.actions(now).unwrap(), [], "its leader is known");
    let later = machine.next_deadline(now).unwrap();
    let request = machine.begin_fetch(NODE, later).unwrap();
    assert_eq!(request.changed[0].0, partition(0));
}

#[test]
fn fault_of_a_partition_that_is_read_elsewhere_by_now_is_not_told() {
    let (mut machine, now) = reading(OffsetReset::Earliest);
    machine.begin_fetch(NODE, now).unwrap();
    machine.on_answer(NODE, answer_of(vec![answer(2, b"")]), now, 0.5);
    let start = Start::At {
        offset: 11,
        epoch: None,
    };
    machine.seek(&partition(0), start);
    assert_eq!(machine.take_fault(), None);
    assert!(
        machine.begin_fetch(NODE, now).is_some(),
        "asked for at once"
    );
}
