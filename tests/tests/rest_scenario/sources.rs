//! A source that is stopped: what is told of it, and its offsets as users set, read and forget them.

use serde_json::{Value, json};

use ferrovia_tests::scenario::Script;

use crate::creation::with;

const CLASS: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const FILE: &str = "/tmp/no-such-folder/lines.txt";

/// A good configuration without a name.
fn source() -> Value {
    json!({"connector.class": CLASS, "topic": "lines", "file": FILE})
}

fn source_with(key: &str, value: impl Into<Value>) -> Value {
    with(source(), key, value)
}

/// Definitions, and good and bad settings.
pub(crate) fn settings(script: &mut Script) {
    script.get(&[
        "/connector-plugins/FileStreamSource/config",
        "/connector-plugins/FileStreamSourceConnector/config?version=latest",
    ]);
    let path = "/connector-plugins/FileStreamSource/config/validate";
    for settings in [
        source_with("name", "v"),
        source(),
        json!({"connector.class": "FileStreamSource", "name": "v"}),
        source_with("topic", ""),
        source_with("batch.size", "x"),
        source_with("exactly.once.support", "required"),
        source_with("transaction.boundary", "connector"),
        source_with("transaction.boundary", "never"),
        source_with("transaction.boundary.interval.ms", "-1"),
        source_with("topic.creation.groups", "a,a"),
        source_with("topic.creation.groups", "a"),
        source_with("offsets.storage.topic", " "),
        source_with("producer.override.linger.ms", "soon"),
        source_with("producer.override.acks", "1"),
        source_with("consumer.override.max.poll.records", "1"),
        source_with("value.converter", "org.example.Missing"),
    ] {
        script.json("PUT", path, settings);
    }
    let post = "/connectors";
    let create = |name: &str, config: Value| json!({"name": name, "config": config});
    script.json("POST", post, create("bad", source_with("topic", "")));
    script.json(
        "POST",
        post,
        create("bad", source_with("transaction.boundary", "never")),
    );
}

fn one(partition: Value, offset: Value) -> Value {
    json!({"offsets": [{"partition": partition, "offset": offset}]})
}

/// The offsets, once they hold this text. Java's worker lists partitions before it reads its topic to the end, so that
/// what was changed a moment ago may be missing there, or be told of with `null`.
fn offsets_with(script: &mut Script, text: &'static str) {
    let path = "/connectors/src/offsets";
    script.until(path, text, move |answer| answer.body.contains(text));
    script.get(&[path]);
}

/// The life of a stopped source.
pub(crate) fn stopped(script: &mut Script) {
    let body = json!({"name": "src", "config": source(), "initial_state": "STOPPED"});
    script.json("POST", "/connectors", body);
    script.until_state("src", "STOPPED", &[]);
    let path = "/connectors/src/offsets";
    script.get(&[
        "/connectors/src",
        "/connectors/src/status",
        "/connectors/src/config",
        "/connectors/src/tasks",
        "/connectors/src/topics",
        path,
    ]);
    let at = || json!({"filename": FILE});
    let to = |position: Value| json!({"position": position});
    for body in [
        json!({}),
        json!({"offsets": []}),
        json!({"offsets": [{}]}),
        one(json!(null), to(json!(1))),
        one(json!({}), to(json!(1))),
        one(json!({"other": 1}), to(json!(1))),
        one(at(), json!({})),
        one(at(), json!({"other": 1})),
        one(at(), to(json!(null))),
        one(at(), to(json!("1"))),
        one(at(), to(json!(1.5))),
        one(at(), to(json!(-1))),
        one(at(), to(json!([1]))),
        one(at(), to(json!({"a": 1}))),
        one(json!({"filename": [FILE]}), to(json!(1))),
        one(at(), to(json!(18_446_744_073_709_551_615_u64))),
    ] {
        script.json("PATCH", path, body);
    }
    script.get(&[path]);
    script.json("PATCH", path, one(at(), to(json!(3))));
    offsets_with(script, "{\"position\":3}");
    let rich = json!({"position": 7, "text": "x\u{e9}\"", "part": 1.5, "none": null, "is": true});
    script.json("PATCH", path, one(at(), rich));
    offsets_with(script, "\"position\":7");
    script.json("PATCH", path, one(json!({"never": "stored"}), json!(null)));
    script.json("PATCH", path, one(at(), json!(null)));
    offsets_with(script, "\"offsets\":[]");
    script.json(
        "PATCH",
        path,
        one(at(), to(json!(9_007_199_254_740_993_i64))),
    );
    script.call("DELETE", path);
    offsets_with(script, "\"offsets\":[]");
    script.call("DELETE", path);
    script.json("PATCH", path, one(at(), to(json!(5))));
    offsets_with(script, "{\"position\":5}");
    // Offsets outlive their connector.
    script.call("DELETE", "/connectors/src");
    script.get(&[path]);
    let body = json!({"name": "src", "config": source(), "initial_state": "STOPPED"});
    script.json("POST", "/connectors", body);
    script.until_state("src", "STOPPED", &[]);
    script.get(&[path]);
    // Standard input has no offsets.
    let body = json!({"connector.class": CLASS, "topic": "lines"});
    script.json("PUT", "/connectors/src/config", body);
    script.json("PATCH", path, one(at(), to(json!(5))));
    script.call("DELETE", path);
    script.get(&[path]);
    script.call("DELETE", "/connectors/src");
}
