//! Requests that change nothing, loggers' levels aside.

use serde_json::json;

use ferrovia_tests::http::Request;
use ferrovia_tests::scenario::Script;

/// What a worker says that has no connectors.
pub(crate) fn without_connectors(script: &mut Script) {
    script.get(&[
        "/",
        "/?x=1",
        "/health",
        "/health/",
        "/connectors",
        "/connectors/",
        "/connectors?expand=status",
        "/connectors?expand=info&expand=status",
        "/connectors?expand=nonsense",
        "/nothing",
        "/connectors/none/nothing",
        "/connectors/none/tasks-config",
        "/connector-plugins",
        "/connector-plugins?connectorsOnly=true",
        "/connector-plugins?connectorsOnly=false",
        "/connector-plugins?connectorsOnly=perhaps",
        "/connector-plugins/FileStreamSink/config",
        "/connector-plugins/FileStreamSinkConnector/config",
        "/connector-plugins/org.apache.kafka.connect.file.FileStreamSinkConnector/config",
        "/connector-plugins/FileStreamSink/config?version=latest",
        "/connector-plugins/FileStreamSink/config?version=%5B1",
        "/connector-plugins/NoSuchPlugin/config",
        "/connector-plugins/org.example.NoSuchPlugin/config",
        "/connector-plugins/",
    ]);
    for (method, path) in [
        ("HEAD", "/"),
        ("HEAD", "/connectors"),
        ("OPTIONS", "/connectors"),
        ("POST", "/"),
        ("DELETE", "/connectors"),
        ("PUT", "/connectors"),
        ("PATCH", "/connectors"),
        ("POST", "/health"),
        ("DELETE", "/connector-plugins"),
        ("GET", "/connector-plugins/FileStreamSink/config/validate"),
        ("PUT", "/connectors/none"),
        ("DELETE", "/connectors/none/status"),
        ("GET", "/connectors/none/restart"),
        ("GET", "/connectors/none/pause"),
    ] {
        script.call(method, path);
    }
    for accept in [
        "text/plain",
        "application/xml",
        "application/json",
        "*/*;q=0.1",
    ] {
        script.ask(Request::get("/connectors").header("Accept", accept));
    }
}

/// What a worker says about the connector `n`, a sink of two tasks.
pub(crate) fn with_connectors(script: &mut Script) {
    script.get(&[
        "/connectors",
        "/connectors?expand=status",
        "/connectors?expand=info",
        "/connectors?expand=info&expand=status",
        "/connectors?expand=status&expand=nonsense",
        "/connectors?expand=nonsense",
        "/connectors/n",
        "/connectors/n/",
        "/connectors/%6e",
        "/connectors/n/config",
        "/connectors/n/status",
        "/connectors/n/tasks",
        "/connectors/n/tasks/0/status",
        "/connectors/n/tasks/1/status",
        "/connectors/n/tasks/2/status",
        "/connectors/n/tasks/-1/status",
        "/connectors/n/tasks/x/status",
        "/connectors/n/tasks/99999999999/status",
        "/connectors/n/tasks/0",
        "/connectors/N/status",
        "/connectors/other",
        "/connectors/other/config",
        "/connectors/other/status",
        "/connectors/other/tasks",
        "/connectors/other/topics",
        "/connectors/other/offsets",
    ]);
    script.until("/connectors/n/topics", "the topic in use", |answer| {
        answer.body.contains("\"t\"")
    });
    script.get(&["/connectors/n/topics"]);
    script.call("PUT", "/connectors/n/topics/reset");
    script.call("GET", "/connectors/n/topics/reset");
    script.until("/connectors/n/topics", "no topic in use", |answer| {
        !answer.body.contains("\"t\"")
    });
    script.get(&["/connectors/n/topics"]);
}

/// Levels of loggers, of one worker and of the cluster.
pub(crate) fn loggers(script: &mut Script) {
    let connect = "/admin/loggers/org.apache.kafka.connect.runtime.tests";
    script.get(&["/admin/loggers/no.such.logger", connect]);
    script.json("PUT", connect, json!({"level": "DEBUG"}));
    script.get(&[connect]);
    script.json("PUT", connect, json!({"level": "trace"}));
    script.get(&[connect]);
    script.json("PUT", connect, json!({"level": "LOUD"}));
    script.json("PUT", connect, json!({"level": ""}));
    script.json("PUT", connect, json!({"level": null}));
    script.json("PUT", connect, json!({}));
    script.json("PUT", connect, json!({"level": 5}));
    script.json("PUT", connect, json!({"nothing": "DEBUG"}));
    script.json("PUT", connect, json!(["DEBUG"]));
    script.json("PUT", connect, "{");
    script.call("PUT", connect);
    script.call("DELETE", connect);
    let scope = |scope: &str| format!("{connect}?scope={scope}");
    script.json("PUT", &scope("worker"), json!({"level": "INFO"}));
    script.json("PUT", &scope("galaxy"), json!({"level": "INFO"}));
    script.json("PUT", &scope("cluster"), json!({"level": "WARN"}));
    script.until(connect, "the cluster's level", |answer| {
        answer.body.contains("WARN")
    });
    script.get(&[connect]);
    script.json("PUT", &scope("cluster"), json!({"level": "LOUD"}));
}
