//! Changing, pausing, stopping, restarting and deleting connectors.

use serde_json::json;

use ferrovia_tests::http::Request;
use ferrovia_tests::scenario::Script;

use crate::Mode;
use crate::creation::{sink, sink_with};

/// Changes of connectors and tasks that do not exist.
pub(crate) fn of_missing_connectors(script: &mut Script, mode: Mode) {
    for (method, path) in [
        ("DELETE", "/connectors/none"),
        ("PUT", "/connectors/none/pause"),
        ("PUT", "/connectors/none/resume"),
        ("PUT", "/connectors/none/stop"),
        ("POST", "/connectors/none/restart?includeTasks=true"),
        ("POST", "/connectors/none/restart?onlyFailed=true"),
        ("POST", "/connectors/none/restart"),
        ("POST", "/connectors/none/restart?includeTasks=maybe"),
        ("POST", "/connectors/none/tasks/0/restart"),
        ("POST", "/connectors/none/tasks/x/restart"),
        ("PUT", "/connectors/none/topics/reset"),
        ("DELETE", "/connectors/none/offsets"),
    ] {
        script.call(method, path);
    }
    script.json("PATCH", "/connectors/none/config", json!({"a": "b"}));
    script.json("PATCH", "/connectors/none/offsets", json!({"offsets": []}));
    // Of the internal endpoints only the refusal can be compared: a signature needs the cluster's key.
    if mode == Mode::Distributed {
        script.json("POST", "/connectors/none/tasks", json!([]));
        script.call("PUT", "/connectors/none/fence");
        let signed = |algorithm: &str| {
            Request::new("POST", "/connectors/none/tasks")
                .header("X-Connect-Authorization", "c2lnbmF0dXJl")
                .header("X-Connect-Request-Signature-Algorithm", algorithm)
                .json("[]")
        };
        script.ask(signed("HmacSHA256"));
        script.ask(signed("HmacMD5"));
        script.ask(signed("HmacMD9"));
    }
}

/// Waits until `n` and its tasks run as they were asked to last. An answer comes before what it is the answer to is done,
/// and states tell of what was before; what is asked for later is done later. A connector that waits names no tasks, so
/// it may wait only when it has as many as it should.
fn settled(script: &mut Script, tasks: usize) {
    script.until_state("n", "RUNNING", &vec!["RUNNING"; tasks]);
    script.call("PUT", "/connectors/n/pause");
    script.until_state("n", "PAUSED", &vec!["PAUSED"; tasks]);
    script.call("PUT", "/connectors/n/resume");
    script.until_state("n", "RUNNING", &vec!["RUNNING"; tasks]);
}

/// PUT and PATCH of the configuration of `n`.
pub(crate) fn of_configurations(script: &mut Script) {
    let path = "/connectors/n/config";
    script.json("PUT", path, sink_with("tasks.max", "many"));
    script.json("PUT", path, sink_with("name", "other"));
    for body in ["", "{", "null", "[]", "{}", "{\"a\":{}}"] {
        script.json("PUT", path, body);
    }
    script.ask(
        Request::new("PUT", path)
            .header("Content-Type", "text/plain")
            .text("{}"),
    );
    script.json("PATCH", path, json!({"tasks.max": "many"}));
    script.json("PATCH", path, json!({"name": "other"}));
    for body in ["", "{", "null", "[]", "{\"a\":{}}"] {
        script.json("PATCH", path, body);
    }
    script.json("PUT", path, sink(1));
    settled(script, 1);
    script.get(&[
        "/connectors/n/config",
        "/connectors/n/status",
        "/connectors/n/tasks",
    ]);
    script.json(
        "PATCH",
        path,
        json!({"tasks.max": "2", "errors.tolerance": "all"}),
    );
    settled(script, 2);
    script.get(&["/connectors/n/config", "/connectors/n/tasks"]);
    script.json(
        "PATCH",
        path,
        json!({"errors.tolerance": null, "not.there": null}),
    );
    settled(script, 2);
    script.get(&["/connectors/n/config", "/connectors/n"]);
    // A task that cannot work: its file is a folder.
    script.json("PUT", path, sink_with("file", "{folder}"));
    script.until_state("n", "RUNNING", &["FAILED"]);
    script.call(
        "POST",
        "/connectors/n/restart?includeTasks=true&onlyFailed=true",
    );
    script.until_state("n", "RUNNING", &["FAILED"]);
    script.json("PUT", path, sink(2));
    settled(script, 2);
}

/// Pause, resume, stop and restart of `n`, which ends stopped.
pub(crate) fn of_states(script: &mut Script, mode: Mode) {
    let status = "/connectors/n/status";
    let two = |state| [state, state];
    let put = |script: &mut Script, verb: &str| {
        script.call("PUT", &format!("/connectors/n/{verb}"));
    };
    put(script, "pause");
    script.until_state("n", "PAUSED", &two("PAUSED"));
    script.get(&[status, "/connectors/n/tasks/0/status"]);
    put(script, "pause");
    script.call("POST", "/connectors/n/restart");
    script.until_state("n", "PAUSED", &two("PAUSED"));
    put(script, "resume");
    script.until_state("n", "RUNNING", &two("RUNNING"));
    put(script, "resume");
    for query in [
        "",
        "?includeTasks=false&onlyFailed=false",
        "?includeTasks=true",
        "?includeTasks=true&onlyFailed=true",
        "?onlyFailed=true",
        "?includeTasks=nonsense",
    ] {
        script.call("POST", &format!("/connectors/n/restart{query}"));
        settled(script, 2);
    }
    // Java's standalone worker makes tasks that do not exist of such requests, which then fail.
    let missing: &[&str] = match mode {
        Mode::Standalone => &[],
        Mode::Distributed => &["2", "-1"],
    };
    for task in ["0", "1", "x"].iter().chain(missing) {
        script.call("POST", &format!("/connectors/n/tasks/{task}/restart"));
        script.until_state("n", "RUNNING", &two("RUNNING"));
    }
    for forward in ["true", "false"] {
        script.call("POST", &format!("/connectors/n/restart?forward={forward}"));
        script.until_state("n", "RUNNING", &two("RUNNING"));
    }
    script.json("PATCH", "/connectors/n/offsets", json!({"offsets": []}));
    script.call("DELETE", "/connectors/n/offsets");
    put(script, "stop");
    script.until_state("n", "STOPPED", &[]);
    script.get(&[
        status,
        "/connectors/n",
        "/connectors/n/tasks",
        "/connectors?expand=info",
    ]);
    put(script, "stop");
    if mode == Mode::Distributed {
        script.call("POST", "/connectors/n/tasks/0/restart");
        script.get(&["/connectors/n/tasks/0/status"]);
    }
}

/// Deletes `n` twice.
pub(crate) fn deletions(script: &mut Script) {
    script.ask(Request::new("DELETE", "/connectors/n").json("{}"));
    script.until_status("/connectors/n/status", 404);
    script.call("DELETE", "/connectors/n");
    script.get(&[
        "/connectors",
        "/connectors/n",
        "/connectors/n/config",
        "/connectors/n/topics",
    ]);
}
