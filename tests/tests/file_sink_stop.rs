//! SIGTERM under load: a quick end with the JVM's exit code, all that was written is committed, nothing beyond it.

use std::io;
use std::time::{Duration, Instant};

use ferrovia_tests::drain::{SIGTERM_EXIT, drain_exactly};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::stream::{PARTITIONS, RATE, Stream};
use ferrovia_tests::worker::Make;

const STOP_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn sigterm_commits_what_was_written_and_nothing_is_written_twice() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut stream = Stream::start(kafka, "stopped")?;
    for _ in 0..3 {
        let mut worker = stream.worker(kafka, Make::subject(), "sink.txt")?;
        stream.wait_progress(&mut worker, "sink.txt", RATE / 4)?;
        assert!(stream.flows(), "the stop must fall into the stream");
        let asked = Instant::now();
        let status = worker.stop()?;
        assert!(asked.elapsed() < STOP_LIMIT, "took {:?}", asked.elapsed());
        assert_eq!(status.code(), Some(SIGTERM_EXIT));
        let found = stream.findings(&["sink.txt"])?;
        assert_eq!((found.duplicates, found.torn, found.foreign), (0, 0, 0));
        let written = i64::try_from(found.distinct.count()).unwrap();
        assert_eq!(stream.committed()?, written);
    }
    let last = stream.worker(kafka, Make::subject(), "sink.txt")?;
    let found = stream.finish(last, &["sink.txt"])?;
    assert_eq!((found.duplicates, found.torn), (0, 0));
    Ok(())
}

/// Java Connect leaves the epoch out: this is one of the few things of ours that it does not have.
#[test]
fn commits_carry_the_leader_epoch() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? || Make::subject() == Make::Java {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    let load = Load::text("epochs", PARTITIONS, 800);
    drain_exactly(kafka, &load, 1)?;
    let epochs = lab.epochs("connect-sink-epochs")?;
    assert_eq!(epochs.len(), usize::try_from(PARTITIONS).unwrap());
    assert!(epochs.values().all(|epoch| *epoch == 0), "{epochs:?}");
    Ok(())
}
