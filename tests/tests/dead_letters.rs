//! Bad records are skipped or end their task as in Java, and are told of in the same words: files, dead letter topics,
//! committed offsets and states of a Java worker and ours, side by side, with the same topics and connectors.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use ferrovia_tests::drain::DRAIN_LIMIT;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Sample};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};
use serde_json::Value;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const CAST: &str = "org.apache.kafka.connect.transforms.Cast$Value";
const DATE: &str = "org.apache.kafka.connect.transforms.TimestampConverter$Value";
const STACKTRACE: &str = "__connect.errors.exception.stacktrace";
/// The one header in which names of the two sides differ: connectors of one name would share a group.
const CONNECTOR: &str = "__connect.errors.connector.name";
/// Until a task that meets a bad record has failed or gone on.
const VERDICT_LIMIT: Duration = Duration::from_secs(60);

type Bytes = Option<&'static [u8]>;

/// A topic and the settings of the connector that reads it.
struct Case {
    topic: &'static str,
    records: Vec<Sample>,
    settings: &'static [(&'static str, &'static str)],
}

/// JSON that a schemaless converter takes or not: malformed, cut off, followed by more, not UTF-8, empty, absent. Words that
/// nobody knows are told of as Jackson decodes them.
const SCHEMALESS: [Bytes; 28] = [
    Some(br#"{"a":1,"b":[null,true,1.5e300],"c":{"d":"text"}}"#),
    Some(b"{not json"),
    Some(b"text"),
    None,
    Some(br#"{"a":"cut"#),
    Some(b""),
    Some(b"{\"a\":\"\xff\xfe\"}"),
    Some(b"1 2"),
    Some(br#"{"a":1,}"#),
    Some(b"nul"),
    Some(br#"{"schema":null,"payload":7}"#),
    Some(b"0123"),
    Some(b"\xc3"),
    Some(b"\xff\xfe"),
    Some(b"\xc3\xa9"),
    Some(b"[\xe9,1]"),
    Some(b"\x80"),
    Some(b"\xd7"),
    Some("wörd".as_bytes()),
    Some("word² ".as_bytes()),
    Some(b"word\xff"),
    Some(b"[1.5,word\xc3"),
    Some(b"true\xc3\xa9"),
    Some("{é".as_bytes()),
    Some("{\"a\":\"\\€\"}".as_bytes()),
    Some(b"-Ix"),
    Some(b"[NaN]"),
    Some(br#"["last"]"#),
];

/// Envelopes that fit and envelopes that do not: no schema, no payload, a wrong type, an unknown type, more fields.
const ENVELOPES: [Bytes; 15] = [
    Some(br#"{"schema":{"type":"int32","optional":false},"payload":7}"#),
    Some(br#"{"a":1}"#),
    Some(br#"{"schema":{"type":"int32"}}"#),
    Some(br#"{"payload":7}"#),
    None,
    Some(br#"{"schema":{"type":"int32","optional":false},"payload":"seven"}"#),
    Some(br#"{"schema":{"type":"strong"},"payload":"x"}"#),
    Some(br#"{"schema":{"optional":true},"payload":"x"}"#),
    Some(br#"{"schema":{"type":"string","optional":false},"payload":null}"#),
    Some(br#"{"schema":{"type":"string"},"payload":"x","more":1}"#),
    Some(br#"{"schema":{"type":"array"},"payload":[1]}"#),
    Some(b"{not json"),
    Some(b"{\"schema\":{\"type\":\"string\"},\"payload\":\"\xff\xfe\"}"),
    Some(br#"[{"schema":null}]"#),
    Some(br#"{"schema":{"type":"string","optional":true},"payload":null}"#),
];

/// The topics of tasks that fail begin with the bad record: Java converts all that a poll brings before it puts any of
/// it, so that what stands before the bad record depends on how the records came.
fn cases() -> [Case; 10] {
    let value = |settings| ("value", settings);
    let key = |settings| ("key", settings);
    let json = |topic, values: &[Bytes], (side, settings): (&str, _)| Case {
        topic,
        records: records(values, side == "key"),
        settings,
    };
    [
        Case {
            topic: "letters-cast",
            records: texts(
                &["1", "text", "128", "1.5", "-7", "", "2147483648", " 1"],
                "kept",
            ),
            settings: &[
                ("transforms", "number"),
                ("transforms.number.type", CAST),
                ("transforms.number.spec", "int8"),
            ],
        },
        Case {
            topic: "letters-float",
            records: texts(&["1", " 2.5f ", " 1.5x ", "1..5", " ", "x..", "-"], "kept"),
            settings: &[
                ("transforms", "number"),
                ("transforms.number.type", CAST),
                ("transforms.number.spec", "float64"),
            ],
        },
        Case {
            topic: "letters-date",
            records: texts(&["2023-11-14", "2023-11", "", "\"then\""], "kept"),
            settings: &[
                ("transforms", "date"),
                ("transforms.date.type", DATE),
                ("transforms.date.target.type", "unix"),
                ("transforms.date.format", "yyyy-MM-dd"),
            ],
        },
        Case {
            topic: "letters-header",
            records: texts(&["a", "b"], "{not json"),
            settings: &[
                ("header.converter", JSON),
                ("header.converter.schemas.enable", "false"),
            ],
        },
        json("letters-value", &SCHEMALESS, value(VALUE_SCHEMALESS)),
        json("letters-value-schemas", &ENVELOPES, value(VALUE_SCHEMAS)),
        json("letters-key", &SCHEMALESS, key(KEY_SCHEMALESS)),
        json("letters-key-schemas", &ENVELOPES, key(KEY_SCHEMAS)),
        json("letters-none", &SCHEMALESS[1..], value(NONE_SCHEMALESS)),
        json("letters-none-schemas", &ENVELOPES[1..], value(NONE_SCHEMAS)),
    ]
}

const VALUE_SCHEMALESS: &[(&str, &str)] = &[
    ("value.converter", JSON),
    ("value.converter.schemas.enable", "false"),
];
const VALUE_SCHEMAS: &[(&str, &str)] = &[("value.converter", JSON)];
const KEY_SCHEMALESS: &[(&str, &str)] = &[
    ("key.converter", JSON),
    ("key.converter.schemas.enable", "false"),
];
const KEY_SCHEMAS: &[(&str, &str)] = &[("key.converter", JSON)];
const NONE_SCHEMALESS: &[(&str, &str)] = &[
    ("value.converter", JSON),
    ("value.converter.schemas.enable", "false"),
    ("errors.tolerance", "none"),
];
const NONE_SCHEMAS: &[(&str, &str)] = &[("value.converter", JSON), ("errors.tolerance", "none")];

fn texts(values: &[&str], header: &str) -> Vec<Sample> {
    let numbered = (0..).zip(values);
    let sample = |(number, value): (i64, &&str)| Sample {
        timestamp: 1_700_000_000_000 + number,
        key: Some(format!("key {number}").into_bytes()),
        value: Some(value.as_bytes().to_vec()),
        headers: vec![
            ("own".to_owned(), Some(header.as_bytes().to_vec())),
            ("empty".to_owned(), None),
        ],
    };
    numbered.map(sample).collect()
}

/// Records with these bytes on one side and a number on the other.
fn records(bytes: &[Bytes], on_key: bool) -> Vec<Sample> {
    let sample = |(number, bytes): (i64, &Bytes)| {
        let (told, other) = (
            bytes.map(<[u8]>::to_vec),
            Some(format!("{number}").into_bytes()),
        );
        let (key, value) = if on_key { (told, other) } else { (other, told) };
        Sample {
            timestamp: 1_700_000_000_000 + number,
            key,
            value,
            headers: Vec::new(),
        }
    };
    (0..).zip(bytes).map(sample).collect()
}

/// What a worker has made of a topic.
#[derive(Debug, PartialEq)]
struct Outcome {
    file: String,
    letters: Vec<Sample>,
    committed: Vec<i64>,
    /// Why the task has failed, if it has.
    trace: Option<String>,
}

type Outcomes = BTreeMap<&'static str, Outcome>;

/// What both workers have made of all topics: Java's, ours.
fn outcomes() -> io::Result<&'static (Outcomes, Outcomes)> {
    static OUTCOMES: OnceLock<Result<(Outcomes, Outcomes), String>> = OnceLock::new();
    let both = || {
        let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
        for case in cases() {
            lab.create(case.topic, 1)?;
            for record in &case.records {
                lab.send(case.topic, record)?;
            }
        }
        Ok((
            run("java", Make::Java, &mut lab)?,
            run("ours", Make::subject(), &mut lab)?,
        ))
    };
    let outcomes = OUTCOMES.get_or_init(|| both().map_err(|error: io::Error| error.to_string()));
    outcomes
        .as_ref()
        .map_err(|error| io::Error::other(error.clone()))
}

fn name(side: &str, topic: &str) -> String {
    format!("{topic}-{side}")
}

fn run(side: &str, make: Make, lab: &mut Lab) -> io::Result<Outcomes> {
    let folder = tempfile::tempdir()?;
    let file = |topic| folder.path().join(topic);
    let connectors = cases().map(|case| {
        let name = name(side, case.topic);
        let connector = Properties::file_sink(&name, case.topic, 1, &file(case.topic))
            .with("errors.deadletterqueue.topic.name", format!("dead-{name}"))
            .with("errors.deadletterqueue.topic.replication.factor", 1)
            .with("errors.deadletterqueue.context.headers.enable", true);
        let settings = [("errors.tolerance", "all")].iter().chain(case.settings);
        let settings: BTreeMap<_, _> = settings.copied().collect();
        settings
            .iter()
            .fold(connector, |it, (key, value)| it.with(key, value))
    });
    let worker = Worker::start_all(make, Kafka::shared(ORACLE)?, &connectors, |it| it)?;
    let mut traces = BTreeMap::new();
    for case in cases() {
        traces.insert(case.topic, wait_verdict(lab, &worker, side, case.topic)?);
    }
    worker.stop()?;
    let mut outcomes = Outcomes::new();
    for (topic, trace) in traces {
        let name = name(side, topic);
        let mut letters = lab.read(&format!("dead-{name}"))?;
        for header in letters.iter_mut().flat_map(|letter| &mut letter.headers) {
            normalize(header, &name);
        }
        let outcome = Outcome {
            file: String::from_utf8_lossy(&fs::read(file(topic))?).into_owned(),
            letters,
            committed: lab
                .committed(&format!("connect-{name}"))?
                .into_values()
                .collect(),
            trace,
        };
        outcomes.insert(topic, outcome);
    }
    Ok(outcomes)
}

/// Waits until the task has committed the topic's end, or has failed: says why.
fn wait_verdict(
    lab: &mut Lab,
    worker: &Worker,
    side: &str,
    topic: &str,
) -> io::Result<Option<String>> {
    let name = name(side, topic);
    let ends = lab.ends(topic)?;
    let limit = VERDICT_LIMIT.min(DRAIN_LIMIT);
    wait::until(&format!("the end of {name}"), limit, || {
        if lab.committed(&format!("connect-{name}"))? == ends {
            return Ok(Some(None));
        }
        let status = worker.get(&format!("/connectors/{name}/status"))?;
        let status: Value = serde_json::from_str(&status.body)?;
        let text = |place| status.pointer(place).and_then(Value::as_str);
        let trace = text("/tasks/0/trace").unwrap_or_default();
        Ok((text("/tasks/0/state") == Some("FAILED")).then(|| Some(without_places(trace))))
    })
}

/// The name of the side goes, and the lines of a trace that name places in Java's code.
fn normalize(header: &mut (String, Option<Vec<u8>>), name: &str) {
    let (key, Some(value)) = header else {
        return;
    };
    if key == CONNECTOR {
        assert_eq!(value, name.as_bytes());
        *value = b"this side".to_vec();
    }
    if key == STACKTRACE {
        *value = without_places(&String::from_utf8_lossy(value)).into_bytes();
    }
}

/// An exception and its causes, without the places in Java's code.
fn without_places(trace: &str) -> String {
    let lines = trace.lines();
    let told = lines.filter(|line| !line.starts_with("\tat ") && !line.starts_with("\t... "));
    told.collect::<Vec<_>>().join("\n")
}

fn check(topic: &str, has_failed: bool) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let (java, ours) = outcomes()?;
    let missing = || io::Error::other(format!("no outcome of {topic}"));
    let java = java.get(topic).ok_or_else(missing)?;
    let ours = ours.get(topic).ok_or_else(missing)?;
    for (number, (java, ours)) in readable(java).iter().zip(readable(ours)).enumerate() {
        assert_eq!(*java, ours, "{topic}: number {number}");
    }
    assert_eq!(java, ours);
    assert!(!java.letters.is_empty());
    assert_eq!(java.trace.is_some(), has_failed);
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
    let ends = [
        outcome.file.clone(),
        outcome.trace.clone().unwrap_or_default(),
    ];
    letters.chain(ends).collect()
}

#[test]
fn failing_transformation_is_told_in_the_same_words() -> io::Result<()> {
    check("letters-cast", false)
}

#[test]
fn text_that_is_no_float_is_told_in_the_same_words() -> io::Result<()> {
    check("letters-float", false)
}

#[test]
fn text_that_is_no_date_is_told_in_the_same_words() -> io::Result<()> {
    check("letters-date", false)
}

#[test]
fn failing_header_converter_is_told_in_the_same_words() -> io::Result<()> {
    check("letters-header", false)
}

#[test]
fn bad_json_values_without_schemas_are_told_in_the_same_words() -> io::Result<()> {
    check("letters-value", false)
}

#[test]
fn bad_json_values_with_schemas_are_told_in_the_same_words() -> io::Result<()> {
    check("letters-value-schemas", false)
}

#[test]
fn bad_json_keys_without_schemas_are_told_in_the_same_words() -> io::Result<()> {
    check("letters-key", false)
}

#[test]
fn bad_json_keys_with_schemas_are_told_in_the_same_words() -> io::Result<()> {
    check("letters-key-schemas", false)
}

#[test]
fn bad_record_that_ends_its_task_becomes_a_dead_letter_too() -> io::Result<()> {
    check("letters-none", true)
}

#[test]
fn bad_envelope_that_ends_its_task_becomes_a_dead_letter_too() -> io::Result<()> {
    check("letters-none-schemas", true)
}
