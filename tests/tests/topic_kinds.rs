//! Topics with holes and strange times: transactions, compaction and the broker's own timestamps. The worker writes
//! what Kafka's consumer reads.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use ferrovia_tests::census::{Findings, Tally};
use ferrovia_tests::drain::{DRAIN_LIMIT, SIGTERM_EXIT, fill_and_drain_exactly, length};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};

const PARTITIONS: i32 = 4;
/// Keys in each partition of the compacted topic.
const KEYS: u64 = 1_000;
/// Twice the `segment.ms` of the compacted topic.
const SEGMENT_AGE_MAX: Duration = Duration::from_millis(200);
const CLEAN_LIMIT: Duration = Duration::from_secs(60);

/// Drains what is there and stops the worker; fails unless the file holds `expected`, each record once.
fn check_written(
    topic: &str,
    connector: &Properties,
    file: &Path,
    expected: &Tally,
) -> io::Result<()> {
    let mut worker = Worker::start(Make::subject(), Kafka::shared(ORACLE)?, connector)?;
    let size = Load::text(topic, PARTITIONS, 0).size;
    let whole = expected.count() * (size as u64 + 1);
    worker
        .process()
        .until("all records in the file", DRAIN_LIMIT, || {
            Ok((length(file) >= whole).then_some(()))
        })?;
    assert_eq!(worker.stop()?.code(), Some(SIGTERM_EXIT));
    let mut found = Findings::default();
    found.read(file, size)?;
    assert_eq!((found.duplicates, found.torn, found.foreign), (0, 0, 0));
    assert_eq!(found.distinct, *expected);
    Ok(())
}

fn check_isolation(lab: &mut Lab, topic: &str, isolation: &str) -> io::Result<Tally> {
    let expected = lab.scan_at(topic, isolation)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let connector = Properties::file_sink(&format!("{topic}-{isolation}"), topic, 1, &file)
        .with("consumer.override.isolation.level", isolation);
    check_written(topic, &connector, &file, &expected)?;
    Ok(expected)
}

#[test]
fn aborted_and_open_transactions_are_read_as_the_isolation_level_says() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    for codec in ["none", "zstd"] {
        let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
        let topic = format!("transactions-{codec}");
        lab.create(&topic, PARTITIONS)?;
        let load = Load {
            codec,
            ..Load::text(&topic, PARTITIONS, 1_000)
        };
        let outcomes = "caccaacacaaaccco";
        let committed = lab.transact(&load, outcomes)?;
        assert_eq!(
            check_isolation(&mut lab, &topic, "read_committed")?,
            committed
        );
        let all = check_isolation(&mut lab, &topic, "read_uncommitted")?;
        assert_eq!(all.count(), load.count * outcomes.len() as u64);
    }
    Ok(())
}

#[test]
fn compacted_topic_arrives_with_its_gaps() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
    // Only segments that are no longer written to are compacted, so each is closed soon.
    let settings = [
        "cleanup.policy=compact",
        "segment.ms=100",
        "min.cleanable.dirty.ratio=0.01",
    ];
    lab.create_with("compacted", PARTITIONS, &settings)?;
    let load = Load {
        codec: "lz4",
        keys: KEYS,
        ..Load::text("compacted", PARTITIONS, 100_000)
    };
    lab.produce(&load)?;
    let produced = Instant::now();
    wait::until("the age at which a segment is closed", CLEAN_LIMIT, || {
        Ok((produced.elapsed() > SEGMENT_AGE_MAX).then_some(()))
    })?;
    // One record of a new key for each partition, which closes the segment before it and stays in the last.
    let closing = Load {
        keys: load.count,
        count: u64::from(PARTITIONS.unsigned_abs()),
        first: load.count,
        ..load
    };
    lab.produce(&closing)?;
    let expected = wait::until("compaction", CLEAN_LIMIT, || {
        let found = lab.scan("compacted")?;
        Ok(Some(found).filter(|found| found.count() == (KEYS + 1) * closing.count))
    })?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let connector = Properties::file_sink("compacted", "compacted", 1, &file);
    check_written("compacted", &connector, &file, &expected)
}

#[test]
fn topic_with_log_append_time_arrives_exactly() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let settings = ["message.timestamp.type=LogAppendTime"];
    for codec in ["none", "lz4"] {
        let load = Load {
            codec,
            ..Load::text(&format!("append-time-{codec}"), PARTITIONS, 20_000)
        };
        Lab::start(kafka)?.create_with(&load.topic, PARTITIONS, &settings)?;
        fill_and_drain_exactly(kafka, &load, 1)?;
    }
    Ok(())
}
