//! A producer alone, without a worker around it: the client's own by the program `produce`, or Java's by Kafka's
//! `kafka-producer-perf-test`. Both get the same payloads and settings, and are watched from outside.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ferrovia_tests::grounds::ORACLE;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::process::{self, Process};
use ferrovia_tests::wait;

use crate::client::fill::DELETED_SOON;
use crate::client::{Client, Sample};
use crate::topic::{PARTITIONS, Shape, TASKS};
use crate::usage;

/// How long the first record, the last one and the end may take.
const LIMIT: Duration = Duration::from_secs(600);
/// What is set beside the codec; the rest is the default of both, as `acks=all` and idempotence.
const SETTINGS: [&str; 3] = [
    "batch.size=262144",
    "linger.ms=5",
    // A batch of every partition fits one request.
    "max.request.size=8388608",
];

/// Fills a new topic with `records` records.
///
/// Time and CPU count from the first records in the topic on, without the start of a JVM; what came before them is added in
/// proportion.
pub(super) fn produce(
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
) -> io::Result<Sample> {
    let payloads = shape.file(kafka);
    watch(client, kafka, shape, records, round, |topic| {
        command(client, kafka, shape, (topic, &payloads), records)
    })
}

/// Fills a new topic with `records` records that were made before: what the broker takes at most, whoever sends them. They
/// are like the lines of the shape's file, or like the generator's users.
pub(super) fn made_before(
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
) -> io::Result<Sample> {
    let payloads = kafka.folder().join("ready.txt");
    let value = match client {
        Client::BareUsers => USER.to_owned(),
        _ => "x".repeat(shape.value_bytes),
    };
    fs::write(&payloads, value)?;
    watch(client, kafka, shape, records, round, |topic| {
        let mut command = command(client, kafka, shape, (topic, &payloads), records)?;
        command.args(["--ready", "--producers", &TASKS.to_string()]);
        if client == Client::BareUsers {
            command.args(["--key", "User_3"]);
            for header in [
                "task.generation=0",
                "task.id=1",
                "current.iteration=1234567",
            ] {
                command.args(["--header", header]);
            }
        }
        Ok(command)
    })
}

fn watch(
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
    command: impl FnOnce(&str) -> io::Result<Command>,
) -> io::Result<Sample> {
    let topic = format!("{}-{client:?}-{round}", shape.name);
    let mut lab = Lab::start(kafka)?;
    lab.create_with(&topic, PARTITIONS, &[DELETED_SOON])?;
    let cpu_before = usage::ended_children_cpu_seconds()?;
    let log = kafka.folder().join(format!("{topic}.log"));
    let mut process = Process::start(command(&topic)?, &log)?;
    let (id, mut peak_kib) = (process.id(), 0);
    let mut end = || -> io::Result<u64> {
        let end: i64 = lab.ends(&topic)?.values().sum();
        Ok(u64::try_from(end).unwrap_or(0))
    };
    let (first_at, first, first_cpu) = process.until("the first records", LIMIT, || {
        let records = end()?;
        let mark = (Instant::now(), records, usage::cpu_seconds(id)?);
        Ok((records > 0).then_some(mark))
    })?;
    let last_at = wait::until("the last record", LIMIT, || {
        peak_kib = usage::peak_kib(id).unwrap_or(0).max(peak_kib);
        let has_ended = process.ended()?.is_some();
        match end()? {
            there if there >= records => Ok(Some(Instant::now())),
            there if has_ended => Err(io::Error::other(format!(
                "ended after {there} of {records} records: {}",
                process.output()
            ))),
            _ => Ok(None),
        }
    })?;
    process.wait(LIMIT)?;
    lab.delete(&topic)?;
    let cpu_seconds = usage::ended_children_cpu_seconds()? - cpu_before - first_cpu;
    let watched = records.saturating_sub(first);
    if watched == 0 {
        return Err(io::Error::other("all records came at once"));
    }
    let scale = records as f64 / watched as f64;
    Ok(Sample {
        client,
        topic: shape.name,
        records,
        bytes: records * shape.value_bytes as u64,
        seconds: (last_at - first_at).as_secs_f64() * scale,
        cpu_seconds: cpu_seconds * scale,
        broker_cpu_seconds: 0.0,
        peak_kib,
    })
}

fn command(
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    (topic, payloads): (&str, &Path),
    records: u64,
) -> io::Result<Command> {
    let codec = format!("compression.type={}", shape.codec());
    let settings = SETTINGS.iter().copied().chain([codec.as_str()]);
    let mut command = match client {
        Client::Java => {
            let main = "org.apache.kafka.tools.ProducerPerformance";
            let mut command = process::java(ORACLE, "2g", "-", main);
            command
                .args([
                    "--throughput",
                    "-1",
                    "--bootstrap-server",
                    &kafka.bootstrap(),
                ])
                .args(["--num-records", &records.to_string()])
                .arg("--command-property")
                .args(settings);
            command
        }
        _ => {
            let mut command = Command::new(std::env::current_exe()?.with_file_name("produce"));
            command
                .args(["--bootstrap", &kafka.bootstrap()])
                .args(["--partitions", &PARTITIONS.to_string()])
                .args(["--records", &records.to_string()]);
            for setting in settings {
                command.args(["--property", setting]);
            }
            command
        }
    };
    command
        .args(["--topic", topic, "--payload-file"])
        .arg(payloads);
    Ok(command)
}

/// A value of the generator's, of the usual length.
const USER: &str =
    r#"{"registertime":1501234567890,"userid":"User_3","regionid":"Region_5","gender":"FEMALE"}"#;
