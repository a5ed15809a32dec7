//! Tests of this module: a connector and its task between two embedded brokers.

use ferrovia_client::admin::groups::alter_offsets;

use super::*;
use crate::bytes::Writer;
use crate::testing::{
    DEADLINE, Said, Stage, commit, listening, make_topic, task_context, wait_until, with, write,
};

/// Key and value of an offset sync of a topic's first partition.
fn sync(topic: &str, upstream: i64, downstream: i64) -> (Vec<u8>, Vec<u8>) {
    let key = Writer::default().text(topic).int(0).into_bytes();
    let value = Writer::default().long(upstream).long(downstream);
    (key, value.into_bytes())
}

fn set_offset(stage: &Stage, group: &str, topic: &str, offset: i64) {
    with(&stage.source, async |cluster| {
        let offsets = [commit(topic, offset)];
        alter_offsets(&cluster, group, &offsets).await.unwrap();
    });
}

#[test]
fn connector_without_checkpoints_or_offset_syncs_is_refused() {
    let connector = MirrorCheckpointConnector::default();
    let faults = |entries: &[(&str, &str)]| {
        let entries = entries.iter();
        let entries = entries.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        connector.validate(&entries.collect())
    };
    let off = [
        ("emit.checkpoints.enabled", "false"),
        ("emit.offset-syncs.enabled", "false"),
    ];
    let messages = [
        ConfigError::rule(
            "emit.checkpoints.enabled",
            "MirrorCheckpointConnector can't run with emit.checkpoints.enabled set to false",
        ),
        ConfigError::rule(
            "emit.offset-syncs.enabled",
            "MirrorCheckpointConnector can't run without offset syncs",
        ),
    ];
    assert_eq!(faults(&off), messages);
    assert!(faults(&[off[0], off[1], ("enabled", "false")]).is_empty());
    assert!(faults(&[]).is_empty());
}

#[test]
fn tasks_are_not_told_before_the_groups_are_known() {
    let stage = Stage::new();
    let settings = stage.settings(&[
        ("admin.timeout.ms", "50"),
        ("source.cluster.bootstrap.servers", "127.0.0.1:1"),
        ("target.cluster.bootstrap.servers", "127.0.0.1:1"),
    ]);
    let (context, _heard) = listening();
    let mut connector = MirrorCheckpointConnector::default();
    connector.start(&settings, context).unwrap();
    let error = connector.task_configs(2).unwrap_err();
    assert!(error.is_retriable());
    assert_eq!(error.to_string(), "Timeout while loading consumer groups.");
    connector.stop().unwrap();
}

#[test]
fn groups_that_have_read_what_is_copied_are_found_then_and_later() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    make_topic(&stage.source, "x.replica", 1, &[]);
    set_offset(&stage, "g", "orders", 1);
    set_offset(&stage, "irrelevant", "x.replica", 1);
    let settings = stage.settings(&[("refresh.groups.interval.seconds", "1")]);
    let (context, heard) = listening();
    let mut connector = MirrorCheckpointConnector::default();
    connector.start(&settings, context).unwrap();
    let groups = || {
        let tasks = connector.task_configs(1).unwrap();
        tasks[0]["task.assigned.groups"].clone()
    };
    assert_eq!(groups(), "g");
    assert_eq!(
        stage.target.topic_end_offsets("A.checkpoints.internal"),
        [0]
    );
    set_offset(&stage, "h", "orders", 1);
    let said = heard.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(said, Said::Reconfigure));
    assert_eq!(groups(), "g,h");
    connector.stop().unwrap();
}

#[test]
fn task_writes_checkpoints_and_sets_offsets_of_groups_without_members() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    make_topic(&stage.target, "A.orders", 1, &[]);
    make_topic(&stage.target, "A.checkpoints.internal", 1, &[]);
    make_topic(&stage.source, "mm2-offset-syncs.B.internal", 1, &[]);
    set_offset(&stage, "g", "orders", 12);
    let syncs = [sync("orders", 10, 100), sync("orders", 20, 110)];
    write(&stage.source, "mm2-offset-syncs.B.internal", &syncs);
    let settings = stage.settings(&[
        ("task.assigned.groups", "g"),
        ("task.index", "0"),
        ("emit.checkpoints.interval.seconds", "1"),
        ("sync.group.offsets.enabled", "true"),
        ("sync.group.offsets.interval.seconds", "1"),
    ]);
    let mut context = task_context(settings);
    let mut task = MirrorCheckpointTask::default();
    task.start(&mut context).unwrap();
    let mut next = || {
        let mut checkpoint = None;
        wait_until("a checkpoint", || {
            let records = task.poll(&mut context).unwrap();
            checkpoint = records.first().map(|record| {
                assert_eq!(records.len(), 1);
                assert_eq!(
                    (&*record.topic, record.partition),
                    ("A.checkpoints.internal", Some(0))
                );
                assert_eq!(record.source_offset.to_string(), "{offset=0}");
                let key = record.key.value.as_printed().into_owned();
                let value = record.value.value.as_printed().into_owned();
                (record.source_partition.to_string(), key, value)
            });
            checkpoint.is_some()
        });
        checkpoint.unwrap()
    };
    let checkpoint = |upstream: i64, downstream: i64| {
        let key = Writer::default().text("g").text("A.orders").int(0);
        let value = Writer::default().short(0).long(upstream).long(downstream);
        (
            "{partition=0, topic=A.orders, group=g}".to_owned(),
            key.into_bytes(),
            value.text("").into_bytes(),
        )
    };
    let (shown, key, value) = next();
    let (_, expected_key, expected_value) = checkpoint(12, 101);
    assert_eq!((key, value), (expected_key, expected_value));
    assert!(
        shown.contains("group=g") && shown.contains("topic=A.orders"),
        "{shown}"
    );
    let there = || stage.target.committed_offset("g", "A.orders", 0);
    wait_until("the group's offset at the target", || there() == Some(101));
    write(
        &stage.source,
        "mm2-offset-syncs.B.internal",
        &[sync("orders", 30, 125)],
    );
    set_offset(&stage, "g", "orders", 30);
    let (_, _, value) = next();
    assert_eq!(value, checkpoint(30, 125).2);
    wait_until("the group's next offset", || there() == Some(125));
    task.stop().unwrap();
}

#[test]
fn offset_that_is_ahead_at_the_target_stays() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    for topic in ["A.orders", "A.late", "A.checkpoints.internal"] {
        make_topic(&stage.target, topic, 1, &[]);
    }
    make_topic(&stage.source, "mm2-offset-syncs.B.internal", 1, &[]);
    make_topic(&stage.source, "late", 1, &[]);
    set_offset(&stage, "g", "orders", 12);
    set_offset(&stage, "g", "late", 5);
    with(&stage.target, async |cluster| {
        let ahead = [commit("A.orders", 500)];
        alter_offsets(&cluster, "g", &ahead).await.unwrap();
    });
    let syncs = [sync("orders", 10, 100), sync("late", 5, 7)];
    write(&stage.source, "mm2-offset-syncs.B.internal", &syncs);
    let settings = stage.settings(&[
        ("task.assigned.groups", "g"),
        ("emit.checkpoints.interval.seconds", "1"),
        ("sync.group.offsets.enabled", "true"),
        ("sync.group.offsets.interval.seconds", "1"),
    ]);
    let mut context = task_context(settings);
    let mut task = MirrorCheckpointTask::default();
    task.start(&mut context).unwrap();
    let there = |topic| stage.target.committed_offset("g", topic, 0);
    wait_until("the other topic's offset", || there("A.late") == Some(7));
    assert_eq!(there("A.orders"), Some(500));
    task.stop().unwrap();
}

/// As in Java: checkpoints are looked for without a pause, while syncs are followed; offsets are not copied.
#[test]
fn task_with_intervals_of_nothing_writes_checkpoints_and_sets_no_offsets() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    make_topic(&stage.target, "A.orders", 1, &[]);
    make_topic(&stage.target, "A.checkpoints.internal", 1, &[]);
    make_topic(&stage.source, "mm2-offset-syncs.B.internal", 1, &[]);
    let settings = stage.settings(&[
        ("task.assigned.groups", "g"),
        ("emit.checkpoints.interval.seconds", "0"),
        ("sync.group.offsets.enabled", "true"),
        ("sync.group.offsets.interval.seconds", "0"),
    ]);
    let mut context = task_context(settings);
    let mut task = MirrorCheckpointTask::default();
    task.start(&mut context).unwrap();
    for (upstream, downstream) in [(10, 100), (20, 110)] {
        set_offset(&stage, "g", "orders", upstream);
        let syncs = [sync("orders", upstream, downstream)];
        write(&stage.source, "mm2-offset-syncs.B.internal", &syncs);
        let wanted = Writer::default().short(0).long(upstream).long(downstream);
        let wanted = wanted.text("").into_bytes();
        wait_until("a checkpoint", || {
            let records = task.poll(&mut context).unwrap();
            let mut values = records.iter().map(|it| it.value.value.as_printed());
            values.any(|value| *value == *wanted)
        });
    }
    assert_eq!(stage.target.committed_offset("g", "A.orders", 0), None);
    task.stop().unwrap();
}

/// As Java's scheduler does.
#[test]
fn interval_of_nothing_is_refused_unless_its_job_is_switched_off() {
    let stage = Stage::new();
    let start = |own: &[(&str, &str)]| {
        let (context, _heard) = listening();
        let mut connector = MirrorCheckpointConnector::default();
        let settings = [&[("refresh.groups.interval.seconds", "0")], own].concat();
        let started = connector.start(&stage.settings(&settings), context);
        connector.stop().unwrap();
        started
    };
    let refused = start(&[]).unwrap_err();
    assert_eq!(refused.class(), "java.lang.IllegalArgumentException");
    start(&[("refresh.groups.enabled", "false")]).unwrap();
    start(&[("enabled", "false")]).unwrap();
}
