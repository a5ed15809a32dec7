//! Mistakes in files, names and addresses end in one clear message and Java's exit code, never in a panic.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::{Kafka, free_ports};
use ferrovia_tests::lab::Lab;
use ferrovia_tests::process::Process;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};

/// Longer than any timeout that a test sets.
const END_LIMIT: Duration = Duration::from_secs(45);
const FAILED_LIMIT: Duration = Duration::from_secs(30);

/// Exit codes of Java's `ConnectStandalone`.
const BAD_WORKER: i32 = 2;
const BAD_CONNECTOR: i32 = 3;

/// Runs a worker on the given files until it ends by itself, and expects its exit code and that one line of its
/// output holds all of `words`. Java's own words differ, so that it is only held to the exit code.
fn check_ends(worker: &str, connector: &str, code: i32, words: &[&str]) -> io::Result<()> {
    let make = Make::subject();
    let folder = tempfile::tempdir()?;
    let mut command = make.connect_standalone()?;
    for (name, text) in [
        ("worker.properties", worker),
        ("connector.properties", connector),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text)?;
        command.arg(path);
    }
    let mut process = Process::start(command, &folder.path().join("worker.log"))?;
    let ended = process.wait(END_LIMIT);
    let output = process.output();
    assert_eq!(ended?.code(), Some(code), "{output}");
    if make == Make::Ferrovia {
        assert!(!output.contains("panicked"), "{output}");
        assert!(!output.contains("stack backtrace"), "{output}");
        let clear = output
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(clear, "no line with all of {words:?} in:\n{output}");
    }
    Ok(())
}

fn has_subject() -> io::Result<bool> {
    Ok(Make::subject() == Make::Ferrovia || grounds::has_kafka(ORACLE)?)
}

fn good_worker(bootstrap: &str) -> io::Result<Properties> {
    let [port] = free_ports()?;
    Ok(Properties::worker(
        bootstrap,
        port,
        Path::new("/nonexistent"),
    ))
}

fn good_connector() -> Properties {
    Properties::file_sink("n", "t", 1, Path::new("/nonexistent/sink.txt"))
}

#[test]
fn malformed_escape_in_the_worker_file_names_the_file() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let worker = format!("{}bad=\\u00zz\n", good_worker("127.0.0.1:9")?.text());
    check_ends(&worker, "", BAD_WORKER, &["worker.properties"])
}

#[test]
fn missing_converter_names_the_key() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let worker = good_worker("127.0.0.1:9")?.without("value.converter");
    check_ends(&worker.text(), "", BAD_WORKER, &["value.converter"])
}

#[test]
fn missing_offset_file_names_the_key() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let worker = good_worker("127.0.0.1:9")?.without("offset.storage.file.filename");
    check_ends(
        &worker.text(),
        "",
        BAD_WORKER,
        &["offset.storage.file.filename"],
    )
}

#[test]
fn number_that_is_none_names_key_and_value() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let worker = good_worker("127.0.0.1:9")?.with("offset.flush.interval.ms", "often");
    let words = ["offset.flush.interval.ms", "often"];
    check_ends(&worker.text(), "", BAD_WORKER, &words)
}

#[test]
fn malformed_bootstrap_address_is_named() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let worker = good_worker("no-port-here")?;
    check_ends(
        &worker.text(),
        "",
        BAD_WORKER,
        &["bootstrap.servers", "no-port-here"],
    )
}

#[test]
fn unreachable_broker_is_named() -> io::Result<()> {
    if !has_subject()? {
        return Ok(());
    }
    let [port] = free_ports()?;
    let address = format!("127.0.0.1:{port}");
    // The default is a minute.
    let worker = good_worker(&address)?
        .with("default.api.timeout.ms", 3_000)
        .with("request.timeout.ms", 2_000);
    check_ends(
        &worker.text(),
        &good_connector().text(),
        BAD_WORKER,
        &[&address],
    )
}

/// Files that are read only once the broker has answered.
fn check_connector(connector: &str, words: &[&str]) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let worker = good_worker(&Kafka::shared(ORACLE)?.bootstrap())?;
    let folder = tempfile::tempdir()?;
    let worker = worker.with(
        "offset.storage.file.filename",
        folder.path().join("offsets").display(),
    );
    check_ends(&worker.text(), connector, BAD_CONNECTOR, words)
}

#[test]
fn unknown_class_is_named() -> io::Result<()> {
    let connector = good_connector().with("connector.class", "com.example.NoSuchSink");
    check_connector(&connector.text(), &["com.example.NoSuchSink"])
}

#[test]
fn missing_name_names_file_and_key() -> io::Result<()> {
    let connector = good_connector().without("name");
    check_connector(&connector.text(), &["connector.properties", "name"])
}

#[test]
fn missing_topics_names_the_key() -> io::Result<()> {
    let connector = good_connector().without("topics");
    check_connector(&connector.text(), &["topics"])
}

#[test]
fn malformed_escape_in_the_connector_file_names_the_file() -> io::Result<()> {
    check_connector("name=\\uq\n", &["connector.properties"])
}

/// Starts a healthy worker whose task fails, and gives the connector's status once it says so.
fn failed_status(connector: &Properties) -> io::Result<String> {
    let worker = Worker::start(Make::subject(), Kafka::shared(ORACLE)?, connector)?;
    let status = wait::until("a failed task", FAILED_LIMIT, || {
        let body = worker.get("/connectors/n/status")?.body;
        Ok(body.contains("FAILED").then_some(body))
    })?;
    assert!(!worker.output().contains("panicked"), "{}", worker.output());
    Ok(status)
}

#[test]
fn unwritable_file_fails_the_task_and_names_the_file() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    Lab::start(Kafka::shared(ORACLE)?)?.create("unwritable", 1)?;
    let connector = good_connector().with("topics", "unwritable");
    let status = failed_status(&connector)?;
    assert!(status.contains("/nonexistent/sink.txt"), "{status}");
    Ok(())
}

#[test]
fn missing_topic_keeps_the_task_running_until_it_appears() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let connector = Properties::file_sink("n", "late", 1, &file);
    let mut worker = Worker::start_with(Make::subject(), kafka, &connector, |worker| {
        worker.with("consumer.metadata.max.age.ms", 500)
    })?;
    let status = worker.get("/connectors/n/status")?.body;
    assert!(!status.contains("FAILED"), "{status}");
    let mut lab = Lab::start(kafka)?;
    lab.create("late", 1)?;
    lab.put("late", 0, &[Some(b"at last".to_vec())])?;
    worker
        .process()
        .until("the late topic's record", FAILED_LIMIT, || {
            Ok(fs::read(&file).ok().filter(|text| text == b"at last\n"))
        })?;
    Ok(())
}
