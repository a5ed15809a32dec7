//! Partitions that come and go: each task is told exactly which, and nothing is read by two or by none.

use std::collections::BTreeSet;

use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_pipeline::topic::TopicPartition;

use crate::order::Leave;
use crate::probe::{Call, Probe, Script};
use crate::stage::{GROUP, Stage, Worker, p, play, until};

const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");
const COOPERATIVE: (&str, &str) = (
    "consumer.override.partition.assignment.strategy",
    "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
);
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;

/// The partitions that a probe's only task has open, by its diary.
fn open(probe: &Probe) -> BTreeSet<TopicPartition> {
    let mut open = BTreeSet::new();
    for call in probe.calls() {
        match call {
            Call::Open(partitions) => open.extend(partitions),
            Call::Close { partitions, .. } => open.retain(|one| !partitions.contains(one)),
            _ => {}
        }
    }
    open
}

/// The partitions of every open and close after the first open.
fn moves(probe: &Probe) -> Vec<(&'static str, usize)> {
    let moves = probe.calls().into_iter().filter_map(|call| match call {
        Call::Open(partitions) => Some(("open", partitions.len())),
        Call::Close { partitions, .. } => Some(("close", partitions.len())),
        _ => None,
    });
    moves.skip(1).collect()
}

async fn until_shared(first: &Worker, second: &Worker, partitions: usize) {
    until("both have their share", || {
        let (first, second) = (open(&first.probe), open(&second.probe));
        !second.is_empty() && first.len() + second.len() == partitions && first.is_disjoint(&second)
    })
    .await;
}

/// Goal: whatever a rebalance does, every record is taken, and by one task only, because every move comes with a commit.
async fn check_join_and_leave(settings: &[(&str, &str)], expected: &[(&'static str, usize)]) {
    const PARTITIONS: i32 = 4;
    let stage = Stage::new(PARTITIONS).await;
    let produce = async |count| {
        for partition in 0..PARTITIONS {
            stage.produce(&p(partition), count).await;
        }
    };
    let first = stage.worker(Script::default(), settings).await;
    produce(5).await;
    for partition in 0..PARTITIONS {
        first.until_taken(&p(partition), 5).await;
    }
    let second = stage.worker(Script::default(), settings).await;
    until_shared(&first, &second, 4).await;
    for partition in open(&second.probe) {
        assert_eq!(stage.committed(partition.partition), Some(5));
    }
    produce(3).await;
    for partition in open(&second.probe) {
        until("it reads on", || {
            second.probe.taken(&partition) == [5, 6, 7]
        })
        .await;
    }
    let gone = stage.stop(second, Leave::default()).await;
    until("the first has all again", || open(&first.probe).len() == 4).await;
    produce(2).await;
    for partition in (0..PARTITIONS).map(p) {
        until("everything was taken once", || {
            let mut taken = first.probe.taken(&partition);
            taken.extend(gone.taken(&partition));
            taken.sort_unstable();
            taken == Vec::from_iter(0..10)
        })
        .await;
    }
    assert_eq!(moves(&first.probe), expected);
    stage.end(first).await;
}

#[test]
fn second_task_takes_over_exactly_what_is_closed_and_gives_it_back() {
    play(check_join_and_leave(
        &[COOPERATIVE],
        &[("close", 2), ("open", 2)],
    ));
}

#[test]
fn eager_rebalance_closes_and_opens_everything() {
    play(check_join_and_leave(
        &[],
        &[("close", 4), ("open", 2), ("close", 2), ("open", 4)],
    ));
}

#[test]
fn records_that_wait_to_be_put_again_go_with_their_partition() {
    play(async {
        let stage = Stage::new(2).await;
        let script = Script::default().put(|put, context| {
            if put.records.is_empty() {
                return Ok(());
            }
            context.timeout(std::time::Duration::from_millis(10));
            Err(ferrovia_pipeline::error::ConnectError::retriable("never"))
        });
        let stuck = stage.worker(script, &[COOPERATIVE]).await;
        stage.produce(&p(0), 3).await;
        stage.produce(&p(1), 3).await;
        until("it is stuck", || stuck.probe.diary().len() > 5).await;
        let other = stage.worker(Script::default(), &[COOPERATIVE, OFTEN]).await;
        until_shared(&stuck, &other, 2).await;
        for partition in open(&other.probe) {
            other.until_taken(&partition, 3).await;
        }
        stage.stop(stuck, Leave::default()).await;
        for partition in 0..2 {
            other.until_taken(&p(partition), 3).await;
        }
        stage.end(other).await;
    });
}

async fn check_loss(code: i16) {
    let stage = Stage::new(1).await;
    // So long does the broker wait for the member that it knows.
    let session = [("consumer.override.session.timeout.ms", "1000")];
    let worker = stage.worker(Script::default(), &session).await;
    stage.produce(&p(0), 5).await;
    worker.until_taken(&p(0), 5).await;
    stage
        .broker()
        .faults()
        .inject(ApiKey::Heartbeat, Fault::ErrorCode(code), Times::Once);
    until("the records come again", || {
        worker.probe.taken(&p(0)).len() >= 10
    })
    .await;
    assert_eq!(worker.probe.taken(&p(0)), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    let asked = |call: &Call| matches!(call, Call::PreCommit { .. } | Call::Flush);
    assert!(!worker.probe.calls().iter().any(asked), "lost is lost");
    assert_eq!(stage.committed(0), None);
    assert_eq!(moves(&worker.probe), [("close", 1), ("open", 1)]);
    let leave = Leave {
        loss: true,
        ..Leave::default()
    };
    stage.stop(worker, leave).await;
    assert_eq!(stage.committed(0), Some(5));
}

#[test]
fn partitions_of_an_expired_session_are_closed_without_a_commit_and_read_again() {
    play(check_loss(UNKNOWN_MEMBER_ID));
}

#[test]
fn partitions_of_an_old_generation_are_closed_without_a_commit_and_read_again() {
    play(check_loss(ILLEGAL_GENERATION));
}

#[test]
fn pattern_picks_up_a_topic_that_is_made_later() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage
            .worker(Script::default(), &[("topics.regex", "t.*")])
            .await;
        stage.produce(&p(0), 2).await;
        worker.until_taken(&p(0), 2).await;
        assert!(stage.broker().create_topic("other", 1));
        assert!(stage.broker().create_topic("tail", 1));
        let (tail, other) = (
            TopicPartition::new("tail", 0),
            TopicPartition::new("other", 0),
        );
        stage.produce(&other, 3).await;
        stage.produce(&tail, 3).await;
        worker.until_taken(&tail, 3).await;
        assert!(worker.probe.shown(&other).is_empty());
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.broker().committed_offset(GROUP, "tail", 0), Some(3));
    });
}
