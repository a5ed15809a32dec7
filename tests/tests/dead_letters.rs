//! Bad records are skipped as in Java, and told of in the same words: files and dead letter topics of a Java
//! worker and ours, side by side, with the same topic and the same connector.

use std::fs;
use std::io;

use ferrovia_tests::drain::wait_committed;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Sample};
use ferrovia_tests::worker::{Make, Properties, Worker};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STACKTRACE: &str = "__connect.errors.exception.stacktrace";
/// The one header in which names of the two sides differ: connectors of one name would share a group.
const CONNECTOR: &str = "__connect.errors.connector.name";

type Settings<'a> = &'a [(&'a str, &'a str)];

/// A topic with these values, each with a key, a header and a timestamp of its own.
fn fill(lab: &mut Lab, topic: &str, values: &[&str], header: &str) -> io::Result<()> {
    lab.create(topic, 1)?;
    for (number, value) in (0..).zip(values) {
        lab.send(
            topic,
            &Sample {
                timestamp: 1_700_000_000_000 + number,
                key: Some(format!("key {number}").into_bytes()),
                value: Some(value.as_bytes().to_vec()),
                headers: vec![
                    ("own".to_owned(), Some(header.as_bytes().to_vec())),
                    ("empty".to_owned(), None),
                ],
            },
        )?;
    }
    Ok(())
}

/// What a worker has made of a topic.
#[derive(Debug, PartialEq)]
struct Outcome {
    file: String,
    letters: Vec<Sample>,
    committed: Vec<i64>,
}

fn outcome(make: Make, topic: &str, settings: Settings<'_>) -> io::Result<Outcome> {
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let name = format!("{topic}-{make:?}");
    let letters = format!("dead-{name}");
    let mut connector = Properties::file_sink(&name, topic, 1, &file)
        .with("errors.deadletterqueue.topic.name", &letters)
        .with("errors.deadletterqueue.topic.replication.factor", 1)
        .with("errors.deadletterqueue.context.headers.enable", true)
        .with("errors.tolerance", "all");
    for (key, value) in settings {
        connector = connector.with(key, value);
    }
    let worker = Worker::start(make, kafka, &connector)?;
    wait_committed(&mut lab, &format!("connect-{name}"), topic)?;
    worker.stop()?;
    let committed = lab.committed(&format!("connect-{name}"))?;
    let mut letters = lab.read(&letters)?;
    for header in letters.iter_mut().flat_map(|letter| &mut letter.headers) {
        normalize(header, &name);
    }
    Ok(Outcome {
        file: String::from_utf8_lossy(&fs::read(file)?).into_owned(),
        letters,
        committed: committed.into_values().collect(),
    })
}

/// The name of the side goes, and all lines of a trace but the first.
fn normalize(header: &mut (String, Option<Vec<u8>>), name: &str) {
    let (key, Some(value)) = header else {
        return;
    };
    if key == CONNECTOR {
        assert_eq!(value, name.as_bytes());
        *value = b"this side".to_vec();
    }
    if key == STACKTRACE {
        let end = value.iter().position(|byte| *byte == b'\n');
        value.truncate(end.unwrap_or(value.len()));
    }
}

fn check(topic: &str, values: &[&str], header: &str, settings: Settings<'_>) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    fill(
        &mut Lab::start(Kafka::shared(ORACLE)?)?,
        topic,
        values,
        header,
    )?;
    let java = outcome(Make::Java, topic, settings)?;
    let ours = outcome(Make::subject(), topic, settings)?;
    assert_eq!(readable(&java), readable(&ours));
    assert_eq!(java, ours);
    assert!(!java.letters.is_empty());
    Ok(())
}

/// The same as text, so that a difference can be read.
fn readable(outcome: &Outcome) -> Vec<String> {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map(|it| String::from_utf8_lossy(it).into_owned())
    };
    let letters = outcome.letters.iter().map(|letter| {
        let headers = letter.headers.iter();
        let headers: Vec<_> = headers.map(|(key, value)| (key, text(value))).collect();
        let (key, value) = (text(&letter.key), text(&letter.value));
        format!("{} {key:?} {value:?} {headers:#?}", letter.timestamp)
    });
    letters.chain([outcome.file.clone()]).collect()
}

#[test]
fn failing_transformation_is_told_in_the_same_words() -> io::Result<()> {
    let settings = [
        ("transforms", "number"),
        (
            "transforms.number.type",
            "org.apache.kafka.connect.transforms.Cast$Value",
        ),
        ("transforms.number.spec", "int8"),
    ];
    let values = ["1", "text", "128", "1.5", "-7", ""];
    check("letters-cast", &values, "kept", &settings)
}

#[test]
fn failing_header_converter_is_told_in_the_same_words() -> io::Result<()> {
    let settings = [
        ("header.converter", JSON),
        ("header.converter.schemas.enable", "false"),
    ];
    check("letters-header", &["a", "b"], "{not json", &settings)
}
