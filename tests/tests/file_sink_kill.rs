//! Workers are killed, join and leave while records flow; Java's worker sits in the same group. Nothing is lost;
//! duplicates are counted and shown.

use std::io;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::stream::{RATE, Stream};
use ferrovia_tests::worker::Make;

#[test]
fn kill_9_loses_nothing() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut stream = Stream::start(kafka, "killed")?;
    let mut committed = 0;
    for _ in 0..3 {
        let mut worker = stream.worker(kafka, Make::subject(), "sink.txt")?;
        // A kill before the first commit would prove little: the group would just start again.
        committed = stream.wait_commit(committed)?;
        stream.wait_progress(&mut worker, "sink.txt", RATE / 10)?;
        worker.kill()?;
        assert!(stream.flows(), "the kill must fall into the stream");
    }
    let last = stream.worker(kafka, Make::subject(), "sink.txt")?;
    stream.finish(last, &["sink.txt"]).map(drop)
}

#[test]
fn second_worker_joins_and_leaves_without_loss() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let stream = Stream::start(kafka, "joined")?;
    let mut first = stream.worker(kafka, Make::subject(), "first.txt")?;
    stream.wait_progress(&mut first, "first.txt", RATE / 4)?;
    let mut second = stream.worker(kafka, Make::subject(), "second.txt")?;
    stream.wait_progress(&mut second, "second.txt", RATE / 4)?;
    second.stop()?;
    stream.wait_progress(&mut first, "first.txt", RATE / 4)?;
    assert!(stream.findings(&["second.txt"])?.distinct.count() > 0);
    stream.finish(first, &["first.txt", "second.txt"]).map(drop)
}

/// Lets our worker and Java's share a group, each of them leading it for a while.
fn share_with_java(topic: &str, assignor: Option<&str>) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut stream = Stream::start(kafka, topic)?;
    if let Some(name) = assignor {
        let key = "consumer.override.partition.assignment.strategy";
        stream = stream.with(key, &format!("org.apache.kafka.clients.consumer.{name}"));
    }
    let mut ours = stream.worker(kafka, Make::subject(), "ours.txt")?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    let mut java = stream.worker(kafka, Make::Java, "java.txt")?;
    stream.wait_progress(&mut java, "java.txt", RATE / 10)?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    // Whoever leads the group now, the other one has to take over.
    ours.stop()?;
    stream.wait_progress(&mut java, "java.txt", RATE / 10)?;
    let mut ours = stream.worker(kafka, Make::subject(), "ours.txt")?;
    stream.wait_progress(&mut ours, "ours.txt", RATE / 10)?;
    java.stop()?;
    stream.finish(ours, &["ours.txt", "java.txt"]).map(drop)
}

#[test]
fn java_worker_shares_the_group_without_loss() -> io::Result<()> {
    share_with_java("shared", None)
}

#[test]
fn java_worker_shares_a_cooperative_group_without_loss() -> io::Result<()> {
    share_with_java("shared-cooperative", Some("CooperativeStickyAssignor"))
}
