//! Creating connectors: what is refused, which names are odd, and which states a connector can begin in.

use serde_json::{Value, json};

use ferrovia_tests::cluster::FILE_SINK;
use ferrovia_tests::http::Request;
use ferrovia_tests::scenario::Script;

/// Bytes of a setting that is large, and of one that is too large for our workers.
const LARGE: [usize; 2] = [300_000, 1_200_000];

/// A good configuration without a name; its file lies in the worker's folder.
pub(crate) fn sink(tasks: u32) -> Value {
    json!({
        "connector.class": FILE_SINK,
        "tasks.max": tasks.to_string(),
        "topics": "t",
        "file": "{folder}/sink.txt",
        "consumer.override.auto.offset.reset": "earliest",
    })
}

/// A good configuration with one setting more, or another one.
pub(crate) fn sink_with(key: &str, value: impl Into<Value>) -> Value {
    with(sink(1), key, value)
}

/// An object with one member more, or another one.
pub(crate) fn with(mut object: Value, key: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value.into());
    }
    object
}

/// Requests that create nothing.
pub(crate) fn refused(script: &mut Script) {
    let post = "/connectors";
    for body in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"n\"",
        "{}",
        "{\"name\":\"bad\"}",
        "{\"name\":\"bad\",\"config\":null}",
        "{\"name\":\"bad\",\"config\":[]}",
        "{\"name\":\"bad\",\"config\":\"text\"}",
        "{\"name\":\"bad\",\"config\":{\"a\":{}}}",
        "{\"name\":\"bad\",\"config\":{\"a\":[1]}}",
        "{\"name\":[\"bad\"],\"config\":{}}",
        "{\"name\":\"bad\",\"config\":{},\"unknown\":1}",
        "{\"name\":\"bad\",\"config\":{},}",
        "{\"name\":\"bad\",\"config\":{}",
        "{'name':'bad'}",
    ] {
        script.json("POST", post, body);
    }
    invalid(script);
    script.json("POST", post, with(create(sink(1)), "name", ""));
    script.json(
        "POST",
        post,
        with(create(sink(1)), "initial_state", "SLEEPING"),
    );
    script.json("POST", post, with(create(sink(1)), "initial_state", 1));
    let body = create(sink(1));
    script.ask(Request::new("POST", post).text(&body));
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
    ] {
        script.ask(
            Request::new("POST", post)
                .header("Content-Type", kind)
                .text(&body),
        );
    }
    script.call("POST", post);
    for size in LARGE {
        script.json("POST", post, create(json!({"a": "x".repeat(size)})));
    }
    script.get(&["/connectors"]);
}

fn create(config: Value) -> Value {
    json!({"name": "bad", "config": config})
}

/// Well-formed requests for connectors that cannot be.
fn invalid(script: &mut Script) {
    let post = "/connectors";
    script.json("POST", post, create(json!({})));
    script.json(
        "POST",
        post,
        create(json!({"connector.class": "NoSuchConnector"})),
    );
    script.json("POST", post, create(json!({"connector.class": ""})));
    script.json("POST", post, create(sink_with("name", "other")));
    for (key, value) in [
        ("tasks.max", json!("abc")),
        ("tasks.max", json!(0)),
        ("tasks.max", json!(null)),
        ("topics", json!("")),
        ("topics", json!("t,,u")),
        ("topics.regex", json!("t.*")),
        ("errors.tolerance", json!("some")),
        ("value.converter", json!("org.example.Missing")),
        ("transforms", json!("a")),
        ("transforms", json!("a,a")),
        ("predicates", json!("p")),
        ("errors.deadletterqueue.topic.name", json!("t")),
        ("config.action.reload", json!("maybe")),
        ("consumer.override.max.poll.records", json!("many")),
    ] {
        script.json("POST", post, create(sink_with(key, value)));
    }
}

/// Names that a URL has to escape, and escapes that are none.
pub(crate) fn odd_names(script: &mut Script) {
    let put = |script: &mut Script, name: &str, path: &str| {
        script.json(
            "PUT",
            &format!("/connectors/{path}/config"),
            sink_with("name", name),
        );
        script.until_state(path, "RUNNING", &["RUNNING"]);
        script.get(&[
            &format!("/connectors/{path}"),
            &format!("/connectors/{path}/tasks/0/status"),
        ]);
        script.call("DELETE", &format!("/connectors/{path}"));
        script.until_status(&format!("/connectors/{path}/status"), 404);
    };
    put(script, "two words", "two%20words");
    put(script, "Grüße", "Gr%C3%BC%C3%9Fe");
    put(script, "a+b?c&d", "a+b%3Fc&d");
    script.get(&[
        "/connectors/%",
        "/connectors/%zz",
        "/connectors/%ff",
        "/connectors/a%2Fb",
        "/connectors/a%2Fb/status",
        "/connectors/a%25b/status",
        "/connectors/a%5Cb/status",
        "/connectors/a%7Fb/status",
        "/connectors//status",
        "/connectors/%20/status",
        "/connectors/a%00b/status",
        "/connectors/../connectors",
        "/connectors/n;x=1/status",
    ]);
    script.json(
        "PUT",
        "/connectors/two%20words/config",
        sink_with("name", "three words"),
    );
}

/// The connector `n` with two tasks, and a second one of the same name.
pub(crate) fn accepted(script: &mut Script) {
    let post = "/connectors";
    script.json("POST", post, json!({"name": " n ", "config": sink(2)}));
    script.until_state("n", "RUNNING", &["RUNNING", "RUNNING"]);
    script.json("POST", post, json!({"name": "n", "config": sink(1)}));
    let numbers = with(sink_with("tasks.max", 1), "unknown.setting", true);
    let numbers = with(numbers, "unknown.number", 1.5);
    script.json("POST", post, json!({"config": numbers, "name": "numbers"}));
    script.until_state("numbers", "RUNNING", &["RUNNING"]);
    script.get(&["/connectors/numbers"]);
    script.call("DELETE", "/connectors/numbers");
    script.until_status("/connectors/numbers/status", 404);
}

/// Connectors that begin stopped, paused or running.
pub(crate) fn initial_states(script: &mut Script) {
    for (name, state, seen) in [("s", "stopped", "STOPPED"), ("p", "PAUSED", "PAUSED")] {
        script.json(
            "POST",
            "/connectors",
            json!({"name": name, "config": sink(1), "initial_state": state}),
        );
        script.until_state(name, seen, &[]);
        let path = |rest: &str| format!("/connectors/{name}/{rest}");
        script.get(&[&path(""), &path("status"), &path("tasks"), &path("offsets")]);
        script.call("PUT", &path("resume"));
        script.until_state(name, "RUNNING", &["RUNNING"]);
        script.get(&[&path("status")]);
        script.call("DELETE", &format!("/connectors/{name}"));
        script.until_status(&path("status"), 404);
    }
}
