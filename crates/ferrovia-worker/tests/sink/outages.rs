//! Brokers that answer late, refuse, hang up or start again: nothing is lost and commits end up exact.

use std::time::Duration;

use bytes::Bytes;
use ferrovia_broker::{ApiKey, Fault, Times};

use crate::order::Leave;
use crate::probe::{Call, Probe, Script};
use crate::stage::{Stage, p, play, until};

const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");
const NOT_COORDINATOR: i16 = 16;
const COORDINATOR_LOADING: i16 = 14;
const REBALANCE_IN_PROGRESS: i16 = 27;

/// How often the tasks were asked what is safe.
fn asked(probe: &Probe) -> usize {
    let asked = |call: &&Call| matches!(call, Call::PreCommit { .. });
    probe.calls().iter().filter(asked).count()
}

/// Goal: while commits are answered with `fault`, records go on; the offset that counts in the end is the last one.
async fn check_commits(fault: Fault, times: Times) {
    let stage = Stage::new(1).await;
    let settings = [OFTEN, ("worker:offset.flush.timeout.ms", "60")];
    let worker = stage.worker(Script::default(), &settings).await;
    stage.produce(&p(0), 2).await;
    stage.until_committed(0, 2).await;
    stage
        .broker()
        .faults()
        .inject(ApiKey::OffsetCommit, fault, times);
    let (mut count, mut committed) = (2, Some(2));
    while stage.broker().faults().pending() > 0 {
        stage.produce(&p(0), 1).await;
        count += 1;
        worker.until_taken(&p(0), count).await;
        let questions = asked(&worker.probe);
        until("another commit", || asked(&worker.probe) > questions).await;
        assert!(stage.committed(0) >= committed, "it never goes back");
        committed = stage.committed(0);
    }
    stage.until_committed(0, count).await;
    stage.end(worker).await;
}

#[test]
fn commits_that_are_answered_late_do_not_go_back() {
    play(check_commits(
        Fault::Delay(Duration::from_millis(150)),
        Times::N(3),
    ));
}

#[test]
fn commits_are_made_again_after_a_rebalance_in_progress() {
    play(check_commits(
        Fault::ErrorCode(REBALANCE_IN_PROGRESS),
        Times::N(2),
    ));
}

#[test]
fn commits_follow_the_coordinator() {
    play(check_commits(
        Fault::ErrorCode(NOT_COORDINATOR),
        Times::N(3),
    ));
}

#[test]
fn commits_whose_answer_is_lost_are_made_again() {
    play(check_commits(Fault::DropAfterHandling, Times::Once));
}

async fn check_last_commit(fault: Fault, times: Times) {
    let stage = Stage::new(1).await;
    let worker = stage.worker(Script::default(), &[]).await;
    stage.produce(&p(0), 5).await;
    worker.until_taken(&p(0), 5).await;
    stage
        .broker()
        .faults()
        .inject(ApiKey::OffsetCommit, fault, times);
    // The order of calls is checked as always: closing waits for the commit.
    stage.stop(worker, Leave::default()).await;
    assert_eq!(stage.broker().faults().pending(), 0, "the fault has struck");
    assert_eq!(stage.committed(0), Some(5));
}

#[test]
fn last_commit_waits_for_the_coordinator_before_anything_is_closed() {
    play(async {
        check_last_commit(Fault::ErrorCode(NOT_COORDINATOR), Times::N(3)).await;
        check_last_commit(Fault::ErrorCode(COORDINATOR_LOADING), Times::N(3)).await;
        check_last_commit(Fault::Delay(Duration::from_millis(100)), Times::Once).await;
        check_last_commit(Fault::Drop, Times::N(2)).await;
        check_last_commit(Fault::DropAfterHandling, Times::Once).await;
    });
}

/// Goal: fetches that break in any way are made again from the same position.
#[test]
fn fetches_that_break_in_the_middle_lose_nothing() {
    play(async {
        let half_a_frame = Bytes::from_static(b"\x00\x00\x10\x00\x00\x00");
        for fault in [
            Fault::Drop,
            Fault::DropAfterHandling,
            Fault::Raw(half_a_frame),
        ] {
            let stage = Stage::new(2).await;
            // An answer that never ends is given up after this.
            let timeout = [("consumer.override.request.timeout.ms", "300")];
            let worker = stage.worker(Script::default(), &timeout).await;
            for round in 1..=4 {
                stage
                    .broker()
                    .faults()
                    .inject(ApiKey::Fetch, fault.clone(), Times::N(2));
                stage.produce(&p(0), 3).await;
                stage.produce(&p(1), 3).await;
                worker.until_taken(&p(0), round * 3).await;
                worker.until_taken(&p(1), round * 3).await;
            }
            stage.broker().faults().clear();
            stage.end(worker).await;
        }
    });
}

#[test]
fn partition_errors_are_waited_out() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &[]).await;
        stage.produce(&p(0), 1).await;
        worker.until_taken(&p(0), 1).await;
        let mut count = 1;
        // Not leader, unknown topic, fenced epoch, unknown epoch, storage error, unknown server error, a code of tomorrow.
        for code in [6, 3, 74, 76, 56, -1, 9_999] {
            stage
                .broker()
                .faults()
                .inject(ApiKey::Fetch, Fault::ErrorCode(code), Times::Once);
            stage.produce(&p(0), 1).await;
            count += 1;
            worker.until_taken(&p(0), count).await;
        }
        stage.end(worker).await;
    });
}

/// Goal: the group has forgotten its members, the log and the offsets are there: reading goes on from what was committed.
#[test]
fn broker_that_starts_again_is_read_on() {
    play(async {
        let mut stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &[OFTEN]).await;
        stage.produce(&p(0), 5).await;
        stage.until_committed(0, 5).await;
        stage.restart_broker().await;
        stage.produce(&p(0), 5).await;
        until("the rest", || worker.probe.taken(&p(0)).contains(&9)).await;
        stage.until_committed(0, 10).await;
        assert_eq!(worker.probe.taken(&p(0))[..5], [0, 1, 2, 3, 4]);
        let opened = |call: &&Call| matches!(call, Call::Open(_));
        assert_eq!(worker.probe.calls().iter().filter(opened).count(), 2);
        let leave = Leave {
            loss: true,
            ..Leave::default()
        };
        stage.end_with(worker, leave).await;
    });
}
