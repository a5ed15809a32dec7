//! Where reading begins when nothing is committed, or something that does not exist.

use ferrovia_client::admin::OffsetToCommit;
use ferrovia_client::admin::groups::{Committer, offset_commit};
use ferrovia_worker::status::State;

use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{GROUP, Stage, p, play, until};

const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");

fn reset(policy: &'static str) -> (&'static str, &'static str) {
    ("consumer.override.auto.offset.reset", policy)
}

/// Commits an offset of partition 0 for the group, which has no members yet.
pub(crate) async fn commit(stage: &Stage, offset: i64) {
    let committer = Committer {
        group: GROUP.into(),
        member_id: "".into(),
        generation: -1,
        instance_id: None,
    };
    let offset = OffsetToCommit {
        partition: ferrovia_client::TopicPartition::new("t", 0),
        offset,
        leader_epoch: None,
        metadata: "".into(),
    };
    let outcomes = offset_commit(stage.cluster(), &committer, &[offset])
        .await
        .unwrap();
    assert!(outcomes.values().all(Result::is_ok), "{outcomes:?}");
}

#[test]
fn earliest_reads_what_was_there_before() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 4).await;
        let worker = stage.worker(Script::default(), &[]).await;
        worker.until_taken(&p(0), 4).await;
        stage.end(worker).await;
    });
}

#[test]
fn latest_reads_what_comes_after_and_commits_where_it_began() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 4).await;
        let worker = stage
            .worker(Script::default(), &[reset("latest"), OFTEN])
            .await;
        let knows_where = |call: &Call| match call {
            Call::PreCommit { asked, .. } => asked.get(&p(0)) == Some(4),
            _ => false,
        };
        until("the position is known", || {
            worker.probe.calls().iter().any(knows_where)
        })
        .await;
        stage.produce(&p(0), 2).await;
        until("what came after", || worker.probe.taken(&p(0)) == [4, 5]).await;
        stage.until_committed(0, 6).await;
        stage.end(worker).await;
    });
}

#[test]
fn without_a_policy_a_partition_without_offset_fails_the_task_and_is_named() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 4).await;
        let worker = stage.worker(Script::default(), &[reset("none")]).await;
        let trace = worker.until_state(0, State::Failed).await;
        assert!(
            trace.contains("no offset is committed for partition t-0"),
            "{trace}"
        );
        let probe = stage.stop(worker, Leave::default()).await;
        assert!(probe.shown(&p(0)).is_empty());
        assert_eq!(stage.committed(0), None);
    });
}

#[test]
fn committed_offset_is_where_reading_begins() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 4).await;
        commit(&stage, 3).await;
        let worker = stage.worker(Script::default(), &[reset("none")]).await;
        until("the last one", || worker.probe.taken(&p(0)) == [3]).await;
        stage.end(worker).await;
    });
}

#[test]
fn offset_beyond_the_log_is_reset_by_the_policy() {
    play(async {
        for (policy, expected) in [("earliest", vec![0, 1, 2, 3, 4]), ("latest", vec![4])] {
            let stage = Stage::new(1).await;
            stage.produce(&p(0), 4).await;
            commit(&stage, 1_000).await;
            let worker = stage
                .worker(Script::default(), &[reset(policy), OFTEN])
                .await;
            if policy == "earliest" {
                worker.until_taken(&p(0), 4).await;
            } else {
                // The position that was looked up shows in nothing that a task sees: the fetch that follows does.
                stage.until_fetched_from(4).await;
            }
            stage.produce(&p(0), 1).await;
            until(policy, || worker.probe.taken(&p(0)) == expected).await;
            stage.until_committed(0, 5).await;
            stage.end(worker).await;
        }
    });
}

#[test]
fn offset_beyond_the_log_fails_the_task_without_a_policy() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 4).await;
        commit(&stage, 1_000).await;
        let worker = stage.worker(Script::default(), &[reset("none")]).await;
        let trace = worker.until_state(0, State::Failed).await;
        assert!(
            trace.contains("offset 1000 of partition t-0 is out of range"),
            "{trace}"
        );
        stage.stop(worker, Leave::default()).await;
        assert_eq!(stage.committed(0), Some(1_000), "nothing has moved");
    });
}
