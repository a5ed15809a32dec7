//! The demo from start to summary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use ferrovia_broker::{BlockingBroker, BrokerConfig, EmbeddedBroker};
use ferrovia_client::TopicPartition;
use ferrovia_client::settings::ClientSettings;

use crate::connection::{BootstrapArguments, connect};
use crate::demo::generator::{Generator, Shared};
use crate::failure::Failure;
use crate::local::LocalWorker;
use crate::made_up::MadeUp;
use crate::numbers::{as_float, megabytes};
use crate::usage;

const TOPIC: &str = "orders";
const CONNECTOR: &str = "orders-to-file";
/// How often the progress line is renewed.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// Without progress for so long, the demo has failed.
const STALLED: Duration = Duration::from_secs(30);

/// Shows data moving: an embedded broker, a generator, a worker with a file sink and its REST interface.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How long to produce.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) seconds: u64,
    /// Go on until Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Records to produce a second; 0 for as many as the machine can.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) rate: u64,
    /// Least bytes of an order.
    #[arg(long, default_value_t = 300)]
    pub(crate) size: usize,
    /// Instead of orders, what DatagenConnector makes up by its quickstart of this name.
    #[arg(long, value_name = "NAME", conflicts_with = "size")]
    pub(crate) quickstart: Option<String>,
    /// The topic's partitions.
    #[arg(long, default_value_t = 4)]
    pub(crate) partitions: i32,
    /// The folder that the orders are written to.
    #[arg(long, default_value = "demo-out")]
    pub(crate) out: PathBuf,
    /// Where REST listens; port 0 takes a free one.
    #[arg(long, default_value = "http://127.0.0.1:8083")]
    pub(crate) listener: String,
}

/// Runs the demo and answers its summary.
pub(crate) async fn show(arguments: &DemoArguments) -> Result<String, Failure> {
    let file = prepare(&arguments.out)?;
    let broker = started(arguments.partitions).await?;
    let address = broker.address().to_string();
    create_topic(&address, arguments.partitions).await?;
    let mut worker = LocalWorker::start(worker_settings(&address, &arguments.listener), "demo")?;
    let rest = worker.serve().await?;
    worker.create(connector_settings(&file)).await?;
    print(&format!("Kafka broker  {address} (embedded, in memory)"));
    print(&format!(
        "REST          {rest}connectors/{CONNECTOR}/status"
    ));
    print(&format!("File          {}", file.display()));

    let shared = Arc::new(Shared::default());
    let begun = Instant::now();
    let generating = generator(arguments, &address, &shared)?
        .start()
        .map_err(Failure::of)?;
    watch(arguments, &worker, &shared, begun).await?;
    shared.stop.store(true, Ordering::Relaxed);
    let generated = tokio::task::spawn_blocking(move || generating.join()).await;
    generated
        .map_err(Failure::of)?
        .unwrap_or_else(|_| Err(Failure::saying("the generator panicked")))?;
    let seconds = written_all(&worker, &shared, begun).await?;
    let bytes = worker.counts().bytes_sent;
    worker.stop().await;
    stopped(broker).await?;
    summary(&file, &shared, bytes, seconds)
}

/// The broker on a thread of its own, so that it and the worker do not wait for each other.
async fn started(partitions: i32) -> Result<BlockingBroker, Failure> {
    let config = BrokerConfig {
        default_partitions: partitions,
        ..BrokerConfig::default()
    };
    let starting = tokio::task::spawn_blocking(move || EmbeddedBroker::start_blocking(config));
    starting.await.map_err(Failure::of)?.map_err(Failure::of)
}

async fn stopped(broker: BlockingBroker) -> Result<(), Failure> {
    tokio::task::spawn_blocking(move || broker.stop())
        .await
        .map_err(Failure::of)
}

async fn create_topic(address: &str, partitions: i32) -> Result<(), Failure> {
    let cluster = connect(&BootstrapArguments::to(address)).await?;
    crate::connection::create_topic(&cluster, TOPIC, partitions).await
}

/// An empty file in a folder that exists.
fn prepare(folder: &Path) -> Result<PathBuf, Failure> {
    let file = folder.join("orders.jsonl");
    let made = fs::create_dir_all(folder).and_then(|()| fs::write(&file, ""));
    made.map_err(|error| Failure::saying(format!("cannot write {}: {error}", file.display())))?;
    Ok(file)
}

fn worker_settings(address: &str, listener: &str) -> BTreeMap<String, String> {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let settings = [
        ("bootstrap.servers", address),
        ("key.converter", string),
        ("value.converter", string),
        ("offset.storage.file.filename", "/dev/null"),
        ("offset.flush.interval.ms", "1000"),
        ("listeners", listener),
    ];
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn connector_settings(file: &Path) -> BTreeMap<String, String> {
    let file = file.display().to_string();
    let settings = [
        ("name", CONNECTOR),
        ("connector.class", ferrovia_connectors::file::SINK.class),
        ("tasks.max", "2"),
        ("topics", TOPIC),
        ("file", &file),
    ];
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn generator(
    arguments: &DemoArguments,
    address: &str,
    shared: &Arc<Shared>,
) -> Result<Generator, Failure> {
    let settings = BTreeMap::from([("bootstrap.servers".to_owned(), address.to_owned())]);
    let topic: Arc<str> = TOPIC.into();
    let partition = |number| TopicPartition {
        topic: Arc::clone(&topic),
        partition: number,
    };
    Ok(Generator {
        settings: ClientSettings::from_properties(&settings).map_err(Failure::of)?,
        partitions: (0..arguments.partitions).map(partition).collect(),
        rate: arguments.rate,
        values: MadeUp::new(arguments.quickstart.as_deref(), arguments.size)?,
        shared: Arc::clone(shared),
    })
}

/// Renews the progress line until the time is over or Ctrl-C comes.
async fn watch(
    arguments: &DemoArguments,
    worker: &LocalWorker,
    shared: &Shared,
    begun: Instant,
) -> Result<(), Failure> {
    let end = begun + Duration::from_secs(arguments.seconds);
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut progress = Progress::new();
    loop {
        tokio::select! {
            _ = &mut interrupted => return Ok(()),
            () = tokio::time::sleep(PROGRESS_EVERY) => {}
        }
        worker.check(CONNECTOR).await?;
        progress.show(worker, shared);
        if !arguments.keep && Instant::now() >= end {
            return Ok(());
        }
    }
}

/// Waits until everything produced is written; answers the seconds since `begun`.
async fn written_all(
    worker: &LocalWorker,
    shared: &Shared,
    begun: Instant,
) -> Result<f64, Failure> {
    let produced = shared.produced.load(Ordering::Relaxed);
    let (mut written, mut progressed) = (0, Instant::now());
    while written < produced {
        tokio::time::sleep(PROGRESS_EVERY / 50).await;
        let now_written = worker.counts().records_sent;
        if now_written > written {
            (written, progressed) = (now_written, Instant::now());
        } else if progressed.elapsed() > STALLED {
            worker.check(CONNECTOR).await?;
            return Err(Failure::saying(format!(
                "{written} of {produced} records were written"
            )));
        }
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// The line that tells how it goes.
struct Progress {
    last: Instant,
    records: u64,
    bytes: u64,
}

impl Progress {
    fn new() -> Self {
        Self {
            last: Instant::now(),
            records: 0,
            bytes: 0,
        }
    }

    fn show(&mut self, worker: &LocalWorker, shared: &Shared) {
        let counts = worker.counts();
        shared.written.store(counts.records_sent, Ordering::Relaxed);
        let seconds = self.last.elapsed().as_secs_f64().max(1e-3);
        let produced = shared.produced.load(Ordering::Relaxed);
        let line = format!(
            "{:>9.0} records/s {:>7.1} MB/s   lag {:>8}   {} written",
            as_float(counts.records_sent.saturating_sub(self.records)) / seconds,
            megabytes(counts.bytes_sent.saturating_sub(self.bytes)) / seconds,
            produced.saturating_sub(counts.records_sent),
            counts.records_sent
        );
        (self.last, self.records, self.bytes) =
            (Instant::now(), counts.records_sent, counts.bytes_sent);
        print(&line);
    }
}

fn summary(file: &Path, shared: &Shared, bytes: u64, seconds: f64) -> Result<String, Failure> {
    let produced = shared.produced.load(Ordering::Relaxed);
    let written = count_lines(file)
        .map_err(|error| Failure::saying(format!("cannot read {}: {error}", file.display())))?;
    if written != produced {
        return Err(Failure::saying(format!(
            "{produced} records were produced, but {} holds {written} lines",
            file.display()
        )));
    }
    let peak = usage::peak_memory_bytes().map_or_else(
        || "unknown".to_owned(),
        |bytes| format!("{:.0} MB", megabytes(bytes)),
    );
    Ok(format!(
        "\nproduced      {produced} records\nwritten       {written} records, {:.0} MB\nthroughput    {:.0} records/s, \
         {:.1} MB/s\npeak memory   {peak} (broker, generator and worker together)",
        megabytes(bytes),
        as_float(written) / seconds,
        megabytes(bytes) / seconds
    ))
}

fn count_lines(file: &Path) -> std::io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(file)?);
    let mut lines = 0;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(lines);
        }
        lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        let used = chunk.len();
        reader.consume(used);
    }
}

fn print(line: &str) {
    // Where nobody reads, the demo still runs.
    let _ = writeln!(std::io::stdout(), "{line}");
}
