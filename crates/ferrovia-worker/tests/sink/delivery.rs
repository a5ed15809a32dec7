//! Records come in order and once, and the task decides when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{Stage, p, play, until};

#[test]
fn records_arrive_once_and_in_offset_order() {
    play(async {
        let stage = Stage::new(3).await;
        let worker = stage.worker(Script::default(), &[]).await;
        for _ in 0..20 {
            for partition in 0..3 {
                stage.produce(&p(partition), 7).await;
            }
        }
        for partition in 0..3 {
            worker.until_taken(&p(partition), 140).await;
        }
        stage.end(worker).await;
    });
}

#[test]
fn next_worker_reads_on_where_the_last_one_stopped() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &[]).await;
        stage.produce(&p(0), 5).await;
        worker.until_taken(&p(0), 5).await;
        stage.stop(worker, Leave::default()).await;
        stage.produce(&p(0), 3).await;
        let worker = stage.worker(Script::default(), &[]).await;
        until("the new records", || worker.probe.taken(&p(0)).len() == 3).await;
        assert_eq!(worker.probe.taken(&p(0)), [5, 6, 7]);
        stage.end(worker).await;
    });
}

#[test]
fn interval_without_records_puts_an_empty_batch() {
    play(async {
        let stage = Stage::new(1).await;
        let often = [("worker:offset.flush.interval.ms", "20")];
        let worker = stage.worker(Script::default(), &often).await;
        let is_empty_put =
            |call: &Call| matches!(call, Call::Put { records, .. } if records.is_empty());
        until("three empty puts", || {
            worker
                .probe
                .calls()
                .iter()
                .filter(|call| is_empty_put(call))
                .count()
                >= 3
        })
        .await;
        stage.end(worker).await;
    });
}

/// Goal: heartbeats do not depend on the thread of the task.
#[test]
fn put_longer_than_the_session_keeps_the_membership() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, _| {
            if put.nth == 0 && !put.records.is_empty() {
                std::thread::sleep(Duration::from_millis(900));
            }
            Ok(())
        });
        let session = [("consumer.override.session.timeout.ms", "300")];
        let worker = stage.worker(script, &session).await;
        until("the group has a member", || {
            stage.broker().group_members("connect-s").len() == 1
        })
        .await;
        let members = stage.broker().group_members("connect-s");
        stage.produce(&p(0), 2).await;
        worker.until_taken(&p(0), 2).await;
        stage.produce(&p(0), 2).await;
        worker.until_taken(&p(0), 4).await;
        assert_eq!(stage.broker().group_members("connect-s"), members);
        let opened = |call: &&Call| matches!(call, Call::Open(_));
        assert_eq!(worker.probe.calls().iter().filter(opened).count(), 1);
        stage.end(worker).await;
    });
}

#[test]
fn paused_partition_waits_while_others_go_on_and_loses_nothing() {
    play(async {
        let stage = Stage::new(2).await;
        let resumes = Arc::new(AtomicBool::new(false));
        let may_resume = Arc::clone(&resumes);
        let script = Script::default().put(move |put, context| {
            if put.nth == 0 && !put.records.is_empty() {
                context.pause([p(0)]);
            }
            if may_resume.load(Ordering::Relaxed) {
                context.resume([p(0)]);
            }
            Ok(())
        });
        stage.produce(&p(0), 2).await;
        let worker = stage.worker(script, &[]).await;
        worker.until_taken(&p(0), 2).await;
        stage.produce(&p(0), 3).await;
        stage.produce(&p(1), 3).await;
        worker.until_taken(&p(1), 3).await;
        stage.produce(&p(1), 3).await;
        worker.until_taken(&p(1), 6).await;
        assert_eq!(worker.probe.shown(&p(0)), [0, 1], "it is paused");
        resumes.store(true, Ordering::Relaxed);
        stage.produce(&p(1), 1).await;
        worker.until_taken(&p(0), 5).await;
        stage.end(worker).await;
    });
}

#[test]
fn offset_that_a_task_sets_in_open_is_where_reading_begins() {
    play(async {
        let stage = Stage::new(2).await;
        stage.produce(&p(0), 10).await;
        stage.produce(&p(1), 2).await;
        let script = Script::default().open(|partitions, context| {
            assert_eq!(context.assignment().len(), partitions.len());
            context.offset(p(0), 7);
            Ok(())
        });
        let worker = stage.worker(script, &[]).await;
        worker.until_taken(&p(1), 2).await;
        until("the rest", || worker.probe.taken(&p(0)).len() >= 3).await;
        assert_eq!(worker.probe.taken(&p(0)), [7, 8, 9]);
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(10));
    });
}

/// A target system that knows other offsets may name partitions that this task does not read.
#[test]
fn offset_set_for_a_partition_of_another_task_is_ignored() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 2).await;
        let script = Script::default().open(|_, context| {
            context.offset(p(6), 7);
            Ok(())
        });
        let often = [("worker:offset.flush.interval.ms", "40")];
        let worker = stage.worker(script, &often).await;
        worker.until_taken(&p(0), 2).await;
        stage.until_committed(0, 2).await;
        stage.end(worker).await;
    });
}

#[test]
fn task_may_go_back_to_what_it_was_given_before() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, context| {
            if put.nth == 1 && !put.records.is_empty() {
                context.offset(p(0), 2);
            }
            Ok(())
        });
        let worker = stage.worker(script, &[]).await;
        stage.produce(&p(0), 4).await;
        worker.until_taken(&p(0), 4).await;
        stage.produce(&p(0), 2).await;
        until("both", || worker.probe.taken(&p(0)).len() >= 10).await;
        assert_eq!(worker.probe.taken(&p(0)), [0, 1, 2, 3, 4, 5, 2, 3, 4, 5]);
        let leave = Leave {
            rewinds: true,
            ..Leave::default()
        };
        stage.stop(worker, leave).await;
        assert_eq!(stage.committed(0), Some(6));
    });
}

/// Goal: with a budget far below what is waiting, reading goes on as credit comes back.
#[test]
fn small_memory_drains_many_partitions() {
    play(async {
        const PARTITIONS: i32 = 40;
        let stage = Stage::new(PARTITIONS).await;
        for partition in 0..PARTITIONS {
            for _ in 0..4 {
                stage.produce(&p(partition), 2_000).await;
            }
        }
        let settings = [("worker:memory", "1048576"), ("tasks.max", "4")];
        let worker = stage.worker(Script::default(), &settings).await;
        let next = |offsets: &[i64]| offsets.iter().max().map_or(0, |last| last + 1);
        for partition in 0..PARTITIONS {
            until("everything is read", || {
                next(&worker.probe.taken(&p(partition))) == 8_000
            })
            .await;
        }
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(PARTITIONS - 1), Some(8_000));
    });
}
