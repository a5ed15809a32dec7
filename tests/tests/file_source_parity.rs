//! Java's FileStreamSource and ours make equal topics and equal offsets of the same file, whatever converts and transforms
//! the lines; and a connector goes on at the right line when Java's worker hands it to ours and back.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use ferrovia_tests::cluster::{Cluster, file_source, put_config};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Sample};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Properties, Worker};

/// How long lines may take to arrive, or offsets to be stored.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const BYTE_ARRAY: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// A connector's name and what its configuration has beside file and topic.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

/// The connector that drops all it reads, and so stores no offset.
const DROPPED: &str = "dropped";

/// What reads the file with one position per byte: its lines are ASCII.
const CASES: [Case; 6] = [
    ("string", &[]),
    (
        "json",
        &[("value.converter", JSON), ("key.converter", JSON)],
    ),
    (
        "plain-json",
        &[
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
        ],
    ),
    (
        "hoisted",
        &[
            ("value.converter", JSON),
            ("transforms", "hoist,insert,key,name"),
            (
                "transforms.hoist.type",
                "org.apache.kafka.connect.transforms.HoistField$Value",
            ),
            ("transforms.hoist.field", "line"),
            (
                "transforms.insert.type",
                "org.apache.kafka.connect.transforms.InsertField$Value",
            ),
            ("transforms.insert.static.field", "from"),
            ("transforms.insert.static.value", "a file"),
            (
                "transforms.key.type",
                "org.apache.kafka.connect.transforms.ValueToKey",
            ),
            ("transforms.key.fields", "line"),
            (
                "transforms.name.type",
                "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
            ),
            ("transforms.name.schema.name", "com.example.Line"),
        ],
    ),
    (
        "with-headers",
        &[
            ("header.converter", JSON),
            ("transforms", "head"),
            (
                "transforms.head.type",
                "org.apache.kafka.connect.transforms.InsertHeader",
            ),
            ("transforms.head.header", "answer"),
            ("transforms.head.value.literal", "42"),
        ],
    ),
    (
        DROPPED,
        &[
            ("transforms", "drop"),
            (
                "transforms.drop.type",
                "org.apache.kafka.connect.transforms.Filter",
            ),
        ],
    ),
];

/// Lines with every kind of end, and an unfinished one. They fit into one batch: of what is beyond, Java's task holds lines
/// back until the file grows.
fn lines() -> (String, usize) {
    let mut text = String::new();
    let ends = ["\n", "\r\n", "\n", "\r"].into_iter().cycle();
    for (line, end) in (0..1_500).zip(ends) {
        text += &format!("line {line} {}{end}", "x".repeat(line % 90));
    }
    text += "\n\n\"quoted\" \\ and \ttabbed\nunfinished";
    (text, 1_502)
}

/// A worker of a cluster of its own.
struct Side {
    cluster: Cluster,
    worker: Worker,
    lab: Lab,
    name: &'static str,
}

impl Side {
    fn start(kafka: &Kafka, make: Make, name: &'static str) -> io::Result<Self> {
        let cluster = Cluster::new(kafka);
        let worker = cluster.start(make)?;
        Ok(Self {
            cluster,
            worker,
            lab: Lab::start(kafka)?,
            name,
        })
    }

    fn topic(&self, case: &str) -> String {
        format!("{}-{case}", self.name)
    }

    /// Creates the connector, and its topic: brokers of these tests make none by themselves.
    fn create(&mut self, case: &Case, file: &Path) -> io::Result<()> {
        let (name, more) = case;
        let topic = self.topic(name);
        self.lab.create(&topic, 1)?;
        let mut config = file_source(name, &topic, file);
        let more = more.iter();
        config.extend(more.map(|(key, value)| ((*key).to_owned(), json!(value))));
        put_config(&self.worker, &config).map(drop)
    }

    /// The records of a case's topic without their timestamps, once there are so many.
    fn records(&mut self, case: &str, count: usize) -> io::Result<Vec<Sample>> {
        let topic = self.topic(case);
        await_records(&mut self.lab, &topic, count)?;
        let records = self.lab.read(&topic)?.into_iter();
        Ok(records
            .map(|record| Sample {
                timestamp: 0,
                ..record
            })
            .collect())
    }

    /// The last value of each key of the offsets topic, once there are so many of these positions.
    fn offsets(
        &mut self,
        positions: usize,
        position: usize,
    ) -> io::Result<BTreeMap<String, String>> {
        let topic = self.cluster.topic("offset");
        let wanted = format!("{{\"position\":{position}}}");
        wait::until("the stored offsets", ARRIVAL_LIMIT, || {
            let text = |bytes: Option<Vec<u8>>| {
                String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
            };
            let records = self.lab.read(&topic)?.into_iter();
            let last: BTreeMap<String, String> = records
                .map(|record| (text(record.key), text(record.value)))
                .collect();
            let there = last.values().filter(|value| **value == wanted).count();
            Ok((there >= positions).then_some(last))
        })
    }
}

/// Waits until a topic has so many records.
fn await_records(lab: &mut Lab, topic: &str, count: usize) -> io::Result<()> {
    let wanted = i64::try_from(count).unwrap_or(i64::MAX);
    let mut last = 0;
    let came = wait::until("the lines", ARRIVAL_LIMIT, || {
        last = lab.ends(topic)?.values().sum();
        Ok((last >= wanted).then_some(()))
    });
    came.map_err(|e| io::Error::new(e.kind(), format!("{topic}: {e}, but {last} of {count}")))
}

#[test]
fn every_converter_makes_the_topic_and_the_offsets_of_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    let (text, count) = lines();
    fs::write(&file, &text)?;
    let mut java = Side::start(kafka, Make::Java, "java")?;
    let mut ours = Side::start(kafka, Make::subject(), "ours")?;
    for case in &CASES {
        java.create(case, &file)?;
        ours.create(case, &file)?;
    }
    for (name, _) in &CASES {
        let count = if *name == DROPPED { 0 } else { count };
        let (java, ours) = (java.records(name, count)?, ours.records(name, count)?);
        assert_eq!(java.len(), count, "{name}");
        let differs = java.iter().zip(&ours).position(|(a, b)| a != b);
        assert!(
            java == ours,
            "{name}: {} records of Java's, {} of ours, first difference at {differs:?}: {:?}",
            java.len(),
            ours.len(),
            differs.map(|at| (&java[at], &ours[at]))
        );
    }
    let position = text.len() - "unfinished".len();
    let (java, ours) = (
        java.offsets(CASES.len() - 1, position)?,
        ours.offsets(CASES.len() - 1, position)?,
    );
    assert_eq!(java.len(), CASES.len() - 1);
    assert_eq!(java, ours);
    Ok(())
}

/// What a failed task says, without the places in the code.
fn failure(side: &Side, name: &str) -> io::Result<Vec<String>> {
    let path = format!("/connectors/{name}/status");
    wait::until("the failed task", ARRIVAL_LIMIT, || {
        let status: Map<String, Value> = serde_json::from_str(&side.worker.get(&path)?.body)?;
        let task = status.get("tasks").and_then(|tasks| tasks.get(0));
        let text = |key| task.and_then(|task| task.get(key)).and_then(Value::as_str);
        let failed = text("state") == Some("FAILED");
        let trace = text("trace").unwrap_or_default().lines();
        let said = trace
            .filter(|line| !line.starts_with('\t'))
            .map(str::to_owned);
        Ok(failed.then(|| said.collect()))
    })
}

#[test]
fn line_that_cannot_be_converted_fails_the_task_in_java_s_words() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    fs::write(&file, "one\ntwo\n")?;
    let mut java = Side::start(kafka, Make::Java, "failing-java")?;
    let mut ours = Side::start(kafka, Make::subject(), "failing-ours")?;
    let cases: [Case; 2] = [
        ("bytes", &[("value.converter", BYTE_ARRAY)]),
        (
            "cast",
            &[
                ("transforms", "it"),
                (
                    "transforms.it.type",
                    "org.apache.kafka.connect.transforms.ExtractField$Value",
                ),
                ("transforms.it.field", "absent"),
            ],
        ),
    ];
    for case in &cases {
        java.create(case, &file)?;
        ours.create(case, &file)?;
        assert_eq!(
            failure(&java, case.0)?,
            failure(&ours, case.0)?,
            "{}",
            case.0
        );
        assert!(ours.records(case.0, 0)?.is_empty());
    }
    Ok(())
}

fn append(file: &Path, from: usize, count: usize) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    (from..from + count).try_for_each(|line| writeln!(file, "line {line}"))
}

/// The lines of a topic, which have to be all of them, in order, each once.
fn demand_lines(lab: &mut Lab, topic: &str, count: usize) -> io::Result<()> {
    await_records(lab, topic, count)?;
    let lines: Vec<String> = lab
        .read(topic)?
        .into_iter()
        .map(|record| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned())
        .collect();
    let wanted: Vec<String> = (0..count).map(|line| format!("line {line}")).collect();
    assert!(
        lines == wanted,
        "{} lines of {count}, first difference at {:?}",
        lines.len(),
        lines.iter().zip(&wanted).position(|(a, b)| a != b)
    );
    Ok(())
}

/// Whose workers have the connector, one after the other.
fn relay() -> [Make; 4] {
    [Make::Java, Make::subject(), Make::Java, Make::subject()]
}

/// Lines that each worker of a relay finds new.
const LEG: usize = 500;

#[test]
fn connector_goes_on_at_the_right_line_from_worker_to_worker_of_a_cluster() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    let mut lab = Lab::start(kafka)?;
    lab.create("relay", 1)?;
    let cluster = Cluster::new(kafka);
    for (leg, make) in relay().into_iter().enumerate() {
        append(&file, leg * LEG, LEG)?;
        let worker = cluster.start(make)?;
        if leg == 0 {
            put_config(&worker, &file_source("relay", "relay", &file))?;
        }
        demand_lines(&mut lab, "relay", (leg + 1) * LEG)?;
        worker.stop()?;
    }
    Ok(())
}

#[test]
fn standalone_workers_hand_the_file_of_offsets_to_each_other() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lines.txt");
    let offsets = folder.path().join("connect.offsets");
    let mut lab = Lab::start(kafka)?;
    lab.create("alone", 1)?;
    let connector = Properties::default()
        .with("name", "alone")
        .with("connector.class", "FileStreamSource")
        .with("topic", "alone")
        .with("file", file.display());
    for (leg, make) in relay().into_iter().enumerate() {
        append(&file, leg * LEG, LEG)?;
        let worker = Worker::start_with(make, kafka, &connector, |worker| {
            worker.with("offset.storage.file.filename", offsets.display())
        })?;
        demand_lines(&mut lab, "alone", (leg + 1) * LEG)?;
        worker.stop()?;
    }
    Ok(())
}
