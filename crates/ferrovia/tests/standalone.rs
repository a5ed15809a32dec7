//! The command line of `connect-standalone`: exit codes and messages, compared with what Kafka's script ended with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use tempfile::TempDir;

#[path = "standalone/process.rs"]
mod process;
#[path = "standalone/with_broker.rs"]
mod with_broker;

use process::{Running, check_end, ferrovia, worker_file};

fn check_worker(lines: &str, text: &str) {
    let folder = TempDir::new().unwrap();
    let file = worker_file(&folder, lines);
    let output = ferrovia()
        .arg("connect-standalone")
        .arg(file)
        .output()
        .unwrap();
    check_end(&output, 2, text);
    let errors = String::from_utf8_lossy(&output.stdout)
        .matches(" ERROR ")
        .count();
    assert_eq!(errors, 1, "one line says it");
}

#[test]
fn wrong_usage_ends_with_1() {
    check_end(
        &ferrovia().arg("connect-standalone").output().unwrap(),
        1,
        "worker.properties",
    );
    check_end(
        &ferrovia()
            .args(["connect-standalone", "--help"])
            .output()
            .unwrap(),
        1,
        "Usage: ferrovia connect-standalone",
    );
    check_end(&ferrovia().output().unwrap(), 1, "Usage:");
}

#[test]
fn a_link_named_connect_standalone_needs_no_command() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("connect-standalone");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ferrovia"), &link).unwrap();
    let output = Command::new(&link)
        .arg("/nonexistent.properties")
        .output()
        .unwrap();
    check_end(
        &output,
        2,
        "/nonexistent.properties: No such file or directory",
    );
}

#[test]
fn a_bad_worker_file_ends_with_2_and_names_the_key() {
    check_worker(
        "offset.flush.interval.ms=abc",
        "Invalid value abc for configuration offset.flush.interval.ms: Not a number of type LONG",
    );
    check_worker(
        "key.converter=NoSuch",
        "Invalid value NoSuch for configuration key.converter: Class NoSuch could not be found.",
    );
    check_worker(
        "x=\\u12",
        "worker.properties:6: malformed \\uxxxx encoding: \\u12",
    );
    check_worker(
        "bootstrap.servers=foo",
        "Invalid url in bootstrap.servers: foo",
    );
    check_worker(
        "bootstrap.servers=nosuchhost.invalid:9092",
        "No resolvable bootstrap urls given in bootstrap.servers: nosuchhost.invalid:9092",
    );
    let empty = ferrovia()
        .args(["connect-standalone", ""])
        .output()
        .unwrap();
    check_end(
        &empty,
        2,
        "Missing required configuration \"bootstrap.servers\"",
    );
}

#[test]
fn default_api_timeout_ms_bounds_the_wait_for_a_broker() {
    check_worker(
        "default.api.timeout.ms=500",
        "Failed to connect to and describe Kafka cluster at 127.0.0.1:1",
    );
}

#[test]
fn a_signal_while_no_broker_answers_ends_the_worker() {
    let folder = TempDir::new().unwrap();
    let file = worker_file(&folder, "");
    let mut worker = Running::start(&file, &[]);
    worker.wait_for("Kafka Connect worker initializing ...");
    // The line before is printed before signals are watched, so one may come too early; then the default ends it.
    worker.signal("TERM");
    let status = worker.end();
    assert!(
        status.code() == Some(143) || status.signal() == Some(15),
        "{status}"
    );
}

#[test]
fn json_lines_are_json() {
    let output = ferrovia()
        .args([
            "connect-standalone",
            "/nonexistent.properties",
            "--log-format",
            "json",
        ])
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    for line in out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    assert!(out.contains("Stopping due to error"), "{out}");
}
