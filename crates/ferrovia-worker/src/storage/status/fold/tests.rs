//! Facts about the fold of statuses.

use super::*;
use crate::status::TaskId;
use crate::storage::config::ConfigFold;
use crate::storage::recorded;

fn take(fold: &mut StatusFold, key: &str, value: Option<&str>) {
    fold.on_record(Some(key.as_bytes()), value.map(str::as_bytes));
}

fn status(state: State, worker: &str, generation: i32) -> Status {
    Status {
        state,
        worker_id: worker.into(),
        version: None,
        trace: String::new(),
        generation,
    }
}

fn put_task(fold: &mut StatusFold, task: u32, status: Status) {
    let id = TaskId::new("c", task);
    fold.apply(StatusRecord::Task {
        id,
        status: Some(status),
    });
}

#[test]
fn records_of_a_java_worker_come_to_what_it_knew() {
    let mut fold = StatusFold::new();
    for record in recorded::records("statuses") {
        take(&mut fold, &record.key, record.value.as_deref());
    }
    let statuses = fold.statuses();
    let connectors: Vec<&str> = statuses.connectors().map(|name| &**name).collect();
    assert_eq!(connectors, ["sink-1", "src-a", "stopped"]);
    let sink = statuses.connector("sink-1").unwrap();
    assert_eq!((sink.state, sink.generation), (State::Unassigned, 18));
    assert_eq!(sink.version.as_deref(), Some("4.2.0"));
    let topics = statuses
        .topics("sink-1")
        .map(|(name, used)| (&**name, used.task));
    assert_eq!(topics.collect::<Vec<_>>(), [("lines", 0)]);
    assert_eq!(statuses.topics("src-a").count(), 0, "they were reset");
    assert_eq!(statuses.tasks("broken").count(), 0);
    assert_eq!(statuses.tasks("sink-1").count(), 1);
}

#[test]
fn worker_that_gives_a_task_up_does_not_hide_the_next_one() {
    let mut fold = StatusFold::new();
    put_task(&mut fold, 0, status(State::Running, "b", 5));
    put_task(&mut fold, 0, status(State::Unassigned, "a", 5));
    let state = |fold: &StatusFold| fold.statuses().task(&TaskId::new("c", 0)).unwrap().state;
    assert_eq!(state(&fold), State::Running);
    put_task(&mut fold, 0, status(State::Unassigned, "a", 6));
    assert_eq!(state(&fold), State::Unassigned);
    put_task(&mut fold, 0, status(State::Failed, "a", 1));
    assert_eq!(state(&fold), State::Failed);
}

#[test]
fn safe_write_hides_nothing_newer_of_another_worker() {
    let cached = status(State::Running, "b", 5);
    assert!(may_write_safely(None, "a", 0));
    assert!(may_write_safely(Some(&cached), "b", 4));
    assert!(may_write_safely(Some(&cached), "a", 5));
    assert!(!may_write_safely(Some(&cached), "a", 4));
}

#[test]
fn tombstone_of_a_connector_leaves_its_tasks_to_their_own() {
    let mut fold = StatusFold::new();
    put_task(&mut fold, 0, status(State::Running, "a", 1));
    take(
        &mut fold,
        "status-connector-c",
        Some(r#"{"state":"RUNNING","worker_id":"a","generation":1}"#),
    );
    take(&mut fold, "status-connector-c", None);
    assert_eq!(fold.statuses().connector("c"), None);
    assert_eq!(fold.statuses().tasks("c").count(), 1);
    take(&mut fold, "status-task-c-0", None);
    assert_eq!(fold.statuses().tasks("c").count(), 0);
}

#[test]
fn new_leader_buries_what_is_not_configured() {
    let mut configs = ConfigFold::new();
    let properties = Some(&br#"{"properties":{}}"#[..]);
    configs.on_record(0, Some(b"connector-kept"), properties);
    configs.on_record(1, Some(b"task-kept-0"), properties);
    configs.on_record(2, Some(b"commit-kept"), Some(br#"{"tasks":1}"#));
    let mut fold = StatusFold::new();
    let running = Some(r#"{"state":"RUNNING","worker_id":"a","generation":1}"#);
    for key in [
        "status-connector-kept",
        "status-connector-gone",
        "status-task-kept-0",
        "status-task-kept-1",
        "status-task-gone-0",
    ] {
        take(&mut fold, key, running);
    }
    let orphans = fold.orphans(&configs.snapshot());
    let keys: Vec<String> = orphans.iter().map(StatusRecord::key).collect();
    assert_eq!(
        keys,
        [
            "status-task-gone-0",
            "status-task-kept-1",
            "status-connector-gone"
        ]
    );
    assert!(orphans.iter().all(|record| record.value().is_none()));
}

#[test]
fn garbage_changes_nothing() {
    let mut fold = StatusFold::new();
    put_task(&mut fold, 0, status(State::Running, "a", 1));
    let before = fold.statuses().clone();
    for (key, value) in [
        ("x", Some("{}")),
        ("status-task-c-0", Some("7")),
        ("status-connector-c", Some("{")),
    ] {
        take(&mut fold, key, value);
    }
    fold.on_record(None, None);
    fold.on_record(Some(&[0xff]), Some(&[0xff]));
    assert_eq!(*fold.statuses(), before);
}
