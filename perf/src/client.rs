//! What one client does with one topic, measured from outside the same way for all.

mod file;
mod fill;
mod mirror;
mod produce;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ferrovia_tests::grounds;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::process::Process;
use ferrovia_tests::worker::{Make, Properties, Worker};
use serde::Serialize;

use crate::topic::{Shape, TRANSFORMS, Work};
use crate::usage;

/// How long one drain may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(900);
const BYTE_ARRAY: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// Java Connect with a sink that only counts, tuned; or Java's producer.
    Java,
    /// The bare client: it fetches, or sends what was made before.
    Bare,
    /// Ferrovia with its discarding sink; or its client's producer.
    Ferrovia,
    /// Ferrovia with a source that makes up its records.
    Generator,
    /// The bare client, sending records like the generator's that were made before.
    BareUsers,
}

/// One run's figures.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Who it was.
    pub client: Client,
    /// Which topic.
    pub topic: &'static str,
    /// Records that arrived.
    pub records: u64,
    /// Bytes of values.
    pub bytes: u64,
    /// Seconds from first to last record.
    pub seconds: f64,
    /// CPU seconds: of the whole process, but for Java only from first to last record, without its start.
    pub cpu_seconds: f64,
    /// CPU seconds of the broker meanwhile, from before the client's start to its end.
    pub broker_cpu_seconds: f64,
    /// The largest resident memory.
    pub peak_kib: u64,
}

impl Client {
    /// Whether this client can do that: the bare client only reads or sends, and the generator only writes.
    #[must_use]
    pub fn can(self, work: Work) -> bool {
        match self {
            Self::Java | Self::Ferrovia => true,
            Self::Bare => matches!(work, Work::Discard | Work::Fill),
            Self::Generator | Self::BareUsers => work == Work::Fill,
        }
    }

    /// Does the work of the shape with `records` records.
    ///
    /// # Errors
    /// When the client fails, or not all records came.
    pub fn run(self, kafka: &Kafka, shape: &Shape, records: u64, round: u32) -> io::Result<Sample> {
        let make = match self {
            Self::Java => Make::Java,
            _ => Make::Ferrovia,
        };
        let broker = || usage::cpu_seconds(kafka.id());
        let broker_before = broker()?;
        let mut sample = match (shape.work, self) {
            (Work::Fill, Self::Bare | Self::BareUsers) => {
                produce::made_before(self, kafka, shape, records, round)
            }
            (Work::Fill, _) => fill::fill(make, self, kafka, shape, records, round),
            (Work::Mirror, _) => mirror::copy(make, self, kafka, shape, records, round),
            (Work::Produce, _) => produce::produce(self, kafka, shape, records, round),
            (Work::File, _) => file::drain(make, self, kafka, shape, records, round),
            (_, Self::Java) => java(kafka, shape, records, round),
            (_, Self::Bare) => program(self, bare_path()?, &[], kafka, shape),
            _ => program(
                self,
                grounds::ferrovia()?,
                &bench_arguments(shape),
                kafka,
                shape,
            ),
        }?;
        sample.broker_cpu_seconds = broker()? - broker_before;
        if sample.records == records {
            return Ok(sample);
        }
        Err(io::Error::other(format!(
            "{self:?} saw {} of {records} records",
            sample.records
        )))
    }
}

/// What makes Ferrovia drain a topic as `shape` says.
fn bench_arguments(shape: &Shape) -> Vec<String> {
    let mut arguments: Vec<String> = ["bench", "drain", "--json"].map(str::to_owned).into();
    if shape.work == Work::Transform {
        for (key, value) in TRANSFORMS {
            arguments.extend(["--connector-property".to_owned(), format!("{key}={value}")]);
        }
    }
    arguments
}

/// The bare client's binary stands beside this one.
fn bare_path() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("bare"))
}

/// Runs a program that drains the topic and prints a line of JSON with `records`, `bytes` and `seconds`.
fn program(
    client: Client,
    path: PathBuf,
    arguments: &[String],
    kafka: &Kafka,
    shape: &Shape,
) -> io::Result<Sample> {
    let log = kafka
        .folder()
        .join(format!("{client:?}-{}.log", shape.name));
    // The log is appended to, and only this run's line may count.
    fs::write(&log, "")?;
    let mut command = Command::new(path);
    command
        .args(arguments)
        .args(["--bootstrap", &kafka.bootstrap(), "--topic", shape.name]);
    let cpu_before = usage::ended_children_cpu_seconds()?;
    let mut process = Process::start(command, &log)?;
    let (id, mut peak_kib) = (process.id(), 0);
    let status = ferrovia_tests::wait::until("the end of the drain", DRAIN_LIMIT, || {
        peak_kib = usage::peak_kib(id).unwrap_or(0).max(peak_kib);
        process.ended()
    })?;
    let cpu_seconds = usage::ended_children_cpu_seconds()? - cpu_before;
    let output = process.output();
    let figures = output
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str(line).ok());
    let figures: serde_json::Value =
        figures.ok_or_else(|| io::Error::other(format!("{client:?}: {status}: {output}")))?;
    let number = |name: &str| figures.get(name).and_then(serde_json::Value::as_f64);
    let whole = |name: &str| figures.get(name).and_then(serde_json::Value::as_u64);
    let (Some(records), Some(bytes), Some(seconds)) =
        (whole("records"), whole("bytes"), number("seconds"))
    else {
        return Err(io::Error::other(format!(
            "{client:?}: figures are missing: {figures}"
        )));
    };
    let peak_kib = whole("peak_kib").unwrap_or(0).max(peak_kib);
    Ok(Sample {
        client,
        topic: shape.name,
        records,
        bytes,
        seconds,
        cpu_seconds,
        broker_cpu_seconds: 0.0,
        peak_kib,
    })
}

/// Java Connect with large fetches and polls, which is the best that its settings give for such a sink.
fn java(kafka: &Kafka, shape: &Shape, records: u64, round: u32) -> io::Result<Sample> {
    let report = kafka.folder().join(format!("java-{}-{round}", shape.name));
    let connector = Properties::default()
        .with("name", format!("drain-{}-{round}", shape.name))
        .with("connector.class", "NullSinkConnector")
        .with("tasks.max", 2)
        .with("topics", shape.name)
        .with("expected", records)
        .with("report", report.display());
    let transforms: &[(&str, &str)] = match shape.work {
        Work::Transform => &TRANSFORMS,
        _ => &[],
    };
    let connector = transforms
        .iter()
        .fold(connector, |connector, (key, value)| {
            connector.with(key, value)
        });
    let mut worker = Worker::start_with(Make::Java, kafka, &connector, |worker| {
        worker
            .with("key.converter", BYTE_ARRAY)
            .with("value.converter", BYTE_ARRAY)
            .with("offset.flush.interval.ms", 10_000)
            .with("consumer.session.timeout.ms", 30_000)
            .with("consumer.heartbeat.interval.ms", 50)
            .with("consumer.max.poll.records", 5_000)
            .with("consumer.max.partition.fetch.bytes", 4 << 20)
            .with("consumer.fetch.max.bytes", 32 << 20)
            .with("consumer.receive.buffer.bytes", 1 << 20)
    })?;
    let id = worker.process().id();
    let line = worker
        .process()
        .until("Java's drain", DRAIN_LIMIT, || read_report(&report))?;
    let peak_kib = usage::peak_kib(id).unwrap_or(0);
    let figures: Vec<f64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let words: Vec<u64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match (words.as_slice(), figures.as_slice()) {
        ([records, bytes, ..], [_, _, nanos, cpu_nanos]) => Ok(Sample {
            client: Client::Java,
            topic: shape.name,
            records: *records,
            // A value that was converted has no size any more.
            bytes: (*bytes).max(records * shape.value_bytes as u64),
            seconds: nanos / 1e9,
            cpu_seconds: cpu_nanos / 1e9,
            broker_cpu_seconds: 0.0,
            peak_kib,
        }),
        _ => Err(io::Error::other(format!(
            "unexpected report of the Java sink: {line}"
        ))),
    }
}

fn read_report(path: &Path) -> io::Result<Option<String>> {
    if path.exists() {
        fs::read_to_string(path).map(Some)
    } else {
        Ok(None)
    }
}
