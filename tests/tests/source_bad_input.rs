//! What goes wrong with one source fails its task alone, with the cause in its trace; what is stored does not pass the
//! record that failed, and after a repair the task goes on there. A healthy source beside it never notices.

#[path = "source_bad_input/scene.rs"]
mod scene;
#[path = "source_bad_input/parts.rs"]
mod parts;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::wait;
use ferrovia_tests::worker::Make;

use crate::scene::{LIMIT, Scene, append};

/// A line that is none.
const LARGE: usize = 20 << 20;
const CALLBACK: &str = "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback";
const SMALL: (&str, &str) = ("producer.override.max.request.size", "1000");

fn allow(operation: &str) -> [&str; 5] {
    let user = "User:ANONYMOUS";
    ["--add", "--allow-principal", user, "--operation", operation]
}

fn deny(operation: &str) -> [&str; 5] {
    let user = "User:ANONYMOUS";
    ["--add", "--deny-principal", user, "--operation", operation]
}

#[test]
fn record_too_large_for_a_request_fails_its_task() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("large-request")?;
    scene.lab.create("large-request", 1)?;
    let large = "x".repeat(2_000);
    fs::write(scene.file(), format!("one\n{large}\nthree\n"))?;
    scene.start(&[SMALL])?;
    let too_large =
        "Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is";
    let words = [
        CALLBACK,
        too_large,
        "bytes when serialized which is larger than 1000",
    ];
    scene.demand_failure(&words, 5)?;
    scene.restart()?;
    scene.demand_failure(&words, 5)?;
    scene.start(&[])?;
    scene.demand(&["one", &large, "three"])
}

#[test]
fn record_too_large_for_its_topic_fails_its_task() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("large-topic")?;
    let settings = ["max.message.bytes=1000"];
    scene.lab.create_with("large-topic", 1, &settings)?;
    let large = "x".repeat(2_000);
    fs::write(scene.file(), format!("one\n{large}\n"))?;
    // A batch of its own: Java's producer splits one of several records, for ever where that does not help.
    scene.start(&[("producer.override.batch.size", "100")])?;
    let words = [
        CALLBACK,
        "Caused by: org.apache.kafka.common.errors.RecordTooLargeException",
    ];
    scene.demand_failure(&words, 5)?;
    let bootstrap = scene.kafka.bootstrap();
    let (status, printed) = scene.lab.tool(
        "kafka.admin.ConfigCommand",
        &[
            "--bootstrap-server",
            &bootstrap,
            "--alter",
            "--entity-type",
            "topics",
            "--entity-name",
            "large-topic",
            "--add-config",
            "max.message.bytes=100000",
        ],
    )?;
    assert_eq!(status, 0, "{printed}");
    scene.restart()?;
    scene.demand(&["one", &large])
}

#[test]
fn missing_topic_is_waited_for() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("missing-topic")?;
    append(&scene.file(), 0..2)?;
    scene.start(&[])?;
    scene.until("RUNNING", &[])?;
    scene.demand_good()?;
    assert_eq!(scene.status()?.0, "RUNNING");
    assert_eq!(scene.stored()?, None);
    scene.start(&[("producer.override.max.block.ms", "1000")])?;
    let words = [
        CALLBACK,
        "Caused by: org.apache.kafka.common.errors.TimeoutException: Topic missing-topic not present in metadata after 1000 ms.",
    ];
    scene.demand_failure(&words, 1)?;
    scene.lab.create("missing-topic", 1)?;
    scene.restart()?;
    scene.demand(&["line 0", "line 1"])
}

#[test]
fn topic_that_may_not_be_made_fails_the_task() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("forbidden-topic")?;
    // Whoever may make topics in the cluster may make this one.
    scene.acl_of(&["--cluster"], &allow("All"))?;
    scene.acl_of(&["--cluster"], &deny("Create"))?;
    scene.acl(&allow("Describe"))?;
    scene.acl(&allow("Write"))?;
    append(&scene.file(), 0..2)?;
    scene.start(&[
        ("topic.creation.default.partitions", "1"),
        ("topic.creation.default.replication.factor", "1"),
    ])?;
    let words = [
        "org.apache.kafka.connect.errors.ConnectException: Task failed to create new topic",
        "forbidden-topic",
    ];
    scene.demand_failure(&words, 1)?;
    scene.acl(&["--remove"])?;
    scene.restart()?;
    scene.demand(&["line 0", "line 1"])
}

#[test]
fn writes_that_are_forbidden_while_it_runs_fail_the_task() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("forbidden-writes")?;
    scene.lab.create("forbidden-writes", 1)?;
    append(&scene.file(), 0..2)?;
    scene.start(&[])?;
    scene.demand(&["line 0", "line 1"])?;
    scene.acl(&allow("Describe"))?;
    scene.acl(&allow("Read"))?;
    scene.acl(&deny("Write"))?;
    append(&scene.file(), 2..4)?;
    let words = [
        CALLBACK,
        "Caused by: org.apache.kafka.common.errors.TopicAuthorizationException: ",
        "forbidden-writes",
    ];
    scene.demand_failure(&words, 15)?;
    scene.acl(&["--remove"])?;
    scene.restart()?;
    scene.demand(&["line 0", "line 1", "line 2", "line 3"])
}

#[test]
fn offsets_that_make_no_sense_are_as_good_as_none_or_fail_the_task() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("odd-offsets")?;
    scene.lab.create("odd-offsets", 1)?;
    append(&scene.file(), 0..2)?;
    let own = scene.key();
    let odd_keys: [&[u8]; 6] = [
        b"no json",
        b"[]",
        b"[\"odd-offsets\"]",
        b"{\"a\":1}",
        b"\xff\xfe",
        b"[\"odd-offsets\",7]",
    ];
    for key in odd_keys {
        scene.put_offset(key, Some(b"{\"position\":7}"))?;
    }
    scene.put_offset(&own, Some(b"{\"position\":\"7\"}"))?;
    scene.start(&[])?;
    let wrong =
        "org.apache.kafka.connect.errors.ConnectException: Offset position is the incorrect type";
    scene.demand_failure(&[wrong], 1)?;
    // Java's task begins anew then, and says so in the log alone.
    scene.put_offset(&own, Some(b"no json"))?;
    scene.restart()?;
    if Make::subject() == Make::Ferrovia {
        let cause = "org.apache.kafka.connect.errors.ConnectException: What is stored under [\"odd-offsets\",";
        scene.demand_failure(&[cause, "Unrecognized token 'no'"], 1)?;
        scene.put_offset(&own, None)?;
        scene.restart()?;
    }
    scene.demand(&["line 0", "line 1"])
}

/// Lines as Java divides them, and their bytes as text.
fn lines_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' if bytes.peek() == Some(&b'\n') => {}
            b'\n' | b'\r' => lines.push(std::mem::take(&mut line)),
            byte => line.push(byte),
        }
    }
    // What has no end yet is no line.
    let text = |line: Vec<u8>| String::from_utf8_lossy(&line).into_owned().into_bytes();
    lines.into_iter().map(text).collect()
}

#[test]
fn binary_file_is_read_as_text() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("binary")?;
    let settings = ["max.message.bytes=64000000"];
    scene.lab.create_with("binary", 1, &settings)?;
    // Every byte beside every other is more than chance would bring.
    let mut bytes: Vec<u8> = (0..=255_u8)
        .flat_map(|first| [first, first.wrapping_mul(37), first.wrapping_mul(101)])
        .collect();
    bytes.extend("é\u{0}€\u{10ffff}".as_bytes());
    bytes.extend(b"\xf0\x9f\x98\n");
    let mut wanted = lines_of(&bytes);
    // Half a surrogate pair is one character that is none, where Rust sees three.
    bytes.extend(b"\xed\xa0\x80\xc0\xaf\xff\n");
    wanted.push("\u{fffd}".repeat(4).into_bytes());
    fs::write(scene.file(), &bytes)?;
    scene.start(&[
        ("producer.override.max.request.size", "64000000"),
        ("producer.override.buffer.memory", "128000000"),
    ])?;
    let count = wanted.len();
    let values = scene.await_values("binary", |values| values.len() >= count)?;
    let differs = values.iter().zip(&wanted).position(|(a, b)| a != b);
    assert!(values == wanted, "{} of {count}, {differs:?}", values.len());
    let mut file = OpenOptions::new().append(true).open(scene.file())?;
    let large = vec![b'x'; LARGE];
    file.write_all(&large)?;
    scene.demand_good()?;
    file.write_all(b"\nlast\n")?;
    let values = scene.await_values("binary", |values| values.len() >= count + 2)?;
    wanted.extend([large, b"last".to_vec()]);
    assert!(values == wanted, "the long line");
    Ok(())
}

#[test]
fn file_that_is_taken_away_is_read_on_where_it_was_when_it_is_back() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut scene = Scene::new("taken-away")?;
    scene.lab.create("taken-away", 1)?;
    append(&scene.file(), 0..5)?;
    scene.start(&[])?;
    let lines: Vec<String> = (0..9).map(|line| format!("line {line}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    scene.demand(&lines[..5])?;
    wait::until("the stored offset", LIMIT, || {
        Ok((scene.stored()? == Some(35)).then_some(()))
    })?;
    // The open file is still there for the task; what comes by that name is another one.
    fs::remove_file(scene.file())?;
    append(&scene.file(), 0..7)?;
    scene.demand_good()?;
    assert_eq!(scene.values("taken-away")?.len(), 5);
    scene.restart()?;
    scene.demand(&lines[..7])?;
    // It is cut off, and grows again beyond what was read.
    let file = OpenOptions::new().write(true).open(scene.file())?;
    file.set_len(0)?;
    scene.demand_good()?;
    assert_eq!(scene.status()?.0, "RUNNING");
    append(&scene.file(), 0..8)?;
    scene.demand(&lines[..8])?;
    // A file that is gone is waited for.
    fs::remove_file(scene.file())?;
    scene.restart()?;
    scene.demand_good()?;
    assert_eq!(scene.status()?.0, "RUNNING");
    append(&scene.file(), 0..9)?;
    scene.demand(&lines)
}
