//! The broker is killed and started again on its data while a worker drains: nothing is lost.

use std::io;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::stream::{RATE, Stream};
use ferrovia_tests::worker::Make;

#[test]
fn broker_restart_loses_nothing() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut kafka = Kafka::start(ORACLE)?;
    let mut stream = Stream::start(&kafka, "restarted")?;
    let mut worker = stream.worker(&kafka, Make::subject(), "sink.txt")?;
    for _ in 0..2 {
        let committed = stream.committed()?;
        stream.wait_commit(committed)?;
        stream.wait_progress(&mut worker, "sink.txt", RATE / 10)?;
        kafka.kill()?;
        assert!(stream.flows(), "the kill must fall into the stream");
        kafka.restart()?;
        stream.wait_progress(&mut worker, "sink.txt", RATE / 2)?;
    }
    let output = worker.output();
    assert!(!output.contains("panicked"), "{output}");
    stream.finish(worker, &["sink.txt"]).map(drop)
}
