//! Clusters of our workers: connectors and tasks are shared out evenly, move when workers die, leave or join, run exactly
//! once whatever happens, and no record is lost on the way.

use std::io;
use std::time::{Duration, Instant};

use ferrovia_tests::cluster::{self, Cluster, Whereabouts, file_sink, loads, until_seen};
use ferrovia_tests::drain::SIGTERM_EXIT;
use ferrovia_tests::drains::{Drains, until_members};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::http::Request;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

/// Sinks whose records are counted.
const DRAINS: usize = 3;
/// Tasks of one connector in the test of many.
const MANY: u32 = 100;
/// How many things happen to the cluster at random moments.
const EVENTS: u64 = 8;
/// How long a whole cluster may take to join anew.
const JOIN_LIMIT: Duration = Duration::from_secs(60);

/// The names of a connector's tasks.
fn tasks(connector: &str, count: u32) -> Vec<String> {
    (0..count)
        .map(|task| format!("{connector}-{task}"))
        .collect()
}

/// The client ids of a connector's tasks.
fn clients(connector: &str, count: u32) -> Vec<String> {
    let ids = tasks(connector, count).into_iter();
    ids.map(|task| format!("connector-consumer-{task}"))
        .collect()
}

/// Whether all of a connector's tasks run, no more and no less, and it runs itself.
fn is_whole(seen: &Whereabouts, connector: &str, count: u32) -> bool {
    let prefix = format!("{connector}-");
    let running = seen.keys().filter(|item| item.starts_with(&prefix)).count();
    let all = tasks(connector, count)
        .iter()
        .all(|task| seen.contains_key(task));
    seen.contains_key(connector) && all && running == count as usize
}

/// Whether these workers have everything that runs, and as evenly as can be.
fn is_even(seen: &Whereabouts, workers: &[&Worker]) -> bool {
    let is_task = |item: &str| {
        seen.keys()
            .any(|other| item.starts_with(&format!("{other}-")))
    };
    let even = |loads: &[usize]| {
        let (least, most) = (loads.iter().min(), loads.iter().max());
        most.zip(least)
            .is_some_and(|(most, least)| most - least <= 1)
    };
    let tasks = loads(seen, workers, is_task);
    let connectors = loads(seen, workers, |item| !is_task(item));
    let total: usize = tasks.iter().chain(&connectors).sum();
    even(&tasks) && even(&connectors) && total == seen.len()
}

#[test]
fn work_is_even_and_survives_dead_workers_and_leaders() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    let cluster = Cluster::new(kafka);
    let mut workers = cluster.start_all(&[subject; 3])?;
    let mut lab = Lab::start(kafka)?;
    lab.create("even", 12)?;
    let folder = tempfile::tempdir()?;
    let config = file_sink("even", "even", 12, &folder.path().join("even.txt"));
    cluster::put_config(&workers[1], &config)?;
    let mut drains = Drains::create(kafka, &workers[2], "faults", DRAINS)?;
    let settled = |drains: &Drains, seen: &Whereabouts, workers: &[Worker]| {
        let workers: Vec<&Worker> = workers.iter().collect();
        is_whole(seen, "even", 12) && drains.all_in(seen) && is_even(seen, &workers)
    };
    // The last worker dies, then the leader, which is the one that was first; then one leaves in order.
    for (victim, kill) in [
        (None, true),
        (Some(2), true),
        (Some(0), true),
        (Some(0), false),
    ] {
        if let Some(victim) = victim {
            let worker = workers.remove(victim);
            if kill {
                worker.kill()?;
            } else {
                assert_eq!(worker.stop()?.code(), Some(SIGTERM_EXIT));
            }
            workers.push(cluster.start(subject)?);
        }
        drains.feed()?;
        let what = format!("even work after the end of {victim:?}");
        until_seen(&workers[0], &what, |seen| settled(&drains, seen, &workers))?;
        // What one worker says could be its own view: the members of the groups are not.
        until_members(&mut lab, "connect-even", &clients("even", 12))?;
        drains.until_alone()?;
    }
    drains.finish().map(drop)
}

#[test]
fn a_rolling_restart_loses_nothing_and_repeats_little() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    let cluster = Cluster::new(kafka);
    let mut workers = cluster.start_all(&[subject; 2])?;
    let mut drains = Drains::create(kafka, &workers[0], "rolling", DRAINS)?;
    for _ in 0..2 {
        until_seen(&workers[1], "all drains", |seen| drains.all_in(seen))?;
        drains.feed()?;
        let worker = workers.remove(0);
        assert_eq!(worker.stop()?.code(), Some(SIGTERM_EXIT));
        drains.feed()?;
        workers.push(cluster.start(subject)?);
    }
    until_seen(&workers[0], "all drains", |seen| drains.all_in(seen))?;
    drains.until_alone()?;
    // A task that is stopped in order commits what it has put.
    assert_eq!(drains.finish()?, 0, "duplicates");
    Ok(())
}

#[test]
fn a_hundred_tasks_run_once_each_and_all_come_back() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    let cluster = Cluster::new(kafka);
    let mut workers = cluster.start_all(&[subject; 2])?;
    let mut lab = Lab::start(kafka)?;
    lab.create("many", 4)?;
    let folder = tempfile::tempdir()?;
    let config = file_sink("many", "many", MANY, &folder.path().join("many.txt"));
    cluster::put_config(&workers[1], &config)?;
    let two: Vec<&Worker> = workers.iter().collect();
    until_seen(&workers[0], "a hundred tasks on two workers", |seen| {
        is_whole(seen, "many", MANY) && is_even(seen, &two)
    })?;
    until_members(&mut lab, "connect-many", &clients("many", MANY))?;
    workers.remove(0).kill()?;
    let one: Vec<&Worker> = workers.iter().collect();
    until_seen(&workers[0], "a hundred tasks on one worker", |seen| {
        is_whole(seen, "many", MANY) && is_even(seen, &one)
    })?;
    until_members(&mut lab, "connect-many", &clients("many", MANY))?;
    settled_request(&workers[0], "DELETE", "/connectors/many", &[204])?;
    until_seen(&workers[0], "nothing", Whereabouts::is_empty)?;
    until_members(&mut lab, "connect-many", &[])
}

fn settled_request(worker: &Worker, method: &str, path: &str, wanted: &[u16]) -> io::Result<()> {
    cluster::settled(worker, &Request::new(method, path), wanted).map(drop)
}

/// A sequence that a seed gives; the moments of events need no better one.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// `FERROVIA_CLUSTER_SEED` makes another run.
#[test]
fn rebalances_at_any_moment_end_with_everything_running_once() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let seed = grounds::number("FERROVIA_CLUSTER_SEED", 7);
    let mut dice = Dice(seed);
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    let cluster = Cluster::new(kafka);
    let mut workers = cluster.start_all(&[subject; 2])?;
    let mut lab = Lab::start(kafka)?;
    lab.create("shaken", 4)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shaken.txt");
    let mut drains = Drains::create(kafka, &workers[0], "random", DRAINS)?;
    let mut count = 4;
    cluster::put_config(&workers[0], &file_sink("shaken", "shaken", count, &file))?;
    for _ in 0..EVENTS {
        match dice.below(4) {
            0 if workers.len() > 1 => workers.remove(0).kill()?,
            1 if workers.len() > 1 => drop(workers.remove(0).stop()?),
            2 => {
                count = 1 + u32::try_from(dice.below(12)).unwrap_or(0);
                let config = file_sink("shaken", "shaken", count, &file);
                cluster::put_config(&workers[0], &config)?;
            }
            _ => workers.push(cluster.start(subject)?),
        }
        drains.feed()?;
        // The next event comes at any moment of the rebalance that this one has caused.
        let moment = Instant::now() + Duration::from_millis(dice.below(1_500));
        wait::until("the next moment", JOIN_LIMIT, || {
            Ok((Instant::now() >= moment).then_some(()))
        })?;
    }
    wait::until("all workers in the group", JOIN_LIMIT, || {
        let found = lab.workers(cluster.group())?;
        Ok((found == Some(workers.len())).then_some(()))
    })?;
    for worker in &workers {
        until_seen(
            worker,
            &format!("what is configured, seed {seed}"),
            |seen| is_whole(seen, "shaken", count) && drains.all_in(seen),
        )?;
    }
    until_members(&mut lab, "connect-shaken", &clients("shaken", count))?;
    drains.until_alone()?;
    drains.finish().map(drop)
}
