//! Facts about the fold: against the records of a Java worker, and against what compaction may do to them.

use proptest::prelude::*;

use super::*;
use crate::storage::recorded;

fn take(fold: &mut ConfigFold, offset: i64, key: &str, value: Option<&str>) -> Vec<ConfigChange> {
    fold.on_record(offset, Some(key.as_bytes()), value.map(str::as_bytes))
}

/// A fold that has caught up with these records.
fn folded(records: &[(&str, Option<&str>)]) -> ConfigFold {
    let mut fold = ConfigFold::new();
    for (offset, (key, value)) in (0..).zip(records) {
        take(&mut fold, offset, key, *value);
    }
    fold.catch_up();
    fold
}

const CONNECTOR: &str = r#"{"properties":{"name":"c"}}"#;
const TASK: &str = r#"{"properties":{"n":"1"}}"#;
const OTHER_TASK: &str = r#"{"properties":{"n":"2"}}"#;

fn ids(name: &str, count: u32) -> Vec<TaskId> {
    (0..count).map(|task| TaskId::new(name, task)).collect()
}

#[test]
fn records_of_a_java_worker_come_to_what_it_knew() {
    let mut fold = ConfigFold::new();
    for record in recorded::records("configs") {
        let told = take(
            &mut fold,
            record.offset,
            &record.key,
            record.value.as_deref(),
        );
        assert!(told.is_empty(), "the past is no news");
    }
    let snapshot = fold.snapshot();
    let connectors: Vec<&str> = snapshot.connectors().map(|name| &**name).collect();
    assert_eq!(connectors, ["sink-1", "src-a", "stopped"]);
    assert_eq!(snapshot.offset(), 58);
    assert_eq!(snapshot.tasks("sink-1"), ids("sink-1", 1));
    assert_eq!(snapshot.tasks("src-a"), ids("src-a", 1));
    assert_eq!(snapshot.tasks("stopped"), []);
    assert_eq!(snapshot.tasks("broken"), []);
    let states = ["src-a", "stopped", "paused"].map(|name| snapshot.target_state(name));
    let expected = [Some(TargetState::Started), Some(TargetState::Stopped), None];
    assert_eq!(states, expected);
    assert_eq!(snapshot.task_count_record("src-a"), Some(1));
    assert!(!snapshot.is_fencing_pending("src-a") && snapshot.is_fencing_pending("sink-1"));
    assert_eq!(snapshot.task_config_generation("sink-1"), Some(1));
    assert_eq!(snapshot.task_config_generation("src-a"), Some(2));
    let applied = snapshot.applied_config("sink-1").unwrap();
    assert_eq!(
        applied.get("file").map(String::as_str),
        Some("/data/out2.txt")
    );
    let task = snapshot.task_config(&TaskId::new("sink-1", 0)).unwrap();
    assert_eq!(task.get("file"), applied.get("file"));
    let key = snapshot.session_key().unwrap();
    assert_eq!((key.key.len(), &*key.algorithm), (32, "HmacSHA256"));
    assert_eq!(key.created_ms, 1_795_439_997_107);
    assert_eq!(snapshot.inconsistent_connectors().count(), 0);
}

#[test]
fn commit_applies_what_was_staged_and_says_so() {
    let mut fold = folded(&[("connector-c", Some(CONNECTOR)), ("task-c-0", Some(TASK))]);
    assert_eq!(fold.snapshot().tasks("c"), []);
    assert_eq!(take(&mut fold, 2, "task-c-1", Some(TASK)), []);
    let before = fold.snapshot();
    let told = take(&mut fold, 3, "commit-c", Some(r#"{"tasks":2}"#));
    let expected = ConfigChange::TasksChanged {
        connector: "c".into(),
        tasks: ids("c", 2),
    };
    assert_eq!(told, [expected]);
    assert_eq!(fold.snapshot().tasks("c"), ids("c", 2));
    assert_eq!(fold.snapshot().task_config_generation("c"), Some(0));
    assert_eq!((before.tasks("c"), before.offset()), (vec![], 3));
}

#[test]
fn commit_of_incomplete_settings_makes_inconsistent_until_a_complete_one() {
    let mut fold = folded(&[
        ("connector-c", Some(CONNECTOR)),
        ("task-c-1", Some(TASK)),
        ("commit-c", Some(r#"{"tasks":2}"#)),
    ]);
    let snapshot = fold.snapshot();
    assert!(snapshot.is_inconsistent("c"));
    assert_eq!((snapshot.tasks("c"), snapshot.task_count("c")), (vec![], 2));
    assert_eq!(snapshot.applied_config("c"), None);
    // What was staged then does not count later.
    take(&mut fold, 3, "task-c-0", Some(TASK));
    take(&mut fold, 4, "commit-c", Some(r#"{"tasks":2}"#));
    assert!(fold.snapshot().is_inconsistent("c"));
    take(&mut fold, 5, "task-c-0", Some(TASK));
    take(&mut fold, 6, "task-c-1", Some(OTHER_TASK));
    take(&mut fold, 7, "commit-c", Some(r#"{"tasks":2}"#));
    assert!(!fold.snapshot().is_inconsistent("c"));
    assert_eq!(fold.snapshot().tasks("c"), ids("c", 2));
}

#[test]
fn settings_beyond_the_count_that_compaction_left_do_no_harm() {
    let fold = folded(&[
        ("connector-c", Some(CONNECTOR)),
        ("task-c-1", Some(TASK)),
        ("task-c-0", Some(TASK)),
        ("commit-c", Some(r#"{"tasks":1}"#)),
    ]);
    assert!(!fold.snapshot().is_inconsistent("c"));
    assert_eq!(fold.snapshot().tasks("c"), ids("c", 1));
}

#[test]
fn commit_of_an_unknown_connector_is_ignored() {
    let mut fold = folded(&[("task-c-0", Some(TASK))]);
    assert_eq!(take(&mut fold, 1, "commit-c", Some(r#"{"tasks":1}"#)), []);
    assert_eq!(fold.snapshot().task_count("c"), 0);
    take(&mut fold, 2, "connector-c", Some(CONNECTOR));
    take(&mut fold, 3, "commit-c", Some(r#"{"tasks":1}"#));
    assert!(fold.snapshot().is_inconsistent("c"), "staged settings went");
}

#[test]
fn target_state_is_news_only_where_it_changes() {
    let mut fold = folded(&[("connector-c", Some(CONNECTOR))]);
    let changed = [ConfigChange::TargetChanged("c".into())];
    let paused = r#"{"state":"PAUSED"}"#;
    let stopped = r#"{"state":"PAUSED","state.v2":"STOPPED"}"#;
    assert_eq!(
        fold.snapshot().target_state("c"),
        Some(TargetState::Started)
    );
    let started = r#"{"state":"STARTED","state.v2":"STARTED"}"#;
    assert_eq!(take(&mut fold, 1, "target-state-c", Some(started)), []);
    assert_eq!(take(&mut fold, 2, "target-state-c", Some(paused)), changed);
    assert_eq!(fold.snapshot().target_state("c"), Some(TargetState::Paused));
    assert_eq!(take(&mut fold, 3, "target-state-c", Some(stopped)), changed);
    assert_eq!(
        fold.snapshot().target_state("c"),
        Some(TargetState::Stopped)
    );
    // A second field of the wrong type is as none.
    let odd = r#"{"state":"PAUSED","state.v2":7,"more":[]}"#;
    assert_eq!(take(&mut fold, 4, "target-state-c", Some(odd)), changed);
    assert_eq!(take(&mut fold, 5, "target-state-c", None), []);
    assert_eq!(
        fold.snapshot().target_state("c"),
        Some(TargetState::Started)
    );
    assert_eq!(take(&mut fold, 6, "target-state-x", Some(paused)), []);
    assert_eq!(fold.snapshot().target_state("x"), Some(TargetState::Paused));
    take(&mut fold, 7, "target-state-x", None);
    assert_eq!(fold.snapshot().target_state("x"), None);
}

#[test]
fn requests_count_only_once_the_history_is_read() {
    let restart = r#"{"include-tasks":true,"only-failed":1}"#;
    let mut fold = ConfigFold::new();
    assert_eq!(take(&mut fold, 0, "restart-connector-c", Some(restart)), []);
    let level = Some(r#"{"level":"DEBUG"}"#);
    assert_eq!(take(&mut fold, 1, "logger-cluster-a.b", level), []);
    fold.catch_up();
    let request = RestartRequest {
        connector: "c".into(),
        only_failed: false,
        include_tasks: true,
    };
    assert_eq!(
        take(&mut fold, 2, "restart-connector-c", Some(restart)),
        [ConfigChange::Restart(request)]
    );
    let expected = ConfigChange::LoggerLevel {
        namespace: "a.b".into(),
        level: "DEBUG".to_owned(),
    };
    assert_eq!(take(&mut fold, 3, "logger-cluster-a.b", level), [expected]);
    assert_eq!(fold.snapshot().offset(), 4);
}

/// Java notes the offset after it has converted the value, and before it looks into it.
#[test]
fn offset_counts_all_records_but_those_that_are_no_json() {
    let mut fold = folded(&[]);
    assert_eq!(fold.snapshot().offset(), ConfigSnapshot::NO_OFFSET);
    for (offset, key, value, after) in [
        (0, "what", Some("{}"), 1),
        (1, "commit-c", Some("{"), 1),
        (2, "commit-c", Some("[]"), 3),
        (3, "task-c", Some(TASK), 4),
        (4, "session-key", Some(r#"{"key":"?","algorithm":"A"}"#), 5),
        (5, "session-key", None, 6),
        (6, "connector-c", Some(r#"{"properties":{"a":1}}"#), 7),
        (7, "commit-c", Some(r#"{"tasks":-1}"#), 8),
        (8, "logger-cluster-a", Some(r#"{"level":null}"#), 9),
        (9, "tasks-fencing-c", Some(r#"{"task-count":1.5}"#), 10),
    ] {
        assert_eq!(take(&mut fold, offset, key, value), [], "{key}");
        assert_eq!(fold.snapshot().offset(), after, "{key}");
    }
    assert_eq!(fold.on_record(10, None, Some(b"{}")), []);
    assert_eq!(fold.snapshot().connectors().count(), 0);
}

#[test]
fn no_secret_is_in_debug_output() {
    let fold = folded(&[
        (
            "connector-c",
            Some(r#"{"properties":{"password":"s3cret"}}"#),
        ),
        ("task-c-0", Some(r#"{"properties":{"password":"s3cret"}}"#)),
        (
            "session-key",
            Some(r#"{"key":"czNjcmV0","algorithm":"A","creation-timestamp":1}"#),
        ),
    ]);
    let shown = format!("{fold:?} {:?}", fold.snapshot().session_key());
    assert!(
        !shown.contains("s3cret") && !shown.contains("czNjcmV0"),
        "{shown}"
    );
    assert!(!shown.contains("115, 51, 99"), "{shown}");
}

/// What a leader writes: whole lists of settings with their commit, and everything else in between.
fn history() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    let name = prop::sample::select(vec!["a", "b", "a-1"]);
    let properties = |n: u8| Some(format!("{{\"properties\":{{\"n\":\"{n}\"}}}}"));
    let step =
        (name, 0_u8..8, 0_u8..4, any::<u8>()).prop_map(move |(name, what, count, n)| match what {
            0 => vec![
                (format!("connector-{name}"), None),
                (format!("target-state-{name}"), None),
            ],
            1 | 2 => vec![(format!("connector-{name}"), properties(n))],
            3 => {
                let state = ["STARTED", "PAUSED", "STOPPED"][usize::from(n % 3)];
                let value = format!("{{\"state\":\"PAUSED\",\"state.v2\":\"{state}\"}}");
                vec![(format!("target-state-{name}"), Some(value))]
            }
            4 => {
                let value = format!("{{\"task-count\":{count}}}");
                vec![(format!("tasks-fencing-{name}"), Some(value))]
            }
            _ => {
                let settings = |task| (format!("task-{name}-{task}"), properties(n));
                let mut records: Vec<_> = (0..count).map(settings).collect();
                let commit = Some(format!("{{\"tasks\":{count}}}"));
                records.push((format!("commit-{name}"), commit));
                records
            }
        });
    prop::collection::vec(step, 0..20).prop_map(|steps| steps.concat())
}

fn fold_of<'r>(
    records: impl IntoIterator<Item = (i64, &'r (String, Option<String>))>,
) -> ConfigSnapshot {
    let mut fold = ConfigFold::new();
    for (offset, (key, value)) in records {
        take(&mut fold, offset, key, value.as_deref());
    }
    fold.snapshot()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A worker that reads a compacted topic knows the same connectors and states as one that has read it all, and the
    /// same tasks of those connectors that it does not find inconsistent.
    #[test]
    fn compaction_hides_nothing_but_what_is_called_inconsistent(
        records in history(),
        kept in prop::collection::vec(any::<bool>(), 100),
    ) {
        let full = fold_of((0..).zip(&records));
        let is_newest = |at: usize| {
            let (key, _) = &records[at];
            !records[at + 1..].iter().any(|(later, _)| later == key)
        };
        let places = 0..records.len();
        let left = places.filter(|at| is_newest(*at) || kept.get(*at).copied().unwrap_or(true));
        let compacted = fold_of(left.map(|at| (i64::try_from(at).unwrap(), &records[at])));
        prop_assert_eq!(compacted.offset(), full.offset());
        prop_assert_eq!(&compacted.state.connectors, &full.state.connectors);
        prop_assert_eq!(&compacted.state.target_states, &full.state.target_states);
        prop_assert_eq!(&compacted.state.task_count_records, &full.state.task_count_records);
        for name in full.connectors() {
            // A commit that now comes before its connector's settings is ignored: the connector makes its tasks anew.
            if compacted.is_inconsistent(name) || compacted.applied_config(name).is_none() {
                continue;
            }
            // A deleted connector's tasks are forgotten; one of its name that comes later may find their records.
            for id in full.tasks(name) {
                prop_assert_eq!(compacted.task_config(&id), full.task_config(&id));
            }
        }
    }

    #[test]
    fn garbage_changes_nothing_but_the_offset(
        records in history(),
        keys in prop::collection::vec("[a-z-]{0,12}|(task|commit|connector|target-state)-[ab]", 100),
        values in prop::collection::vec(prop::sample::select(vec![
            "{", "7", "[]", "\"x\"", "{}", "{\"properties\":7}", "{\"tasks\":\"1\"}", "{\"state\":{}}",
            "{\"properties\":{\"a\":[]}}", "{\"state\":\"FINE\"}",
        ]), 100),
    ) {
        let clean = fold_of((0..).zip(&records));
        let mut fold = ConfigFold::new();
        fold.catch_up();
        for (at, (key, value)) in records.iter().enumerate() {
            take(&mut fold, 1, key, value.as_deref());
            let garbage = (keys[at % 100].as_str(), values[at % 100]);
            prop_assert_eq!(take(&mut fold, 1, garbage.0, Some(garbage.1)), []);
        }
        let mut dirty = ConfigState::clone(&fold.state);
        dirty.offset = clean.offset();
        prop_assert!(dirty == *clean.state);
    }

    #[test]
    fn any_bytes_are_survived(key in prop::collection::vec(any::<u8>(), 0..40), value in any::<Option<Vec<u8>>>()) {
        let mut fold = ConfigFold::new();
        fold.on_record(i64::MAX, Some(&key), value.as_deref());
        fold.snapshot();
    }
}
