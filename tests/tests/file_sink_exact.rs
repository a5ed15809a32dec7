//! A topic of every codec arrives in a file exactly: each record once, offsets committed to the end after SIGTERM.

use std::io;

use ferrovia_tests::drain::drain_exactly;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Load;
use ferrovia_tests::worker::Make;

fn check(codec: &'static str) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let load = Load {
        codec,
        ..Load::text(&format!("exact-{codec}"), 8, grounds::records())
    };
    // Java's tasks write text and line end apart, so that two of them garble a shared file.
    let tasks = if Make::subject() == Make::Java { 1 } else { 2 };
    drain_exactly(Kafka::shared(ORACLE)?, &load, tasks)
}

#[test]
fn uncompressed_topic_arrives_exactly() -> io::Result<()> {
    check("none")
}

#[test]
fn gzip_topic_arrives_exactly() -> io::Result<()> {
    check("gzip")
}

#[test]
fn snappy_topic_arrives_exactly() -> io::Result<()> {
    check("snappy")
}

#[test]
fn lz4_topic_arrives_exactly() -> io::Result<()> {
    check("lz4")
}

#[test]
fn zstd_topic_arrives_exactly() -> io::Result<()> {
    check("zstd")
}
