//! Workers with exactly-once support read a growing file, and are killed every two seconds or stand still for longer than
//! their transactions may take: who reads what is committed sees each line once, in order.
//!
//! `FERROVIA_CHAOS_SECONDS` says for how long workers are killed.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ferrovia_tests::chase::{self, ARRIVAL_LIMIT, Chase, LIFE};
use ferrovia_tests::cluster::{Cluster, file_source, put_config, settled};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::http::Request;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::lines::Arrivals;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};
use serde_json::{Value, json};

/// How long a transaction may stay open, and less than a worker stands still.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);
const STANDSTILL: Duration = Duration::from_secs(12);

fn cluster(kafka: &Kafka) -> Cluster {
    chase::cluster(kafka).with("exactly.once.source.support", "enabled")
}

/// A source whose transactions are open most of the time.
fn read_file(worker: &Worker, name: &str, file: &Path) -> io::Result<()> {
    let mut source = file_source(name, name, file);
    let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
    let settings = [
        ("exactly.once.support", "required"),
        ("transaction.boundary", "interval"),
        ("producer.override.transaction.timeout.ms", &timeout),
    ];
    for (key, value) in settings {
        source.insert(key.to_owned(), Value::from(value));
    }
    put_config(worker, &source).map(drop)
}

/// Ends the chase: all lines are there, each once and in order, and so is the offset behind them.
fn finish(chase: Chase, cluster: &Cluster, last: &mut Worker, what: &str) -> io::Result<()> {
    let (written, arrivals) = chase.finish(cluster, last)?;
    let exactly_once = Arrivals {
        distinct: written,
        duplicates: 0,
        out_of_order: 0,
    };
    assert_eq!(arrivals, exactly_once);
    writeln!(io::stdout(), "{written} lines, {what}: {arrivals:?}")
}

#[test]
fn kill_9_every_two_seconds_shows_each_line_once() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut chase = Chase::start(kafka, "killed-once", "read_committed")?;
    let cluster = cluster(kafka);
    let worker = cluster.start(Make::subject())?;
    read_file(&worker, "killed-once", &chase.file())?;
    let (mut worker, kills, at_work) = chase.kill_in_turn(&cluster, worker)?;
    finish(
        chase,
        &cluster,
        &mut worker,
        &format!("{kills} kills, {at_work} of workers at work"),
    )?;
    worker.stop().map(drop)
}

#[test]
fn worker_that_wakes_up_behind_its_transaction_is_fenced() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut chase = Chase::start(kafka, "slept", "read_committed")?;
    let cluster = cluster(kafka);
    let sleeper = cluster.start(Make::subject())?;
    read_file(&sleeper, "slept", &chase.file())?;
    chase.until_some()?;
    sleeper.stand_still(true)?;
    let mut other = cluster.launch(Make::subject())?;
    // The standstill is the scenario, not a wait for something.
    thread::sleep(STANDSTILL);
    other.until_healthy()?;
    sleeper.stand_still(false)?;
    // Time for the sleeper to do what it should not.
    thread::sleep(LIFE);
    finish(chase, &cluster, &mut other, "one standstill")?;
    sleeper.stop()?;
    other.stop().map(drop)
}

#[test]
fn next_tasks_begin_where_a_user_has_put_the_offsets() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    fs::write(&file, "one\ntwo\nthree\n")?;
    let mut lab = Lab::start(kafka)?;
    lab.create("reread", 1)?;
    let worker = cluster(kafka).start(Make::subject())?;
    read_file(&worker, "reread", &file)?;
    let mut until_read = |wanted: &[&str]| {
        wait::until(&format!("{wanted:?}"), ARRIVAL_LIMIT, || {
            let read = lab.read_at("reread", "read_committed")?;
            let lines: Vec<_> = read.iter().map(|record| record.value.as_deref()).collect();
            let wanted: Vec<_> = wanted.iter().map(|line| Some(line.as_bytes())).collect();
            Ok((lines == wanted).then_some(()))
        })
    };
    until_read(&["one", "two", "three"])?;
    let ask = |request: Request, wanted| settled(&worker, &request, &[wanted]);
    let at = |rest: &str| format!("/connectors/reread/{rest}");
    let position = |position: u32| {
        json!({"offsets": [{
            "partition": {"filename": file.display().to_string()},
            "offset": {"position": position},
        }]})
    };
    ask(Request::new("PUT", &at("stop")), 204)?;
    ask(Request::new("DELETE", &at("offsets")), 200)?;
    let none = ask(Request::new("GET", &at("offsets")), 200)?;
    assert_eq!(none.body, r#"{"offsets":[]}"#);
    let patch = Request::new("PATCH", &at("offsets"));
    ask(patch.json(position(4)), 200)?;
    let shown = ask(Request::new("GET", &at("offsets")), 200)?;
    let shown: Value = serde_json::from_str(&shown.body)?;
    assert_eq!(shown, position(4));
    ask(Request::new("PUT", &at("resume")), 202)?;
    until_read(&["one", "two", "three", "two", "three"])?;
    worker.stop().map(drop)
}
