//! Draining into a file, watched from outside: the file's length says how far a worker is, whoever wrote it.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use ferrovia_tests::drain::length;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::worker::{Make, Properties, Worker};

use crate::client::{Client, Sample};
use crate::topic::Shape;
use crate::usage;

/// How long the first line, and then the last one, may take.
const LIMIT: Duration = Duration::from_secs(600);

/// How far a worker is at one moment.
struct Mark {
    at: Instant,
    bytes: u64,
    cpu_seconds: f64,
}

/// Drains `records` records of the shape's topic into a file by two tasks.
///
/// Two marks are taken, at the first bytes and at the last; what was written before the first one is added in
/// proportion.
pub(super) fn drain(
    make: Make,
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
) -> io::Result<Sample> {
    let name = format!("{}-{client:?}-{round}", shape.name);
    let file = kafka.folder().join(&name);
    let connector = Properties::file_sink(&name, shape.name, 2, &file);
    let mut worker = Worker::start(make, kafka, &connector)?;
    let id = worker.process().id();
    let whole = records * (shape.value_bytes as u64 + 1);
    let mut mark = |bytes_min: u64| {
        worker.process().until("progress in the file", LIMIT, || {
            let bytes = length(&file);
            if bytes < bytes_min {
                return Ok(None);
            }
            Ok(Some(Mark {
                at: Instant::now(),
                bytes,
                cpu_seconds: usage::cpu_seconds(id)?,
            }))
        })
    };
    let first = mark(1)?;
    let last = mark(whole)?;
    let peak_kib = usage::peak_kib(id).unwrap_or(0);
    worker.kill()?;
    fs::remove_file(&file)?;
    let watched = last.bytes.saturating_sub(first.bytes);
    if last.bytes != whole || watched == 0 {
        return Err(io::Error::other(format!(
            "{} of {whole} bytes in the file",
            last.bytes
        )));
    }
    let scale = whole as f64 / watched as f64;
    Ok(Sample {
        client,
        topic: shape.name,
        records,
        bytes: records * shape.value_bytes as u64,
        seconds: (last.at - first.at).as_secs_f64() * scale,
        cpu_seconds: (last.cpu_seconds - first.cpu_seconds) * scale,
        broker_cpu_seconds: 0.0,
        peak_kib,
    })
}
