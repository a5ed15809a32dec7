//! The binary's own ways to move records, `bench` and `demo`, checked from outside: Kafka's consumer reads what `fill`
//! has written, `drain` counts what is there, and the demo's file holds what it produced.

use std::fs;
use std::io;
use std::process::Command;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};

/// Records that `fill` writes; with a batch of 128 KiB, some hundred batches.
const RECORDS: u64 = 20_000;

/// Runs the binary to its end, and gives what it printed.
fn ferrovia(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(grounds::ferrovia()?)
        .args(arguments)
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {printed}{errors}");
    Ok(printed)
}

/// The figures of a drain.
fn drained(bootstrap: &str, topic: &str, input: &str) -> io::Result<serde_json::Value> {
    let to = ["--bootstrap-server", bootstrap, "--topic", topic];
    let how = ["--input", input, "--json"];
    let printed = ferrovia(&[&["bench", "drain"], &to[..], &how].concat())?;
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(io::Error::other)
}

#[test]
fn java_reads_what_fill_has_written_with_every_codec_and_drain_counts_it() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let bootstrap = kafka.bootstrap();
    let mut lab = Lab::start(kafka)?;
    let mut contents = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("filled-{codec}");
        let records = RECORDS.to_string();
        let to = ["--bootstrap-server", &bootstrap, "--topic", &topic];
        let what = ["--records", &records, "--compression-type", codec];
        ferrovia(&[&["bench", "fill"], &to[..], &what].concat())?;
        let found = lab.scan(&topic)?;
        assert_eq!(found.count(), RECORDS, "{codec}");
        let hashes = found.partitions.values().map(|sum| sum.hash);
        let bytes = drained(&bootstrap, &topic, "records")?;
        assert_eq!(bytes["records"], RECORDS, "{bytes}");
        contents.push((hashes.fold(0, u64::wrapping_add), bytes["bytes"].clone()));
        let whole = drained(&bootstrap, &topic, "batches")?;
        assert_eq!(whole["records"], RECORDS, "{whole}");
    }
    let to = ["--bootstrap-server", &bootstrap, "--topic", "made-up"];
    let what = ["--records", "1000", "--quickstart", "users"];
    ferrovia(&[&["bench", "fill"], &to[..], &what].concat())?;
    let users = lab.read("made-up")?;
    assert_eq!(users.len(), 1_000);
    for user in users {
        let user: serde_json::Value = serde_json::from_slice(&user.value.unwrap_or_default())?;
        assert!(user["userid"].is_string(), "{user}");
    }
    // The same values in all codecs, whichever partition each went to.
    contents.dedup();
    assert_eq!(contents.len(), 1, "{contents:?}");
    Ok(())
}

#[test]
fn drain_counts_what_java_has_written() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let load = Load {
        codec: "lz4",
        ..Load::text("counted", 8, RECORDS)
    };
    let mut lab = Lab::start(kafka)?;
    lab.create(&load.topic, load.partitions)?;
    lab.produce(&load)?;
    let figures = drained(&kafka.bootstrap(), &load.topic, "records")?;
    assert_eq!(figures["records"], RECORDS, "{figures}");
    assert_eq!(figures["bytes"], RECORDS * load.size as u64, "{figures}");
    Ok(())
}

#[test]
fn demo_writes_what_it_produces() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().display().to_string();
    let listener = ["--listener", "http://127.0.0.1:0", "--out", &out];
    let made_up = ["demo", "--seconds", "2", "--quickstart", "orders"];
    let printed = ferrovia(&[&made_up, &listener[..]].concat())?;
    let figure = |name: &str| -> Option<u64> {
        let line = printed.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let lines = fs::read(folder.path().join("orders.jsonl"))?;
    let lines = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(lines > 0, "{printed}");
    let said = (figure("produced "), figure("written "));
    assert_eq!(said, (Some(lines), Some(lines)), "{printed}");
    Ok(())
}
