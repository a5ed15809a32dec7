//! Three brokers are killed and started again in turn, while a producer sends at full speed and two workers read growing
//! files: whoever reads the topics sees each record once, in order, and no task has failed.
//!
//! `FERROVIA_CHAOS_SECONDS` says for how long brokers are killed; each is killed at least once.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ferrovia_client::produce::Ack;
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_client::{Cluster as Brokers, FramePool, Producer, ProducerSettings, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal};
use ferrovia_tests::cluster::{Cluster, file_source, put_config};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Order};
use ferrovia_tests::lines::Lines;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};
use serde_json::Value;

/// How long a broker is away, and how long the cluster is whole before the next one goes.
const AWAY: Duration = Duration::from_secs(2);
/// How long the replicas may take to be in sync again, and the last records to arrive.
const LIMIT: Duration = Duration::from_secs(90);
const PARTITIONS: i32 = 12;
const KEYS: u64 = 1_000;
const RECORDS_PER_BATCH: i32 = 100;
const OPEN_MAX: usize = 500;
const LINES_PER_SECOND: u64 = 1_000;

/// What a producer has sent, all of it acknowledged.
#[derive(Debug)]
struct Sent {
    /// Records by partition.
    counts: BTreeMap<i32, u64>,
    seconds: f64,
    /// The longest that it waited for an acknowledgement.
    longest_wait: Duration,
}

/// A producer that sends until it is told to end.
struct Traffic {
    enough: Arc<AtomicBool>,
    sending: JoinHandle<io::Result<Sent>>,
}

impl Traffic {
    fn start(bootstrap: &str, topic: &str) -> io::Result<Self> {
        let map = [("bootstrap.servers".to_owned(), bootstrap.to_owned())];
        let settings = ProducerSettings::from_properties(&BTreeMap::from(map));
        let settings = settings.map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let enough = Arc::new(AtomicBool::new(false));
        let (until, topic) = (Arc::clone(&enough), Arc::from(topic));
        let sending = thread::spawn(move || runtime.block_on(send(settings, topic, &until)));
        Ok(Self { enough, sending })
    }

    fn finish(self) -> io::Result<Sent> {
        self.enough.store(true, Ordering::Relaxed);
        let sent = self.sending.join();
        sent.map_err(|_| io::Error::other("the producer died"))?
    }
}

/// Records with keys and without in turn; each value begins with its number in its partition.
async fn send(
    settings: ProducerSettings,
    topic: Arc<str>,
    enough: &AtomicBool,
) -> io::Result<Sent> {
    let brokers = Brokers::new(settings.client.clone(), FramePool::new(0));
    let producer = Producer::new(brokers, settings);
    let mut lanes: BTreeMap<i32, (BatchWriter, u64)> = (0..PARTITIONS)
        .map(|it| (it, (BatchWriter::new(BatchOptions::default()), 0)))
        .collect();
    let (mut open, mut longest_wait) = (VecDeque::new(), Duration::ZERO);
    let (mut number, mut sticky) = (0_u64, 0);
    let begun = Instant::now();
    while !enough.load(Ordering::Relaxed) {
        let key = (number % 2 == 0).then(|| (number / 2 % KEYS).to_string());
        let key = key.as_deref().map(str::as_bytes);
        let partition = key.map_or(sticky, |key| partition_for_key(key, PARTITIONS));
        number += 1;
        let Some((writer, count)) = lanes.get_mut(&partition) else {
            continue;
        };
        let value = format!("{count:010}:{}", "x".repeat(50));
        let appended = writer.append(1, key, Some(value.as_bytes()), &[]);
        appended.map_err(io::Error::other)?;
        *count += 1;
        if writer.record_count() == RECORDS_PER_BATCH {
            sticky = (sticky + 1) % PARTITIONS;
            let to = TopicPartition::new(Arc::clone(&topic), partition);
            let batch = writer.seal(Seal::default()).map_err(io::Error::other)?;
            open.push_back(producer.send(to, batch).await);
            longest_wait = settle(&mut open, OPEN_MAX).await?.max(longest_wait);
        }
    }
    for (partition, (writer, _)) in &mut lanes {
        if !writer.is_empty() {
            let to = TopicPartition::new(Arc::clone(&topic), *partition);
            let batch = writer.seal(Seal::default()).map_err(io::Error::other)?;
            open.push_back(producer.send(to, batch).await);
        }
    }
    longest_wait = settle(&mut open, 0).await?.max(longest_wait);
    Ok(Sent {
        counts: lanes
            .into_iter()
            .map(|(it, (_, count))| (it, count))
            .collect(),
        seconds: begun.elapsed().as_secs_f64(),
        longest_wait,
    })
}

/// Waits for the oldest acknowledgements; tells for how long at most.
async fn settle(open: &mut VecDeque<Ack>, keep: usize) -> io::Result<Duration> {
    let mut longest = Duration::ZERO;
    while open.len() > keep
        && let Some(oldest) = open.pop_front()
    {
        let begun = Instant::now();
        oldest.await.map_err(io::Error::other)?;
        longest = begun.elapsed().max(longest);
    }
    Ok(longest)
}

/// A worker with one source, which reads a file that grows all the time.
struct Reading {
    topic: &'static str,
    isolation: &'static str,
    worker: Worker,
    lines: Lines,
}

impl Reading {
    /// `cluster` and `settings` say in which way the topic gets each line once.
    fn start(
        cluster: &Cluster,
        topic: &'static str,
        isolation: &'static str,
        file: &Path,
        settings: &[(&str, &str)],
    ) -> io::Result<Self> {
        let lines = Lines::start(file, LINES_PER_SECOND)?;
        let worker = cluster.start(Make::subject())?;
        let mut source = file_source(topic, topic, file);
        for (key, value) in settings {
            source.insert((*key).to_owned(), Value::from(*value));
        }
        put_config(&worker, &source)?;
        Ok(Self {
            topic,
            isolation,
            worker,
            lines,
        })
    }

    fn refuse_failure(&self) -> io::Result<()> {
        let status = self.worker.get("/connectors?expand=status")?.body;
        match status.contains("FAILED") {
            true => Err(io::Error::other(status)),
            false => Ok(()),
        }
    }

    /// Ends the file, waits until all is there, and ends the worker.
    fn finish(self, lab: &mut Lab) -> io::Result<String> {
        let written = self.lines.finish()?;
        let wanted = BTreeMap::from([(0, written)]);
        let there = demand(lab, self.topic, self.isolation, &wanted);
        there.map_err(|e| io::Error::other(format!("{e}\n{}", self.worker.output())))?;
        let status = self.worker.get("/connectors?expand=status")?.body;
        if status.contains("FAILED") || !status.contains("RUNNING") {
            return Err(io::Error::other(status));
        }
        self.worker.stop()?;
        Ok(format!("{}: {written} lines", self.topic))
    }
}

/// Kills one broker after the other, for so long, but each once at least. Tells how often.
fn kill_in_turn(
    brokers: &mut [Kafka],
    lab: &mut Lab,
    seconds: Duration,
    refuse_failure: impl Fn() -> io::Result<()>,
) -> io::Result<u32> {
    let (bootstrap, start) = (bootstrap(brokers), Instant::now());
    let mut kills = 0;
    while kills == 0 || start.elapsed() < seconds {
        for broker in &mut *brokers {
            broker.kill()?;
            kills += 1;
            // The absence is the scenario, not a wait for something.
            thread::sleep(AWAY);
            refuse_failure()?;
            broker.restart()?;
            until_whole(lab, &bootstrap)?;
            refuse_failure()?;
        }
    }
    Ok(kills)
}

/// Waits until every partition has all its replicas in sync, so that the next broker may go.
fn until_whole(lab: &mut Lab, bootstrap: &str) -> io::Result<()> {
    let command = ["--bootstrap-server", bootstrap, "--describe"];
    let command = [&command[..], &["--under-replicated-partitions"]].concat();
    wait::until("replicas in sync", LIMIT, || {
        let (code, output) = lab.tool("org.apache.kafka.tools.TopicCommand", &command)?;
        Ok((code == 0 && !output.contains("Partition:")).then_some(()))
    })
}

/// Waits until so many records are there, which then have to be there once and in order.
fn demand(
    lab: &mut Lab,
    topic: &str,
    isolation: &str,
    wanted: &BTreeMap<i32, u64>,
) -> io::Result<()> {
    let total: u64 = wanted.values().sum();
    let mut last = Order::default();
    let all = wait::until("every record", LIMIT, || {
        last = lab.order(topic, isolation)?;
        Ok((last.counts.values().sum::<u64>() >= total).then_some(()))
    });
    match all {
        Ok(()) if last.counts == *wanted && last.breaks == 0 => Ok(()),
        _ => Err(io::Error::other(format!("{topic}: {last:?} of {wanted:?}"))),
    }
}

fn bootstrap(brokers: &[Kafka]) -> String {
    let all: Vec<String> = brokers.iter().map(Kafka::bootstrap).collect();
    all.join(",")
}

/// A worker whose group outlives a broker, and whose topics are on all of them. One that finds no coordinator for
/// `heartbeat.interval.ms` stops its tasks, as Java's does; what they have on its way then is produced again by the next
/// ones, of whom no broker can know that it is the same.
fn workers(brokers: &[Kafka; 3]) -> Cluster {
    let [first, ..] = brokers;
    let cluster = Cluster::new(first)
        .with("bootstrap.servers", bootstrap(brokers))
        .with("session.timeout.ms", 60_000)
        .with("heartbeat.interval.ms", 20_000);
    ["config", "offset", "status"]
        .iter()
        .fold(cluster, |cluster, topic| {
            cluster.with(&format!("{topic}.storage.replication.factor"), 3)
        })
}

#[test]
fn brokers_killed_in_turn_cost_no_record_and_double_none() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut brokers = Kafka::cluster::<3>(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let mut lab = Lab::start(&brokers[0])?;
    lab.create("sent", PARTITIONS)?;
    lab.create("read", 1)?;
    lab.create("read-in-transactions", 1)?;
    let idempotent = workers(&brokers).with("producer.enable.idempotence", true);
    let once = workers(&brokers).with("exactly.once.source.support", "enabled");
    let read = Reading::start(
        &idempotent,
        "read",
        "read_uncommitted",
        &folder.path().join("lines.txt"),
        &[],
    )?;
    let committed = Reading::start(
        &once,
        "read-in-transactions",
        "read_committed",
        &folder.path().join("more-lines.txt"),
        &[("exactly.once.support", "required")],
    )?;
    let traffic = Traffic::start(&bootstrap(&brokers), "sent")?;

    let seconds = Duration::from_secs(grounds::number("FERROVIA_CHAOS_SECONDS", 0));
    let refuse_failure = || {
        read.refuse_failure()?;
        committed.refuse_failure()
    };
    let kills = kill_in_turn(&mut brokers, &mut lab, seconds, refuse_failure)?;

    let sent = traffic.finish()?;
    demand(&mut lab, "sent", "read_uncommitted", &sent.counts)?;
    let read = read.finish(&mut lab)?;
    let committed = committed.finish(&mut lab)?;
    let records: u64 = sent.counts.values().sum();
    writeln!(
        io::stdout(),
        "{kills} kills; {records} records in {:.0} s, waited {:?} at most; {read}; {committed}: each once and in order",
        sent.seconds,
        sent.longest_wait
    )
}
