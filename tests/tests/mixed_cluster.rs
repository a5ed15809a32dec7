//! Java's workers and ours in one group: either leads, requests are forwarded both ways, and a cluster moves from Java to
//! ours and back while records flow.
//!
//! The first member of a group leads it.

use std::io;

use serde_json::{Value, json};

use ferrovia_tests::cluster::{Cluster, SETTLE_LIMIT, file_sink, put_config, settled, until_seen};
use ferrovia_tests::drains::{Drains, until_members};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::http::Request;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

/// Sinks whose records are counted.
const DRAINS: usize = 3;
/// What a Java worker's log says of each assignment before the leader's URL.
const LEADER: &str = "leaderUrl='http://127.0.0.1:";

/// The REST port of the leader of the group, as the log of a Java worker names it last.
fn leader(java: &Worker) -> Option<u16> {
    let log = java.output();
    let (_, rest) = log.rsplit_once(LEADER)?;
    rest.split('/').next()?.parse().ok()
}

/// Waits until the worker at `port` leads.
fn until_leads(java: &Worker, port: u16) -> io::Result<()> {
    let what = format!("the leader at {port}");
    wait::until(&what, SETTLE_LIMIT, || {
        Ok((leader(java) == Some(port)).then_some(()))
    })
}

fn ask(worker: &Worker, method: &str, path: &str, wanted: u16) -> io::Result<()> {
    settled(worker, &Request::new(method, path), &[wanted]).map(drop)
}

/// Waits until every worker says that a connector and its tasks are in these states.
fn until_everywhere(
    workers: &[Worker],
    name: &str,
    connector: &str,
    tasks: &[&str],
) -> io::Result<()> {
    let wanted = json!({"connector": connector, "tasks": tasks});
    for worker in workers {
        let mut last = Value::Null;
        let what = format!("{wanted} of {name} at {}", worker.port());
        let found = wait::until(&what, SETTLE_LIMIT, || {
            let answer = worker.get(&format!("/connectors/{name}/status"))?;
            let status: Value = serde_json::from_str(&answer.body)?;
            last = states(&status).unwrap_or(status);
            Ok((last == wanted).then_some(()))
        });
        found.map_err(|e| io::Error::new(e.kind(), format!("{e}, but {last}")))?;
    }
    Ok(())
}

fn states(status: &Value) -> Option<Value> {
    let connector = status.get("connector")?.get("state")?;
    let tasks = status.get("tasks")?.as_array()?.iter();
    let tasks: Vec<_> = tasks.filter_map(|task| task.get("state")).collect();
    Some(json!({"connector": connector, "tasks": tasks}))
}

/// The whole life of a connector of three tasks, each step asked of a worker that does not lead; every worker sees each.
fn life_through_followers(name: &str, leading: Make, following: Make) -> io::Result<()> {
    let kafka = Kafka::shared(ORACLE)?;
    let cluster = Cluster::new(kafka);
    let workers = cluster.start_all(&[leading, following, following])?;
    // Only Java's log tells who leads.
    let [first, second, third] = workers.as_slice() else {
        return Err(io::Error::other("three workers were started"));
    };
    let java = if leading == Make::Java { first } else { second };
    let mut lab = Lab::start(kafka)?;
    lab.create(name, 3)?;
    let folder = tempfile::tempdir()?;
    let config = |tasks| file_sink(name, name, tasks, &folder.path().join("sink.txt"));
    let path = |rest: &str| format!("/connectors/{name}{rest}");
    let created = put_config(second, &config(3))?;
    assert_eq!(created.status, 201, "{created:?}");
    until_everywhere(&workers, name, "RUNNING", &["RUNNING"; 3])?;
    until_leads(java, first.port())?;
    let clients: Vec<String> = (0..3)
        .map(|t| format!("connector-consumer-{name}-{t}"))
        .collect();
    until_members(&mut lab, &format!("connect-{name}"), &clients)?;
    // Three workers and three tasks: restarts of all of them have to reach owners that are not asked.
    for (at, worker) in workers.iter().enumerate() {
        ask(worker, "POST", &path(&format!("/tasks/{at}/restart")), 204)?;
        ask(worker, "POST", &path("/restart"), 204)?;
        ask(worker, "POST", &path("/restart?includeTasks=true"), 202)?;
        until_everywhere(&workers, name, "RUNNING", &["RUNNING"; 3])?;
    }
    ask(third, "PUT", &path("/pause"), 202)?;
    until_everywhere(&workers, name, "PAUSED", &["PAUSED"; 3])?;
    ask(second, "PUT", &path("/resume"), 202)?;
    until_everywhere(&workers, name, "RUNNING", &["RUNNING"; 3])?;
    let changed = put_config(third, &config(2))?;
    assert_eq!(changed.status, 200, "{changed:?}");
    until_everywhere(&workers, name, "RUNNING", &["RUNNING"; 2])?;
    until_members(
        &mut lab,
        &format!("connect-{name}"),
        clients.get(..2).unwrap_or(&clients),
    )?;
    let patch = Request::new("PATCH", &path("/config")).json(json!({"tasks.max": "1"}));
    settled(second, &patch, &[200])?;
    until_everywhere(&workers, name, "RUNNING", &["RUNNING"])?;
    ask(third, "PUT", &path("/stop"), 204)?;
    until_everywhere(&workers, name, "STOPPED", &[])?;
    let offsets = json!({"offsets": [{
        "partition": {"kafka_topic": name, "kafka_partition": 0},
        "offset": {"kafka_offset": 0},
    }]});
    let alter = Request::new("PATCH", &path("/offsets")).json(offsets);
    settled(second, &alter, &[200])?;
    ask(third, "DELETE", &path("/offsets"), 200)?;
    ask(second, "DELETE", &path(""), 204)?;
    for worker in &workers {
        until_seen(worker, "no connector", |seen| seen.is_empty())?;
        wait::until("the empty list", SETTLE_LIMIT, || {
            Ok((worker.get("/connectors")?.body == "[]").then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn our_followers_serve_javas_leader() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    life_through_followers("under-java", Make::Java, Make::subject())
}

#[test]
fn javas_followers_serve_our_leader() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    life_through_followers("under-ours", Make::subject(), Make::Java)
}

/// Replaces every worker by one of `make`, one after the other, the leader first; the drains are fed all the while.
fn roll(
    cluster: &Cluster,
    workers: &mut Vec<Worker>,
    make: Make,
    drains: &mut Drains,
) -> io::Result<()> {
    for _ in 0..workers.len() {
        workers.push(cluster.start(make)?);
        drains.feed()?;
        workers.remove(0).stop()?;
        drains.feed()?;
        for worker in workers.iter() {
            until_seen(worker, "all drains", |seen| drains.all_in(seen))?;
        }
        // Offsets never go back, and no task runs beside itself.
        drains.until_committed()?;
        drains.until_alone()?;
    }
    Ok(())
}

#[test]
fn a_cluster_moves_from_java_to_ours_and_back() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    let cluster = Cluster::new(kafka);
    let mut workers = cluster.start_all(&[Make::Java; 2])?;
    let first = workers
        .first()
        .ok_or_else(|| io::Error::other("no worker"))?;
    let mut drains = Drains::create(kafka, first, "moved", DRAINS)?;
    drains.feed()?;
    drains.until_committed()?;
    roll(&cluster, &mut workers, subject, &mut drains)?;
    roll(&cluster, &mut workers, Make::Java, &mut drains)?;
    drains.finish().map(drop)
}
