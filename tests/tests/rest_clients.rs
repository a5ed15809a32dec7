//! Clients of Connect's REST interface that users have run unchanged against our workers: one in Java, one in Python.
//!
//! They are fetched by the tools of their languages, once, into the folder that holds Kafka as well.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ferrovia_tests::cluster::Cluster;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::worker::Make;

/// The last line of a client that has done everything.
const DONE: &str = "all done";

fn clients() -> PathBuf {
    grounds::root().join("tests/clients")
}

/// Runs a program to its end and fails unless it succeeds.
fn run(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(io::Error::other(format!("{command:?}: {output:?}")))
}

/// Whether a tool can be run at all. Where it cannot, the terminal is told; with `CI=true` that is an error.
fn has(tool: &str) -> io::Result<bool> {
    let found = Command::new(tool).arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Ok(true);
    }
    if env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(io::Error::other(format!("{tool} is missing")));
    }
    writeln!(
        io::stderr(),
        "SKIPPED, NOT PASSED: a REST client: {tool} is missing"
    )?;
    Ok(false)
}

/// A folder that `fill` has filled, now or in an earlier run. A half-filled one is filled again.
fn fetched(name: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
    let folder = grounds::cache().join(name);
    let complete = folder.join(".complete");
    if !complete.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fill(&folder)?;
        fs::write(complete, "")?;
    }
    Ok(folder)
}

/// Runs a client, which gets a worker's URL, a topic and a file, and demands that it has done everything.
fn check(topic: &str, mut client: Command) -> io::Result<()> {
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    lab.create(topic, 2)?;
    lab.produce(&Load::text(topic, 2, 100))?;
    let cluster = Cluster::new(kafka).with("consumer.auto.offset.reset", "earliest");
    let worker = cluster.start(Make::subject())?;
    let file = worker.folder().join("sink.txt");
    let url = format!("http://127.0.0.1:{}", worker.port());
    let output = run(client.args([OsStr::new(&url), OsStr::new(topic), file.as_os_str()]))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.lines().last(), Some(DONE), "{output:?}");
    Ok(())
}

#[test]
fn kafka_connect_client_of_java_runs_unchanged() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? || !has("mvn")? {
        return Ok(());
    }
    let folder = fetched("java-client", |folder| {
        let libs = format!("-DoutputDirectory={}", folder.join("libs").display());
        let mut fetch = Command::new("mvn");
        fetch
            .args(["-q", "-B", "-f"])
            .arg(clients().join("java-client.xml"));
        fetch.args([
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            &libs,
        ]);
        run(&mut fetch).map(drop)
    })?;
    let mut client = Command::new("java");
    client
        .arg("-cp")
        .arg(format!("{}/libs/*", folder.display()));
    client.arg(clients().join("Client.java"));
    check("from-java", client)
}

#[test]
fn kafka_connect_py_runs_unchanged() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? || !has("python3")? {
        return Ok(());
    }
    let folder = fetched("python-client", |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut fetch = Command::new(folder.join("bin/pip"));
        fetch
            .args(["install", "-q", "-r"])
            .arg(clients().join("python-client.txt"));
        run(&mut fetch).map(drop)
    })?;
    let mut client = Command::new(folder.join("bin/python"));
    client.arg(clients().join("client.py"));
    check("from-python", client)
}
