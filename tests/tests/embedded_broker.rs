//! Kafka's own command-line tools, unchanged, against the embedded broker: create a topic, produce,
//! consume, look at groups, measure, delete.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking and tells what the tools printed"
)]

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_tests::grounds::{self, ORACLE};

const TOOL_DEADLINE: Duration = Duration::from_secs(120);
const RECORDS: usize = 1_000;

struct Tools {
    class_path: String,
    bootstrap: String,
}

impl Tools {
    /// Runs `org.apache.kafka.tools.<class>` with standard input; gives its standard output.
    fn run(&self, class: &str, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("java")
            .args([
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                &self.class_path,
            ])
            .arg(format!("org.apache.kafka.tools.{class}"))
            .args(["--bootstrap-server", &self.bootstrap])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("java is needed for this test");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let id = child.id();
        let (done, finished) = std::sync::mpsc::sync_channel::<()>(1);
        // Ends a tool that hangs, so that the test fails instead of waiting for ever.
        let watchdog = std::thread::spawn(move || {
            if finished.recv_timeout(TOOL_DEADLINE).is_err() {
                let _ = Command::new("kill").arg(id.to_string()).status();
            }
        });
        let start = Instant::now();
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        watchdog.join().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        println!(
            "{class} {arguments:?} took {:?}\n{stdout}{stderr}",
            start.elapsed()
        );
        assert!(output.status.success(), "{class} {arguments:?} failed");
        stdout
    }

    fn groups(&self, arguments: &[&str]) -> String {
        self.run("consumer.group.ConsumerGroupCommand", arguments, "")
    }

    fn topics(&self, arguments: &[&str]) -> String {
        self.run("TopicCommand", arguments, "")
    }
}

/// The row of a group's partition: current offset, end offset and lag.
fn offsets(described: &str, partition: &str) -> Vec<String> {
    let row = described
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = row
        .into_iter()
        .find(|row| row.get(2) == Some(&partition))
        .unwrap();
    row[3..6]
        .iter()
        .map(|column| (*column).to_owned())
        .collect()
}

#[test]
fn kafkas_own_tools_work_unchanged() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let broker = EmbeddedBroker::start_blocking(BrokerConfig::default()).unwrap();
    let tools = Tools {
        class_path: grounds::class_path(ORACLE),
        bootstrap: broker.address().to_string(),
    };
    check_topic_creation(&tools);
    check_records(&tools);
    let ends = broker.topic_end_offsets("orders");
    assert_eq!(ends.iter().sum::<i64>(), i64::try_from(RECORDS).unwrap());
    check_groups(&tools, &ends);
    assert_eq!(broker.committed_offset("readers", "orders", 0), Some(0));
    check_measuring_tools(&tools);
    assert_eq!(broker.topic_end_offsets("load"), [20_000]);
    tools.groups(&["--delete", "--group", "readers"]);
    tools.topics(&["--delete", "--topic", "orders"]);
    assert!(!tools.topics(&["--list"]).contains("orders"));
    broker.stop();
    Ok(())
}

fn check_topic_creation(tools: &Tools) {
    let create = ["--create", "--topic", "orders", "--partitions", "2"];
    let settings = [
        "--replication-factor",
        "1",
        "--config",
        "cleanup.policy=compact",
    ];
    tools.topics(&[&create[..], &settings].concat());
    assert!(
        tools
            .topics(&["--list"])
            .lines()
            .any(|line| line == "orders")
    );
    let described = tools.topics(&["--describe", "--topic", "orders"]);
    assert!(described.contains("PartitionCount: 2"), "{described}");
    assert!(described.contains("cleanup.policy=compact"), "{described}");
}

fn check_records(tools: &Tools) {
    let lines: BTreeSet<String> = (0..RECORDS).map(|n| format!("record {n}")).collect();
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    tools.run("ConsoleProducer", &["--topic", "orders"], &input);
    let count = RECORDS.to_string();
    let consume = [
        "--topic",
        "orders",
        "--from-beginning",
        "--max-messages",
        &count,
    ];
    let consume = [&consume[..], &["--group", "readers"]].concat();
    let read = tools.run("consumer.ConsoleConsumer", &consume, "");
    assert_eq!(
        read.lines().map(ToOwned::to_owned).collect::<BTreeSet<_>>(),
        lines
    );
}

fn check_groups(tools: &Tools, ends: &[i64]) {
    assert!(
        tools
            .groups(&["--list"])
            .lines()
            .any(|line| line == "readers")
    );
    let described = tools.groups(&["--describe", "--group", "readers"]);
    for (partition, end) in ["0", "1"].iter().zip(ends) {
        assert_eq!(
            offsets(&described, partition),
            [end.to_string(), end.to_string(), "0".into()]
        );
    }
    let reset = ["--reset-offsets", "--group", "readers", "--topic", "orders"];
    tools.groups(&[&reset[..], &["--to-earliest", "--execute"]].concat());
    let described = tools.groups(&["--describe", "--group", "readers"]);
    for (partition, end) in ["0", "1"].iter().zip(ends) {
        assert_eq!(
            offsets(&described, partition),
            ["0".into(), end.to_string(), end.to_string()]
        );
    }
}

fn check_measuring_tools(tools: &Tools) {
    let load = [
        "--topic",
        "load",
        "--num-records",
        "20000",
        "--record-size",
        "500",
    ];
    let load = [&load[..], &["--throughput", "-1"]].concat();
    assert!(
        tools
            .run("ProducerPerformance", &load, "")
            .contains("20000 records sent")
    );
    let measure = [
        "--topic",
        "load",
        "--num-records",
        "20000",
        "--timeout",
        "60000",
    ];
    let measured = tools.run("ConsumerPerformance", &measure, "");
    assert!(measured.contains(", 20000, "), "{measured}");
}
