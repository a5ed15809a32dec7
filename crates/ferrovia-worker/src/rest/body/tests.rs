//! Bodies and Java's words about them, recorded from Kafka Connect 4.2.

use axum::response::IntoResponse;
use http_body_util::BodyExt;

use super::*;

/// The message of an error that is answered with 500, with long names made short.
fn words<T: std::fmt::Debug>(read: Result<T, ApiError>) -> String {
    let response = read.unwrap_err().into_response();
    assert_eq!(response.status(), 500);
    let collected = response.into_body().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let bytes = runtime.block_on(collected).unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let text = body["message"].as_str().unwrap();
    text.replace("org.apache.kafka.connect.runtime.rest.entities", "E")
        .replace(
            " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ",
            "AT ",
        )
}

fn check(cases: &[(&str, &str)], read: impl Fn(&[u8]) -> String) {
    for (body, expected) in cases {
        assert_eq!(read(body.as_bytes()), *expected, "{body}");
    }
}

#[test]
fn scalars_are_settings_and_null_is_kept() {
    let body = br#" {"a":1.50,"b":true,"c":null,"d":"x\n","d":"y"} rest"#;
    let read = settings(body).unwrap().unwrap();
    let text = |key: &str| read[key].clone();
    assert_eq!(text("a").as_deref(), Some("1.50"));
    assert_eq!(text("b").as_deref(), Some("true"));
    assert_eq!(text("c"), None);
    assert_eq!(text("d").as_deref(), Some("y"));
    assert_eq!(settings(b"").unwrap(), None);
    assert_eq!(settings(b" null ").unwrap(), None);
}

#[test]
fn faults_of_settings_are_told_as_jackson_tells_them() {
    check(
        &[
            (
                r#"{"a":{}}"#,
                "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 6] (through reference chain: java.util.LinkedHashMap[\"a\"])",
            ),
            (
                " [1]",
                "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from Array value (token `JsonToken.START_ARRAY`)\nAT line: 1, column: 2]",
            ),
            (
                "\"x\"",
                "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')\nAT line: 1, column: 1]",
            ),
            (
                "{\n\"a\":",
                "Unexpected end-of-input within/between Object entries\nAT line: 2, column: 5]",
            ),
        ],
        |body| words(settings(body)),
    );
    assert!(!words(settings(b"x")).is_empty());
}

#[test]
fn a_request_for_a_connector_is_read() {
    let body = br#"{"name":"c6","name":5,"config":{"a":1},"initial_state":"stopped"}"#;
    let read = create(body).unwrap().unwrap();
    assert_eq!(read.name.as_deref(), Some("5"));
    assert_eq!(read.config.unwrap()["a"].as_deref(), Some("1"));
    assert_eq!(read.initial_state, Some(InitialState::Stopped));
    let body = br#"{"name":null,"config":null,"initial_state":null}"#;
    assert_eq!(create(body).unwrap(), Some(CreateRequest::default()));
    assert_eq!(create(b"null").unwrap(), None);
}

#[test]
fn faults_of_a_request_for_a_connector_are_told_as_jackson_tells_them() {
    check(
        &[
            (
                r#"{"name":"c6","config":[]}"#,
                "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from Array value (token `JsonToken.START_ARRAY`)\nAT line: 1, column: 23] (through reference chain: E.CreateConnectorRequest[\"config\"])",
            ),
            (
                r#"{"name":"c6","config":"x"}"#,
                "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')\nAT line: 1, column: 23] (through reference chain: E.CreateConnectorRequest[\"config\"])",
            ),
            (
                r#"{"name":"c6","config":""}"#,
                "Cannot coerce empty String (\"\") to element of `java.util.LinkedHashMap` (but could if coercion was enabled using `CoercionConfig`)\nAT line: 1, column: 23] (through reference chain: E.CreateConnectorRequest[\"config\"])",
            ),
            (
                r#"{"name":{},"config":{}}"#,
                "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 9] (through reference chain: E.CreateConnectorRequest[\"name\"])",
            ),
            (
                r#"{"name":"c6","config":{"a":[1]}}"#,
                "Cannot deserialize value of type `java.lang.String` from Array value (token `JsonToken.START_ARRAY`)\nAT line: 1, column: 28] (through reference chain: E.CreateConnectorRequest[\"config\"]->java.util.LinkedHashMap[\"a\"])",
            ),
            (
                r#"{"initial_state":"bad"}"#,
                "Cannot construct instance of `E.CreateConnectorRequest$InitialState`, problem: No enum constant E.CreateConnectorRequest.InitialState.BAD\nAT line: 1, column: 18] (through reference chain: E.CreateConnectorRequest[\"initial_state\"])",
            ),
            (
                r#"{"initial_state":{}}"#,
                "Cannot deserialize value of type `E.CreateConnectorRequest$InitialState` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 18] (through reference chain: E.CreateConnectorRequest[\"initial_state\"])",
            ),
            (
                r#"{"config":{},"foo": 1}"#,
                "Unrecognized field \"foo\" (class E.CreateConnectorRequest), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\"])\nAT line: 1, column: 23] (through reference chain: E.CreateConnectorRequest[\"foo\"])",
            ),
            (
                r#"{"name":"n","x":[1], "config":{},"initial_state":null,"z":1}"#,
                "Unrecognized field \"x\" (class E.CreateConnectorRequest), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\"])\nAT line: 1, column: 60] (through reference chain: E.CreateConnectorRequest[\"x\"])",
            ),
            (
                r#"{"name":"n","config":{},"initial_state":null,"z":{"a":1}}"#,
                "Unrecognized field \"z\" (class E.CreateConnectorRequest), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\"])\nAT line: 1, column: 51] (through reference chain: E.CreateConnectorRequest[\"z\"])",
            ),
            (
                "[]",
                "Cannot deserialize value of type `E.CreateConnectorRequest` from Array value (token `JsonToken.START_ARRAY`)\nAT line: 1, column: 1]",
            ),
            (
                "\"x\"",
                "Cannot construct instance of `E.CreateConnectorRequest` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')\nAT line: 1, column: 1]",
            ),
            (
                "5",
                "Cannot construct instance of `E.CreateConnectorRequest` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (5)\nAT line: 1, column: 1]",
            ),
            (
                "\"\"",
                "Cannot coerce empty String (\"\") to `E.CreateConnectorRequest` value (but could if coercion was enabled using `CoercionConfig`)\nAT line: 1, column: 1]",
            ),
        ],
        |body| words(create(body)),
    );
}

#[test]
fn faults_of_offsets_are_told_as_jackson_tells_them() {
    check(
        &[
            (
                r#"{"offsets":{}}"#,
                "Cannot deserialize value of type `java.util.ArrayList<E.ConnectorOffset>` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 12] (through reference chain: E.ConnectorOffsets[\"offsets\"])",
            ),
            (
                r#"{"offsets":[1]}"#,
                "Cannot construct instance of `E.ConnectorOffset` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (1)\nAT line: 1, column: 13] (through reference chain: E.ConnectorOffsets[\"offsets\"]->java.util.ArrayList[0])",
            ),
            (
                r#"{"offsets":[null]}"#,
                "Cannot invoke \"E.ConnectorOffset.partition()\" because \"offset\" is null",
            ),
            (
                r#"{"offsets":[{"partition":1}]}"#,
                "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.Object>` from Integer value (token `JsonToken.VALUE_NUMBER_INT`)\nAT line: 1, column: 26] (through reference chain: E.ConnectorOffsets[\"offsets\"]->java.util.ArrayList[0]->E.ConnectorOffset[\"partition\"])",
            ),
            (
                r#"{"offsets":[{"x":1}]}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffset), not marked as ignorable (2 known properties: \"partition\", \"offset\"])\nAT line: 1, column: 20] (through reference chain: E.ConnectorOffsets[\"offsets\"]->java.util.ArrayList[0]->E.ConnectorOffset[\"x\"])",
            ),
            (
                r#"{"x":1}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 8] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"offsets":[],"unknown":1}"#,
                "Unrecognized field \"unknown\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 26] (through reference chain: E.ConnectorOffsets[\"unknown\"])",
            ),
            (
                r#"{"x":1,"offsets":[],"y":2}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 26] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"x":1,"offsets":[]}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 21] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"offsets":[],"x":"abc"}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 20] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"offsets":[],"x": true }"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 24] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"x":1,"y":[2]}"#,
                "Unrecognized field \"x\" (class E.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\"])\nAT line: 1, column: 16] (through reference chain: E.ConnectorOffsets[\"x\"])",
            ),
            (
                r#"{"offsets":""}"#,
                "Cannot deserialize value of type `java.util.ArrayList<E.ConnectorOffset>` from String value (token `JsonToken.VALUE_STRING`)\nAT line: 1, column: 12] (through reference chain: E.ConnectorOffsets[\"offsets\"])",
            ),
        ],
        |body| words(offsets(body)),
    );
}

#[test]
fn faults_of_tasks_are_told_as_jackson_tells_them() {
    check(
        &[
            (
                "{}",
                "Cannot deserialize value of type `java.util.ArrayList<java.util.Map<java.lang.String,java.lang.String>>` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 1]",
            ),
            (
                r#"[{"a":{}}]"#,
                "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)\nAT line: 1, column: 7] (through reference chain: java.util.ArrayList[0]->java.util.LinkedHashMap[\"a\"])",
            ),
        ],
        |body| words(task_settings(body)),
    );
}

proptest::proptest! {
    #[test]
    fn no_body_brings_the_reader_down(body: Vec<u8>, text in r#"[\[\]{}",:a-c0-9. \\n]{0,40}"#) {
        for body in [body.as_slice(), text.as_bytes()] {
            let _ = create(body);
            let _ = settings(body);
            let _ = offsets(body);
            let _ = task_settings(body);
        }
    }
}
