//! Leaders that write to the config topic in transactions, Java's and ours in one group: the lead moves both ways while the
//! support of exactly-once sources is prepared and enabled worker by worker, and a leader that stood still writes nothing
//! behind its successor.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use ferrovia_tests::cluster::{Cluster, SETTLE_LIMIT, file_sink, put_config, settled};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::http::Request;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

/// What the sinks of all tests wait for: there is no such topic.
const TOPIC: &str = "led";
/// More than the time after which a silent worker is missed.
const STANDSTILL: Duration = Duration::from_secs(10);

/// A cluster on its way to sources that are exactly once.
fn cluster(kafka: &Kafka, support: &str) -> Cluster {
    Cluster::new(kafka).with("exactly.once.source.support", support)
}

/// The connectors that a worker knows.
fn known(worker: &Worker) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = serde_json::from_str(&worker.get("/connectors")?.body)?;
    names.sort();
    Ok(names)
}

/// Waits until the worker knows these connectors and no others, and that each runs with its one task.
fn until_known(worker: &Worker, wanted: &[&str]) -> io::Result<()> {
    let mut last = (Vec::new(), Value::Null);
    let what = format!("{wanted:?} at {}", worker.port());
    let found = wait::until(&what, SETTLE_LIMIT, || {
        last.0 = known(worker)?;
        let answer = worker.get("/connectors?expand=status")?;
        last.1 = serde_json::from_str(&answer.body)?;
        let runs = |name: &&str| {
            let status = last.1.get(*name).and_then(|one| one.get("status"));
            let of_connector = status.and_then(|status| status.pointer("/connector/state"));
            let of_task = status.and_then(|status| status.pointer("/tasks/0/state"));
            let running = json!("RUNNING");
            (of_connector, of_task) == (Some(&running), Some(&running))
        };
        Ok((last.0 == wanted && wanted.iter().all(runs)).then_some(()))
    });
    found.map_err(|e| io::Error::new(e.kind(), format!("{e}, but {last:?}")))
}

/// A sink that need not have anything to read.
fn create(worker: &Worker, name: &str, folder: &Path) -> io::Result<()> {
    let sink = file_sink(name, TOPIC, 1, &folder.join(name));
    let created = put_config(worker, &sink)?;
    match created.status {
        201 => Ok(()),
        _ => Err(io::Error::other(format!("{name}: {created:?}"))),
    }
}

#[test]
fn no_write_is_lost_while_the_lead_moves_between_java_and_ours() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let preparing = cluster(kafka, "preparing");
    let enabled = preparing
        .clone()
        .with("exactly.once.source.support", "enabled");
    // Java leads, and ours passes on.
    let java = preparing.start(Make::Java)?;
    let ours = preparing.start(Make::subject())?;
    create(&ours, "a", folder)?;
    java.stop()?;
    // Ours leads, and Java passes on.
    create(&ours, "b", folder)?;
    let java = enabled.start(Make::Java)?;
    create(&java, "c", folder)?;
    until_known(&java, &["a", "b", "c"])?;
    settled(&java, &Request::new("DELETE", "/connectors/a"), &[204])?;
    ours.stop()?;
    // Both have the support by now, and Java leads again.
    let ours = enabled.start(Make::subject())?;
    create(&ours, "d", folder)?;
    java.stop()?;
    create(&ours, "e", folder)?;
    let java = enabled.start(Make::Java)?;
    for worker in [&ours, &java] {
        until_known(worker, &["b", "c", "d", "e"])?;
    }
    java.stop()?;
    ours.stop().map(drop)
}

/// A leader of ours stands still until `next` leads, and is asked for a connector meanwhile.
fn standstill(next: Make) -> io::Result<()> {
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let cluster = cluster(kafka, "enabled");
    let sleeper = cluster.start(Make::subject())?;
    let other = cluster.start(next)?;
    create(&sleeper, "a", folder)?;
    until_known(&other, &["a"])?;
    sleeper.stand_still(true)?;
    // The standstill is the scenario, not a wait for something.
    thread::sleep(STANDSTILL);
    create(&other, "b", folder)?;
    let sink = file_sink("late", TOPIC, 1, &folder.join("late"));
    let request = Request::new("PUT", "/connectors/late/config").json(Value::Object(sink));
    let late = thread::scope(|scope| {
        let asked = scope.spawn(|| sleeper.send(&request));
        // The request waits in the system until the worker goes on.
        thread::sleep(Duration::from_secs(1));
        sleeper.stand_still(false)?;
        asked
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the request panicked")))
    })?;
    // What it was told is what is, whichever it heard first: the request, or that it leads no more.
    let wanted: &[&str] = match late.status {
        201 => &["a", "b", "late"],
        409 | 500 => &["a", "b"],
        _ => return Err(io::Error::other(format!("{late:?}"))),
    };
    for worker in [&sleeper, &other] {
        until_known(worker, wanted)?;
    }
    create(&sleeper, "z", folder)?;
    let all = [wanted, &["z"]].concat();
    for worker in [&sleeper, &other] {
        until_known(worker, &all)?;
    }
    other.stop()?;
    sleeper.stop().map(drop)
}

#[test]
fn leader_that_stood_still_writes_nothing_behind_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    standstill(Make::Java)
}

#[test]
fn leader_that_stood_still_writes_nothing_behind_ours() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    standstill(Make::subject())
}
