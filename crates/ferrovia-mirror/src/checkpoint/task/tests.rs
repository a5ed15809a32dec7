//! Tests of this module: a task between two embedded brokers.

use std::sync::mpsc;

use ferrovia_client::TopicPartition;
use ferrovia_client::admin::groups::alter_offsets;

use super::*;
use crate::sync::OffsetSync;
use crate::testing::{DEADLINE, Stage, commit, make_topic, task_context, wait_until, with, write};

#[test]
fn task_stops_while_a_checkpoint_waits_and_the_interval_is_nothing() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    make_topic(&stage.target, "A.checkpoints.internal", 1, &[]);
    make_topic(&stage.source, "mm2-offset-syncs.B.internal", 1, &[]);
    with(&stage.source, async |cluster| {
        let offsets = [commit("orders", 12)];
        alter_offsets(&cluster, "g", &offsets).await.unwrap();
    });
    let sync = OffsetSync {
        partition: TopicPartition::new("orders", 0),
        upstream: 10,
        downstream: 100,
    };
    let syncs = [(sync.key(), sync.value())];
    write(&stage.source, "mm2-offset-syncs.B.internal", &syncs);
    let mut context = task_context(stage.settings(&[
        ("task.assigned.groups", "g"),
        ("task.index", "0"),
        ("emit.checkpoints.interval.seconds", "0"),
    ]));
    let mut task = MirrorCheckpointTask::default();
    task.start(&mut context).unwrap();
    wait_until("a checkpoint", || {
        task.run.as_ref().is_some_and(|run| !run.made.is_empty())
    });
    let (stopped, is_stopped) = mpsc::channel();
    std::thread::spawn(move || stopped.send(task.stop()));
    is_stopped.recv_timeout(DEADLINE).unwrap().unwrap();
}
