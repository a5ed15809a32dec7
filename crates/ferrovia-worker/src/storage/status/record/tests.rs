//! Facts about records' bytes: they are those of a Java worker.

use super::*;
use crate::storage::recorded;

#[test]
fn records_of_a_java_worker_are_written_as_they_were_read() {
    for record in recorded::records("statuses") {
        let (key, value) = (record.key.as_bytes(), record.value.as_deref());
        let parsed = StatusRecord::parse(Some(key), value.map(str::as_bytes)).unwrap();
        assert_eq!(parsed.key(), record.key);
        let written = parsed
            .value()
            .map(|value| String::from_utf8(value).unwrap());
        assert_eq!(written.as_deref(), value, "{}", record.key);
    }
}

#[test]
fn destroyed_is_written_as_a_tombstone() {
    let status = Status {
        state: State::Destroyed,
        worker_id: "w:1".into(),
        version: None,
        trace: String::new(),
        generation: 1,
    };
    let record = StatusRecord::Connector {
        name: "c".into(),
        status: Some(status),
    };
    assert_eq!(record.value(), None);
}

#[test]
fn what_java_would_not_take_is_refused() {
    let good = r#"{"state":"RUNNING","trace":null,"worker_id":"w","generation":3}"#;
    let parse =
        |key: &str, value: &str| StatusRecord::parse(Some(key.as_bytes()), Some(value.as_bytes()));
    assert!(parse("status-connector-c", good).is_ok());
    for (key, value) in [
        ("status-connector-", good),
        ("status-task-c", good),
        ("status-task-c-x", good),
        ("status-what", good),
        ("status-topic-t", "{}"),
        ("status-topic-:connector-c", "{}"),
        ("status-topic-t:connector-", "{}"),
        ("status-connector-c", "{"),
        ("status-connector-c", "[]"),
        ("status-connector-c", r#"{"state":"FINE","generation":3}"#),
        ("status-connector-c", r#"{"state":"RUNNING"}"#),
        (
            "status-connector-c",
            r#"{"state":"RUNNING","generation":1.5}"#,
        ),
        (
            "status-connector-c",
            r#"{"state":"RUNNING","generation":1,"trace":{}}"#,
        ),
        (
            "status-topic-t:connector-c",
            r#"{"topic":{"name":"t","connector":"c","task":0}}"#,
        ),
        ("status-topic-t:connector-c", r#"{"topic":[]}"#),
    ] {
        assert!(parse(key, value).is_err(), "{key} {value}");
    }
    assert!(StatusRecord::parse(None, None).is_err());
}
