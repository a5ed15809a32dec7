//! The last 3.x broker serves as well as the newest: the same drain, uncompressed and zstd.

use std::io;

use ferrovia_tests::drain::drain_exactly;
use ferrovia_tests::grounds::{self, OLD_BROKER, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Load;
use ferrovia_tests::worker::Make;

fn check(codec: &'static str) -> io::Result<()> {
    if !grounds::has_kafka(OLD_BROKER)? || !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let load = Load {
        codec,
        ..Load::text(&format!("old-broker-{codec}"), 8, grounds::records())
    };
    let tasks = if Make::subject() == Make::Java { 1 } else { 2 };
    drain_exactly(Kafka::shared(OLD_BROKER)?, &load, tasks)
}

#[test]
fn uncompressed_topic_of_a_3x_broker_arrives_exactly() -> io::Result<()> {
    check("none")
}

#[test]
fn zstd_topic_of_a_3x_broker_arrives_exactly() -> io::Result<()> {
    check("zstd")
}
