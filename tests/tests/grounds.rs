//! The test grounds themselves: what the lab says it produced is what the broker holds, and Kafka's tools run in it.

use std::io;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};

#[test]
fn lab_knows_what_it_produced() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
    lab.create("produced", 3)?;
    let mut load = Load {
        size: 200,
        kind: "json",
        codec: "snappy",
        ..Load::text("produced", 3, 3_000)
    };
    let mut produced = lab.produce(&load)?;
    load.first = load.count;
    produced.add(&lab.produce(&load)?);
    assert_eq!(produced.count(), 6_000);
    assert_eq!(lab.scan("produced")?, produced);
    assert_eq!(lab.ends("produced")?.values().sum::<i64>(), 6_000);
    Ok(())
}

#[test]
fn kafkas_tools_run_in_the_lab() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    lab.create("listed", 1)?;
    let bootstrap = kafka.bootstrap();
    let list = ["--bootstrap-server", &bootstrap, "--list"];
    let (status, printed) = lab.tool("org.apache.kafka.tools.TopicCommand", &list)?;
    assert_eq!(status, 0);
    assert!(printed.lines().any(|line| line == "listed"), "{printed}");
    let groups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let (status, printed) = lab.tool(groups, &list)?;
    assert_eq!(status, 0, "{printed}");
    let (status, _) = lab.tool(groups, &["--no-such-option"])?;
    assert_eq!(status, 1);
    Ok(())
}
