//! REST answers of Java's worker and ours, side by side on the same broker: status, content type and body.

use std::io;
use std::time::Duration;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::http::Answer;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};

const RUNNING_LIMIT: Duration = Duration::from_secs(30);

/// A worker with the connector `n`, all of whose tasks run.
fn running(make: Make, topic: &str, folder: &std::path::Path) -> io::Result<Worker> {
    // The file's name must not differ: it is part of the answers. Nothing is ever written to it.
    let connector = Properties::file_sink("n", topic, 2, &folder.join("sink.txt"));
    let worker = Worker::start(make, Kafka::shared(ORACLE)?, &connector)?;
    wait::until("two running tasks", RUNNING_LIMIT, || {
        let status = worker.get("/connectors/n/status")?;
        Ok((status.body.matches("RUNNING").count() == 3).then_some(()))
    })?;
    Ok(worker)
}

/// What must agree: status, content type, and the body without what names the process or its build.
fn comparable(answer: &Answer, port: u16) -> (u16, String, String) {
    let content_type = answer.header("content-type").unwrap_or("none").to_owned();
    let mut body = answer
        .body
        .replace(&format!("127.0.0.1:{port}"), "HOST:PORT");
    if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_str(&body)
        && let Some(commit) = fields.get_mut("commit")
    {
        *commit = "COMMIT".into();
        body = serde_json::Value::Object(fields).to_string();
    }
    (answer.status, content_type, body)
}

fn check_equal(paths: &[&str], topic: &str) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    Lab::start(Kafka::shared(ORACLE)?)?.create(topic, 2)?;
    let folder = tempfile::tempdir()?;
    let java = running(Make::Java, topic, folder.path())?;
    let ours = running(Make::subject(), topic, folder.path())?;
    let mut differences = Vec::new();
    for path in paths {
        let expected = comparable(&java.get(path)?, java.port());
        let got = comparable(&ours.get(path)?, ours.port());
        if expected != got {
            differences.push(format!("{path}\n  java: {expected:?}\n  ours: {got:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[test]
fn answers_about_what_exists_equal_javas() -> io::Result<()> {
    check_equal(
        &[
            "/",
            "/health",
            "/connectors",
            "/connectors/",
            "/connectors?expand=status",
            "/connectors?expand=info",
            "/connectors?expand=info&expand=status",
            "/connectors/n",
            "/connectors/n/status",
            "/connectors/n/config",
            "/connectors/n/tasks",
            "/connectors/n/tasks/0/status",
        ],
        "rest-present",
    )
}

#[test]
fn answers_about_what_is_missing_equal_javas() -> io::Result<()> {
    check_equal(
        &[
            "/nothing",
            "/connectors/other",
            "/connectors/other/status",
            "/connectors/other/config",
            "/connectors/other/tasks",
            "/connectors/n/tasks/7/status",
            "/connectors/n/nothing",
        ],
        "rest-missing",
    )
}
