//! A task that fails: what is delivered again, what is committed, and what users see.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ferrovia_pipeline::error::ConnectError;
use ferrovia_worker::status::State;

use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{Stage, p, play, until};

const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");

/// A switch between a test and its script.
fn switch() -> (Arc<AtomicBool>, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    (Arc::clone(&switch), switch)
}

#[test]
fn retriable_error_delivers_the_same_records_and_commits_nothing_beyond() {
    play(async {
        let stage = Stage::new(1).await;
        let (fails, is_failing) = switch();
        let script = Script::default().put(move |put, context| {
            if is_failing.load(Ordering::Relaxed) && !put.records.is_empty() {
                context.timeout(Duration::from_millis(10));
                return Err(ConnectError::retriable("not now"));
            }
            Ok(())
        });
        let worker = stage.worker(script, &[OFTEN]).await;
        stage.produce(&p(0), 5).await;
        stage.until_committed(0, 5).await;
        fails.store(true, Ordering::Relaxed);
        stage.produce(&p(0), 3).await;
        until("five tries", || {
            worker.probe.shown(&p(0)).len() >= 5 + 5 * 3
        })
        .await;
        stage.produce(&p(0), 2).await;
        let asked = |call: &&Call| matches!(call, Call::PreCommit { .. });
        let questions = || worker.probe.calls().iter().filter(asked).count();
        let before = questions();
        until("three more commits", || questions() >= before + 3).await;
        assert_eq!(stage.committed(0), Some(5));
        let shown = worker.probe.shown(&p(0));
        assert!(
            shown[5..].chunks_exact(3).all(|try_| try_ == [5, 6, 7]),
            "{shown:?}"
        );
        assert_eq!(worker.status(0).await.unwrap().state, State::Running);
        fails.store(false, Ordering::Relaxed);
        worker.until_taken(&p(0), 10).await;
        stage.until_committed(0, 10).await;
        stage.end(worker).await;
    });
}

#[test]
fn retriable_error_without_a_timeout_is_tried_again_every_commit_interval() {
    play(async {
        let stage = Stage::new(1).await;
        let tries = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&tries);
        let script = Script::default().put(move |put, _| {
            let mut tries = noted.lock().unwrap();
            if !put.records.is_empty() && tries.len() < 3 {
                tries.push(Instant::now());
                return Err(ConnectError::retriable("not now"));
            }
            Ok(())
        });
        let interval = [("worker:offset.flush.interval.ms", "100")];
        let worker = stage.worker(script, &interval).await;
        stage.produce(&p(0), 3).await;
        worker.until_taken(&p(0), 3).await;
        let tries = tries.lock().unwrap().clone();
        assert!(
            tries[2] - tries[1] >= Duration::from_millis(95),
            "{tries:?}"
        );
        stage.end(worker).await;
    });
}

#[test]
fn records_that_wait_to_be_put_again_are_not_committed_on_stop() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, _| match put.nth {
            0 => Ok(()),
            _ => Err(ConnectError::retriable("never")),
        });
        let worker = stage.worker(script, &[]).await;
        stage.produce(&p(0), 2).await;
        worker.until_taken(&p(0), 2).await;
        stage.produce(&p(0), 2).await;
        until("the second try", || worker.probe.shown(&p(0)).len() == 4).await;
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(2));
    });
}

#[test]
fn failing_flush_reads_again_from_the_last_committed_offset() {
    play(async {
        let stage = Stage::new(2).await;
        let (fails, is_failing) = switch();
        let failures = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&failures);
        let script = Script::default().flush(move || {
            if is_failing.load(Ordering::Relaxed) {
                counted.fetch_add(1, Ordering::Relaxed);
                return Err(ConnectError::failed("the disk is full"));
            }
            Ok(())
        });
        let worker = stage.worker(script, &[OFTEN]).await;
        stage.produce(&p(0), 5).await;
        stage.until_committed(0, 5).await;
        fails.store(true, Ordering::Relaxed);
        stage.produce(&p(0), 3).await;
        stage.produce(&p(1), 2).await;
        until("the records come again", || {
            let again = |partition: i32, from| {
                let shown = worker.probe.shown(&p(partition));
                shown.iter().filter(|offset| **offset == from).count() >= 3
            };
            again(0, 5) && again(1, 0)
        })
        .await;
        assert!(failures.load(Ordering::Relaxed) >= 2);
        assert_eq!((stage.committed(0), stage.committed(1)), (Some(5), None));
        let shown = worker.probe.shown(&p(0));
        assert_eq!(
            shown.iter().filter(|offset| **offset < 5).count(),
            5,
            "{shown:?}"
        );
        fails.store(false, Ordering::Relaxed);
        stage.until_committed(0, 8).await;
        stage.until_committed(1, 2).await;
        stage.end(worker).await;
    });
}

#[test]
fn failing_flush_on_stop_commits_nothing_and_the_next_worker_reads_again() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().flush(|| Err(ConnectError::failed("the disk is full")));
        let worker = stage.worker(script, &[]).await;
        stage.produce(&p(0), 5).await;
        worker.until_taken(&p(0), 5).await;
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), None);
        let worker = stage.worker(Script::default(), &[]).await;
        worker.until_taken(&p(0), 5).await;
        stage.end(worker).await;
    });
}

#[test]
fn error_in_open_fails_the_task() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 1).await;
        let script = Script::default().open(|_, _| Err(ConnectError::retriable("no target")));
        let worker = stage.worker(script, &[]).await;
        let trace = worker.until_state(0, State::Failed).await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.RetriableException: no target"
        );
        let probe = stage.stop(worker, Leave::default()).await;
        assert!(probe.shown(&p(0)).is_empty());
        assert_eq!(stage.committed(0), None);
    });
}
#[test]
fn fatal_put_fails_the_task_with_javas_trace_and_moves_no_offset() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, _| match put.nth {
            0 => Ok(()),
            _ => Err(ConnectError::data("bad record")),
        });
        let worker = stage.worker(script, &[]).await;
        stage.produce(&p(0), 2).await;
        worker.until_taken(&p(0), 2).await;
        stage.produce(&p(0), 2).await;
        let trace = worker.until_state(0, State::Failed).await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\
             Caused by: org.apache.kafka.connect.errors.DataException: bad record"
        );
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(2), "what was taken before is safe");
    });
}
/// Goal: a panic ends its task alone, which is called no more but to stop, and commits nothing; the others take over
/// what it has left, from the last committed offset.
#[test]
fn panic_in_put_fails_that_task_only_and_nothing_is_lost() {
    play(async {
        let stage = Stage::new(2).await;
        let has_panicked = AtomicBool::new(false);
        let script = Script::default().put(move |put, _| {
            let is_poison = put.records.contains(&(p(1), 2));
            assert!(
                !is_poison || has_panicked.swap(true, Ordering::Relaxed),
                "boom"
            );
            Ok(())
        });
        let worker = stage.worker(script, &[("tasks.max", "2")]).await;
        stage.produce(&p(1), 2).await;
        worker.until_taken(&p(1), 2).await;
        until("both tasks read", || {
            let opens = |call: &&Call| matches!(call, Call::Open(_));
            stage.broker().group_members("connect-s").len() == 2
                && worker.probe.calls().iter().filter(opens).count() >= 2
        })
        .await;
        stage.produce(&p(1), 2).await;
        until("the other one reads on", || {
            worker.probe.taken(&p(1)).ends_with(&[2, 3])
        })
        .await;
        let mut failed = Vec::new();
        for task in 0..2 {
            let status = worker.status(task).await.unwrap();
            match status.state {
                State::Failed => failed.push(status.trace),
                state => assert_eq!(state, State::Running),
            }
        }
        assert_eq!(failed.len(), 1);
        assert!(
            failed[0].contains("the task panicked in put: boom"),
            "{}",
            failed[0]
        );
        let probe = stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(1), Some(4));
        let diary = probe.diary();
        let at = diary.iter().position(|entry| {
            matches!(&entry.call, Call::Put { records, taken: false } if records.contains(&(p(1), 2)))
        });
        let (at, task) = (at.unwrap(), diary[at.unwrap()].task);
        let after: Vec<_> = diary[at + 1..]
            .iter()
            .filter(|entry| entry.task == task)
            .collect();
        assert_eq!(after.len(), 1, "{after:?}");
        assert_eq!(after[0].call, Call::Stop);
    });
}
