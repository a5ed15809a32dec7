//! Filling a topic by a source, watched from outside: the topic's end says how far a worker is, whoever fills it.

use std::io;
use std::time::{Duration, Instant};

use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::worker::{Make, Properties, Worker};

use crate::client::{Client, Sample};
use crate::topic::{PARTITIONS, Shape, TASKS};
use crate::usage;

/// How long the first record, and then the last one, may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Files of a topic that was deleted go after so many milliseconds: a report's topics together would fill a disk.
pub(super) const DELETED_SOON: &str = "file.delete.delay.ms=100";

/// How far a worker is at one moment.
struct Mark {
    at: Instant,
    records: u64,
    cpu_seconds: f64,
}

/// Fills a new topic with `records` records: by one task with the lines of a file, or by two with users that are made up,
/// who have about 90 bytes.
pub(super) fn fill(
    make: Make,
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
) -> io::Result<Sample> {
    let name = format!("{}-{client:?}-{round}", shape.name);
    let connector = Properties::default()
        .with("name", &name)
        .with("producer.override.compression.type", shape.codec());
    let connector = match client {
        Client::Generator => connector
            .with(
                "connector.class",
                "io.confluent.kafka.connect.datagen.DatagenConnector",
            )
            .with("kafka.topic", &name)
            .with("max.interval", 0)
            .with("tasks.max", TASKS)
            .with("iterations", records / TASKS)
            .with("quickstart", "users")
            .with(
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            )
            .with("value.converter.schemas.enable", false),
        _ => connector
            .with("connector.class", "FileStreamSource")
            .with("topic", &name)
            .with("file", shape.file(kafka).display()),
    };
    watch(make, client, kafka, &connector, (shape, &name), records)
}

/// Lets a connector bring `records` records into a new topic.
///
/// Two marks are taken, at the first records and at the last; what came before the first one is added in proportion.
pub(super) fn watch(
    make: Make,
    client: Client,
    kafka: &Kafka,
    connector: &Properties,
    (shape, topic): (&Shape, &str),
    records: u64,
) -> io::Result<Sample> {
    let mut lab = Lab::start(kafka)?;
    lab.create_with(topic, PARTITIONS, &[DELETED_SOON])?;
    let mut worker = Worker::start_with(make, kafka, connector, |worker| {
        worker
            .with("producer.batch.size", 256 << 10)
            .with("producer.linger.ms", 5)
    })?;
    let id = worker.process().id();
    let mut mark = |records_min: u64| {
        worker.process().until("progress in the topic", LIMIT, || {
            let end: i64 = lab.ends(topic)?.values().sum();
            let records = u64::try_from(end).unwrap_or(0);
            if records < records_min {
                return Ok(None);
            }
            Ok(Some(Mark {
                at: Instant::now(),
                records,
                cpu_seconds: usage::cpu_seconds(id)?,
            }))
        })
    };
    let first = mark(1)?;
    let last = mark(records)?;
    let peak_kib = usage::peak_kib(id).unwrap_or(0);
    worker.kill()?;
    lab.delete(topic)?;
    let watched = last.records.saturating_sub(first.records);
    if watched == 0 {
        return Err(io::Error::other("all records came at once"));
    }
    let scale = records as f64 / watched as f64;
    Ok(Sample {
        client,
        topic: shape.name,
        records: last.records,
        bytes: records * shape.value_bytes as u64,
        seconds: (last.at - first.at).as_secs_f64() * scale,
        cpu_seconds: (last.cpu_seconds - first.cpu_seconds) * scale,
        broker_cpu_seconds: 0.0,
        peak_kib,
    })
}
