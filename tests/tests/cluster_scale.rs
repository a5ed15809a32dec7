//! Many connectors on three workers: all are created by REST, and all run again soon after the whole cluster was
//! restarted. Memory, threads, open files and REST latency are printed.
//!
//! `FERROVIA_CONNECTORS` says how many; 1,000 is what a cluster of ours has to bear.

use std::fs;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use ferrovia_tests::cluster::{Cluster, Whereabouts, file_sink, put_config, until_seen};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::worker::{Make, Worker};

/// Connectors, each of one task.
const CONNECTORS: u64 = 30;
/// How long all of them may take to run again.
const RETURN_LIMIT: Duration = Duration::from_secs(60);

/// What a worker takes of its machine, as the system counts it.
fn footprint(worker: &mut Worker) -> io::Result<String> {
    let process = format!("/proc/{}", worker.process().id());
    let status = fs::read_to_string(format!("{process}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let word = line.and_then(|line| line.split_whitespace().next());
        word.and_then(|word| word.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let (now, most) = (number("VmRSS:") / 1_024, number("VmHWM:") / 1_024);
    let threads = number("Threads:");
    let files = fs::read_dir(format!("{process}/fd"))?.count();
    Ok(format!(
        "{now} MiB (at most {most}), {threads} threads, {files} open files"
    ))
}

/// The median and the largest of some times, in milliseconds.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |place: usize| times.get(place).map_or(0, Duration::as_millis);
    format!(
        "median {} ms, most {} ms",
        at(times.len() / 2),
        at(times.len() - 1)
    )
}

fn until_all(worker: &Worker, names: &[String], workers: &[Worker]) -> io::Result<Whereabouts> {
    let living: Vec<String> = workers
        .iter()
        .map(|w| format!("127.0.0.1:{}", w.port()))
        .collect();
    until_seen(worker, "all connectors and tasks", |seen| {
        // Statuses outlive the workers that wrote them: only those of the living count.
        let runs = |item: &String| seen.get(item).is_some_and(|at| living.contains(at));
        names
            .iter()
            .all(|name| runs(name) && runs(&format!("{name}-0")))
    })
}

#[test]
fn many_connectors_run_and_come_back() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let count = grounds::number("FERROVIA_CONNECTORS", CONNECTORS);
    let kafka = Kafka::shared(ORACLE)?;
    let subject = Make::subject();
    Lab::start(kafka)?.create("scale", 1)?;
    let cluster = Cluster::new(kafka);
    let workers = cluster.start_all(&[subject; 3])?;
    let folder = tempfile::tempdir()?;
    let names: Vec<String> = (0..count).map(|number| format!("scale{number}")).collect();
    let mut creations = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let worker = &workers[number % workers.len()];
        let start = Instant::now();
        let config = file_sink(name, "scale", 1, &folder.path().join(name));
        let said = |e| io::Error::other(format!("{e}\n{}", worker.output()));
        put_config(worker, &config).map_err(said)?;
        creations.push(start.elapsed());
    }
    until_all(&workers[0], &names, &workers)?;
    for worker in workers {
        worker.stop()?;
    }
    let start = Instant::now();
    let mut workers = cluster.start_all(&[subject; 3])?;
    until_all(&workers[2], &names, &workers)?;
    let back = start.elapsed();
    let mut lookups = Vec::new();
    for name in &names {
        let start = Instant::now();
        assert_eq!(
            workers[1]
                .get(&format!("/connectors/{name}/status"))?
                .status,
            200
        );
        lookups.push(start.elapsed());
    }
    let footprints = workers
        .iter_mut()
        .map(footprint)
        .collect::<io::Result<Vec<_>>>()?;
    writeln!(
        io::stderr(),
        "{count} connectors: creation {}; status {}; all running {back:?} after a restart; {footprints:#?}",
        spread(creations),
        spread(lookups),
    )?;
    assert!(back < RETURN_LIMIT, "all running only after {back:?}");
    Ok(())
}
