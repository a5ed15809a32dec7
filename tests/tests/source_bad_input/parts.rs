//! Batches larger than their topic takes, of records that are not: they arrive, each record once and in order, from Java's
//! worker and from ours.

use std::fs;
use std::io;

use ferrovia_tests::cluster::{Cluster, file_source, put_config};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use ferrovia_tests::wait;
use ferrovia_tests::worker::Make;
use serde_json::Value;

use crate::scene::{LIMIT, append};

const LINES: usize = 3_000;
/// Some 70 of the lines, or several hundred where they are compressed.
const TAKEN: &str = "max.message.bytes=1500";

const IN_FLIGHT: &str = "producer.override.max.in.flight.requests.per.connection";

/// Has a worker of each make read the lines, with each of these settings of its producers.
fn check(name: &str, support: &str, settings: &[&[(&str, &str)]]) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    append(&file, 0..LINES)?;
    let wanted = fs::read_to_string(&file)?;
    let mut workers = Vec::new();
    for make in [Make::Java, Make::Ferrovia] {
        let cluster = Cluster::new(kafka).with("exactly.once.source.support", support);
        workers.push((make, cluster.launch(make)?));
    }
    let mut topics = Vec::new();
    for (make, worker) in &mut workers {
        worker.until_healthy()?;
        for (number, settings) in settings.iter().enumerate() {
            let topic = format!("{name}-{make:?}-{number}");
            lab.create_with(&topic, 1, &[TAKEN])?;
            let mut source = file_source(&topic, &topic, &file);
            let batches = ("producer.override.batch.size", "20000");
            for (key, value) in [&[batches], *settings].concat() {
                source.insert(key.to_owned(), Value::from(value));
            }
            // Java's producer may come to a standstill when it has to split with several batches on their way.
            if *make == Make::Ferrovia {
                source.insert(IN_FLIGHT.to_owned(), Value::from("5"));
            }
            put_config(worker, &source)?;
            topics.push(topic);
        }
    }
    for topic in topics {
        let mut last = 0;
        let arrived = wait::until(&topic, LIMIT, || {
            let records = lab.read_at(&topic, "read_committed")?;
            last = records.len();
            Ok((last >= LINES).then_some(records))
        });
        let arrived =
            arrived.map_err(|e| io::Error::new(e.kind(), format!("{e}, but {last} records")))?;
        let values = arrived.iter().map(|record| record.value.as_deref());
        let lines = wanted.lines().map(|line| Some(line.as_bytes()));
        assert!(values.eq(lines), "{topic}: {}", arrived.len());
    }
    for (_, worker) in workers {
        worker.stop()?;
    }
    Ok(())
}

#[test]
fn batches_too_large_for_their_topic_arrive_in_parts() -> io::Result<()> {
    let gzip = ("producer.override.compression.type", "gzip");
    let idempotent = ("producer.override.enable.idempotence", "true");
    check(
        "parts",
        "disabled",
        &[&[], &[gzip], &[idempotent], &[gzip, idempotent]],
    )
}

#[test]
fn batches_too_large_for_their_topic_arrive_in_parts_within_transactions() -> io::Result<()> {
    let gzip = ("producer.override.compression.type", "gzip");
    check("parts-once", "enabled", &[&[], &[gzip]])
}
