//! What a task says is safe is committed: that, nothing else, and when it should be.

use std::sync::atomic::{AtomicBool, Ordering};

use ferrovia_pipeline::topic::{Offsets, TopicPartition};

use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{GROUP, Stage, p, play, until};

const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");

fn offsets(entries: &[(TopicPartition, i64)]) -> Offsets {
    entries.iter().cloned().collect()
}

#[test]
fn offsets_are_committed_every_interval() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &[OFTEN]).await;
        for round in 1..=3 {
            stage.produce(&p(0), 5).await;
            stage.until_committed(0, round * 5).await;
        }
        stage.end(worker).await;
    });
}

#[test]
fn offsets_are_committed_on_stop_before_the_partitions_are_closed() {
    play(async {
        let stage = Stage::new(2).await;
        let worker = stage.worker(Script::default(), &[]).await;
        stage.produce(&p(0), 5).await;
        worker.until_taken(&p(0), 5).await;
        assert_eq!(stage.committed(0), None, "nobody asked yet");
        let probe = stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(5));
        let calls = probe.calls();
        let closed = Call::Close {
            partitions: vec![p(0), p(1)],
            committed: [(p(0), 5)].into(),
        };
        assert_eq!(calls[calls.len() - 2..], [closed, Call::Stop]);
        assert!(
            stage.broker().group_members(GROUP).is_empty(),
            "it has left"
        );
    });
}

#[test]
fn request_of_a_task_commits_before_the_interval_ends() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, context| {
            if !put.records.is_empty() {
                context.request_commit();
            }
            Ok(())
        });
        let worker = stage.worker(script, &[]).await;
        stage.produce(&p(0), 5).await;
        stage.until_committed(0, 5).await;
        stage.produce(&p(0), 1).await;
        stage.until_committed(0, 6).await;
        stage.end(worker).await;
    });
}

#[test]
fn smaller_offset_is_committed_as_the_task_says() {
    play(async {
        let stage = Stage::new(1).await;
        let answer = |asked: &Offsets, _: &mut _| {
            let asked = asked.get(&p(0)).unwrap_or(0);
            Ok(offsets(&[(p(0), asked.min(3))]))
        };
        let script = Script::default().pre_commit(answer);
        let worker = stage.worker(script, &[OFTEN]).await;
        stage.produce(&p(0), 5).await;
        worker.until_taken(&p(0), 5).await;
        stage.until_committed(0, 3).await;
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(3));
        let worker = stage.worker(Script::default(), &[]).await;
        until("the rest again", || worker.probe.taken(&p(0)) == [3, 4]).await;
        stage.end(worker).await;
    });
}

#[test]
fn larger_and_foreign_offsets_and_silence_commit_nothing() {
    play(async {
        let stage = Stage::new(3).await;
        let answer = |asked: &Offsets, _: &mut _| {
            let beyond = asked.get(&p(0)).unwrap_or(0) + 1;
            let other = TopicPartition::new("other", 0);
            let mut answer = offsets(&[(p(0), beyond), (p(9), 1), (other, 1)]);
            if let Some(own) = asked.get(&p(1)) {
                answer.set(p(1), own);
            }
            Ok(answer)
        };
        let worker = stage
            .worker(Script::default().pre_commit(answer), &[OFTEN])
            .await;
        for partition in 0..3 {
            stage.produce(&p(partition), 4).await;
        }
        stage.until_committed(1, 4).await;
        for partition in 0..3 {
            worker.until_taken(&p(partition), 4).await;
        }
        let probe = stage.stop(worker, Leave::default()).await;
        let asked = |call: &Call| match call {
            Call::PreCommit { asked, .. } => Some(asked.clone()),
            _ => None,
        };
        let last = probe.calls().iter().rev().find_map(asked);
        assert_eq!(last, Some(offsets(&[(p(0), 4), (p(1), 4), (p(2), 4)])));
        assert_eq!(stage.committed(0), None, "beyond what was put");
        assert_eq!(stage.committed(1), Some(4));
        assert_eq!(stage.committed(2), None, "the task was silent");
        assert_eq!(stage.broker().committed_offset(GROUP, "other", 0), None);
    });
}

/// Goal: a task that goes back while it is asked is not overtaken by the answer it gives in the same breath.
#[test]
fn offset_set_while_a_commit_is_asked_for_is_where_reading_goes_on() {
    play(async {
        let stage = Stage::new(1).await;
        let has_gone_back = AtomicBool::new(false);
        let script = Script::default().pre_commit(move |asked, context| {
            if asked.get(&p(0)) == Some(4) && !has_gone_back.swap(true, Ordering::Relaxed) {
                context.offset(p(0), 2);
                return Ok(offsets(&[(p(0), 2)]));
            }
            Ok(asked.clone())
        });
        let worker = stage.worker(script, &[OFTEN]).await;
        stage.produce(&p(0), 4).await;
        until("both", || worker.probe.taken(&p(0)) == [0, 1, 2, 3, 2, 3]).await;
        stage.until_committed(0, 4).await;
        let leave = Leave {
            rewinds: true,
            ..Leave::default()
        };
        stage.end_with(worker, leave).await;
    });
}
