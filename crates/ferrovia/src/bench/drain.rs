//! Drains a topic through the real sink path, and measures it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ferrovia_client::admin::offsets::list_offsets;
use ferrovia_client::admin::{OffsetQuery, OffsetSpec};
use ferrovia_client::settings::IsolationLevel;
use ferrovia_client::{Cluster, TopicPartition};

use crate::bench::figures::Figures;
use crate::connection::{BootstrapArguments, connect, partitions};
use crate::failure::Failure;
use crate::local::LocalWorker;
use crate::numbers::{as_float, megabytes};
use crate::usage;

/// How often the counters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Without a record for so long, a drain whose partitions show no lag is at its end although records seem to be
/// missing: compaction or transactions have left gaps.
const QUIET_END: Duration = Duration::from_secs(3);
/// Without a record for so long, a drain has failed.
const STALLED: Duration = Duration::from_secs(60);

/// A member learns by its next heartbeat that another has joined. With Kafka's default of three seconds a short drain
/// would be over before the second task gets its share.
const HEARTBEAT_MS: &str = "50";

/// Drains a topic through the sink path, from its beginning to where it ends now.
#[derive(Debug, Args)]
pub(crate) struct DrainArguments {
    #[command(flatten)]
    pub(crate) brokers: BootstrapArguments,
    /// The topic.
    #[arg(long)]
    pub(crate) topic: String,
    /// How many tasks share the partitions.
    #[arg(long, default_value_t = 2)]
    pub(crate) tasks: usize,
    /// What the discarding sink takes.
    #[arg(long, value_enum, default_value_t = Input::Records)]
    pub(crate) input: Input,
    /// A consumer setting, as in `--consumer-property fetch.max.bytes=33554432`. May be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) consumer_property: Vec<String>,
    /// A worker setting, as in `--worker-property worker.threads=1`. May be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) worker_property: Vec<String>,
    /// A connector setting, for another sink than the discarding one. May be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) connector_property: Vec<String>,
    /// Print the figures as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the discarding sink takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Input {
    /// Every record, decompressed and walked.
    Records,
    /// Whole record batches, verified and unopened.
    Batches,
}

/// Drains the topic and answers the figures as they are to be printed.
pub(crate) async fn drain(arguments: &DrainArguments) -> Result<String, Failure> {
    let topic: Arc<str> = arguments.topic.as_str().into();
    let cluster = connect(&arguments.brokers).await?;
    let expected = record_count(&cluster, &topic).await?;
    drop(cluster);
    let name = format!("bench-{:08x}", fastrand::u32(..));
    let worker = LocalWorker::start(worker_settings(arguments)?, &name)?;
    worker.create(connector_settings(arguments, &name)?).await?;
    let figures = measure(arguments, &worker, &name, expected).await?;
    worker.stop().await;
    Ok(if arguments.json {
        serde_json::to_string(&figures).map_err(Failure::of)?
    } else {
        figures.to_string()
    })
}

/// Records between the beginning and the end of all partitions, if none are missing.
async fn record_count(cluster: &Cluster, topic: &Arc<str>) -> Result<u64, Failure> {
    let partitions = partitions(cluster, topic).await?;
    let beginnings = total(cluster, &partitions, OffsetSpec::Earliest).await?;
    let ends = total(cluster, &partitions, OffsetSpec::Latest).await?;
    match u64::try_from(ends - beginnings) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Failure::saying(format!("topic {topic} holds no records"))),
    }
}

async fn total(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    which: OffsetSpec,
) -> Result<i64, Failure> {
    let query: OffsetQuery = partitions
        .iter()
        .map(|partition| (partition.clone(), which))
        .collect();
    let mut total = 0;
    for (_, listed) in list_offsets(cluster, query, IsolationLevel::ReadUncommitted).await {
        total += listed.map_err(Failure::of)?.offset.unwrap_or(0);
    }
    Ok(total)
}

fn worker_settings(arguments: &DrainArguments) -> Result<BTreeMap<String, String>, Failure> {
    let bytes = "org.apache.kafka.connect.converters.ByteArrayConverter";
    let mut settings = BTreeMap::new();
    settings.insert(
        "consumer.heartbeat.interval.ms".to_owned(),
        HEARTBEAT_MS.to_owned(),
    );
    for (key, value) in arguments.brokers.settings()? {
        settings.insert(format!("consumer.{key}"), value.clone());
        settings.insert(key, value);
    }
    for (key, value) in pairs(&arguments.consumer_property)? {
        settings.insert(format!("consumer.{key}"), value);
    }
    for (key, value) in [
        ("key.converter", bytes),
        ("value.converter", bytes),
        // A standalone worker wants one, but a sink never writes it.
        ("offset.storage.file.filename", "/dev/null"),
    ] {
        settings.insert(key.to_owned(), value.to_owned());
    }
    settings.extend(pairs(&arguments.worker_property)?);
    Ok(settings)
}

fn connector_settings(
    arguments: &DrainArguments,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let input = match arguments.input {
        Input::Records => "records",
        Input::Batches => "batches",
    };
    let mut settings = BTreeMap::from([
        ("name".to_owned(), name.to_owned()),
        (
            "connector.class".to_owned(),
            ferrovia_connectors::discard::SINK.class.to_owned(),
        ),
        ("topics".to_owned(), arguments.topic.clone()),
        ("tasks.max".to_owned(), arguments.tasks.to_string()),
        ("input".to_owned(), input.to_owned()),
    ]);
    settings.extend(pairs(&arguments.connector_property)?);
    Ok(settings)
}

fn pairs(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |pair: &String| {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::saying(format!("{pair} is not KEY=VALUE")))?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    given.iter().map(split).collect()
}

/// Watches the counters from the first record to the last.
async fn measure(
    arguments: &DrainArguments,
    worker: &LocalWorker,
    name: &str,
    expected: u64,
) -> Result<Figures, Failure> {
    let (mut begun, mut cpu_before) = (Instant::now(), usage::cpu_seconds());
    let (mut reported, mut progressed) = (begun, begun);
    let mut counts = worker.counts();
    let mut ended = begun;
    while counts.records_sent < expected {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Instant::now();
        let last = std::mem::replace(&mut counts, worker.counts());
        if counts.records_read == 0 {
            // Joining the group is not what is measured.
            (begun, cpu_before) = (now, usage::cpu_seconds());
        }
        if counts.records_sent > last.records_sent {
            (progressed, ended) = (now, now);
        } else if now - progressed > QUIET_END && counts.lag == 0 && counts.records_sent > 0 {
            break;
        } else if now - progressed > STALLED {
            return Err(Failure::saying(format!(
                "no record has come for {} s; {} of {expected} were read",
                STALLED.as_secs(),
                counts.records_sent
            )));
        }
        if now - reported >= Duration::from_secs(1) {
            reported = now;
            worker.check(name).await?;
            let seconds = (now - begun).as_secs_f64();
            tracing::info!(
                "{} of {expected} records, {:.0} records/s, {:.0} MB/s",
                counts.records_sent,
                as_float(counts.records_sent) / seconds,
                megabytes(counts.bytes_sent) / seconds
            );
        }
    }
    let seconds = (ended - begun).as_secs_f64().max(LOOK_EVERY.as_secs_f64());
    let cpu_seconds =
        cpu_before.and_then(|before| usage::cpu_seconds().map(|after| after - before));
    let gigabytes = megabytes(counts.bytes_sent) / 1e3;
    Ok(Figures {
        client: "ferrovia",
        topic: arguments.topic.clone(),
        tasks: arguments.tasks,
        records: counts.records_sent,
        bytes: counts.bytes_sent,
        wire_bytes: counts.bytes_read,
        seconds,
        cpu_seconds,
        records_per_s: as_float(counts.records_sent) / seconds,
        mb_per_s: megabytes(counts.bytes_sent) / seconds,
        cpu_s_per_gb: cpu_seconds.map(|cpu| cpu / gigabytes),
        peak_memory_bytes: usage::peak_memory_bytes(),
    })
}
