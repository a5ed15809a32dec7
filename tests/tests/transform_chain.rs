//! Chains of transformations on their way into a file, Java's worker and ours side by side: from the same topics, with
//! the same connectors, the files are equal byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use ferrovia_tests::drain::wait_committed;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Sample};
use ferrovia_tests::parity::seed::Random;
use ferrovia_tests::parity::texts;
use ferrovia_tests::parity::tree::Node;
use ferrovia_tests::worker::{Make, Properties, Worker};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const PACKAGE: &str = "org.apache.kafka.connect.transforms.";
const SEED: u64 = 20_260_214;
/// Records of each topic.
const RECORDS: usize = 400;

/// A topic, how its values are written, and what happens to them.
struct Case {
    topic: &'static str,
    schemas: bool,
    chain: &'static [(&'static str, &'static str)],
}

const PLAIN: &[(&str, &str)] = &[
    ("transforms", "insert,replace,mask"),
    ("transforms.insert.type", "InsertField$Value"),
    ("transforms.insert.static.field", "source"),
    ("transforms.insert.static.value", "chain \"1\""),
    ("transforms.insert.offset.field", "offset"),
    ("transforms.insert.partition.field", "id"),
    ("transforms.replace.type", "ReplaceField$Value"),
    ("transforms.replace.exclude", "b,flag"),
    ("transforms.replace.renames", "a:alpha,source:origin"),
    ("transforms.mask.type", "MaskField$Value"),
    ("transforms.mask.fields", "origin,id,name"),
];

/// Topics are renamed first, and the inserted name shows it, with what each router puts at its end in their order; the
/// predicates look at what the routers made.
const ROUTED: &[(&str, &str)] = &[
    ("transforms", "route,stamp,insert,replace,mask"),
    ("predicates", "marked,routed"),
    ("predicates.marked.type", "predicates.HasHeaderKey"),
    ("predicates.marked.name", "own"),
    ("predicates.routed.type", "predicates.TopicNameMatches"),
    ("predicates.routed.pattern", "routed-.*-2023.*"),
    ("transforms.route.type", "RegexRouter"),
    ("transforms.route.regex", "chain-(.*)"),
    ("transforms.route.replacement", "routed-$1-by-name"),
    ("transforms.stamp.type", "TimestampRouter"),
    ("transforms.stamp.topic.format", "${topic}-${timestamp}"),
    ("transforms.stamp.timestamp.format", "yyyyMMdd.HHmm"),
    ("transforms.insert.type", "InsertField$Value"),
    ("transforms.insert.topic.field", "topic"),
    ("transforms.insert.timestamp.field", "at"),
    ("transforms.replace.type", "ReplaceField$Value"),
    ("transforms.replace.exclude", "c"),
    ("transforms.replace.predicate", "marked"),
    ("transforms.replace.negate", "true"),
    ("transforms.mask.type", "MaskField$Value"),
    ("transforms.mask.fields", "topic"),
    ("transforms.mask.replacement", "hidden"),
    ("transforms.mask.predicate", "routed"),
];

const CASES: [Case; 4] = [
    Case {
        topic: "chain-plain",
        schemas: false,
        chain: PLAIN,
    },
    Case {
        topic: "chain-plain-schemas",
        schemas: true,
        chain: PLAIN,
    },
    Case {
        topic: "chain-routed",
        schemas: false,
        chain: ROUTED,
    },
    Case {
        topic: "chain-routed-schemas",
        schemas: true,
        chain: ROUTED,
    },
];

/// Objects with others inside, numbers of all sizes, escapes and nulls; now and then a tombstone.
fn value(random: &mut Random, schemas: bool) -> Option<Vec<u8>> {
    if random.once_in(20) {
        return None;
    }
    if !schemas {
        return Some(texts::object(random, 3).into_bytes());
    }
    // Java prints a byte array by its identity, which no other process can know.
    loop {
        let text = Node::structure(random, 2).envelope(random, 0);
        if !text.contains("\"bytes\"") {
            return Some(text.into_bytes());
        }
    }
}

/// A few records of the years 2020 and 2023, half of them marked with a header, and many of this moment.
fn fill(lab: &mut Lab, case: &Case) -> io::Result<()> {
    let mut random = Random::new(SEED);
    lab.create(case.topic, 1)?;
    for number in 0..24 {
        let headers = if number % 2 == 0 {
            vec![("own".to_owned(), Some(b"1".to_vec()))]
        } else {
            Vec::new()
        };
        let record = Sample {
            timestamp: if number % 3 == 0 {
                1_700_000_000_000
            } else {
                1_600_000_000_000 + number
            },
            key: None,
            value: value(&mut random, case.schemas),
            headers,
        };
        lab.send(case.topic, &record)?;
    }
    let values: Vec<_> = (24..RECORDS)
        .map(|_| value(&mut random, case.schemas))
        .collect();
    lab.put(case.topic, 0, &values)
}

type Files = BTreeMap<&'static str, Vec<u8>>;

/// The files of all topics: Java's, ours.
fn files() -> io::Result<&'static (Files, Files)> {
    static FILES: OnceLock<Result<(Files, Files), String>> = OnceLock::new();
    let both = || {
        let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
        for case in &CASES {
            fill(&mut lab, case)?;
        }
        Ok((
            run("java", Make::Java, &mut lab)?,
            run("ours", Make::subject(), &mut lab)?,
        ))
    };
    let files = FILES.get_or_init(|| both().map_err(|error: io::Error| error.to_string()));
    files
        .as_ref()
        .map_err(|error| io::Error::other(error.clone()))
}

fn connector(side: &str, case: &Case, folder: &Path) -> Properties {
    let name = format!("{}-{side}", case.topic);
    let connector = Properties::file_sink(&name, case.topic, 1, &folder.join(case.topic))
        // Some fields cannot be masked, and some objects have no room for another one.
        .with("errors.tolerance", "all")
        .with("value.converter", JSON)
        .with("value.converter.schemas.enable", case.schemas);
    case.chain.iter().fold(connector, |it, (key, value)| {
        if key.ends_with(".type") {
            it.with(key, format!("{PACKAGE}{value}"))
        } else {
            it.with(key, value)
        }
    })
}

fn run(side: &str, make: Make, lab: &mut Lab) -> io::Result<Files> {
    let folder = tempfile::tempdir()?;
    let connectors = CASES
        .each_ref()
        .map(|case| connector(side, case, folder.path()));
    let worker = Worker::start_all(make, Kafka::shared(ORACLE)?, &connectors, |it| it)?;
    for case in &CASES {
        wait_committed(lab, &format!("connect-{}-{side}", case.topic), case.topic)?;
    }
    worker.stop()?;
    let read = |case: &Case| Ok((case.topic, fs::read(folder.path().join(case.topic))?));
    CASES.iter().map(read).collect()
}

fn check(topic: &str) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let (java, ours) = files()?;
    let lines = |files: &Files| -> Vec<String> {
        let bytes = files.get(topic).map(Vec::as_slice).unwrap_or_default();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        lines
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    };
    for (number, (java, ours)) in lines(java).iter().zip(lines(ours)).enumerate() {
        assert_eq!(*java, ours, "{topic}: line {number}");
    }
    assert!(
        java.get(topic) == ours.get(topic),
        "{topic}: one file goes on"
    );
    let count = lines(java).len();
    assert!(count > RECORDS / 2, "{topic}: only {count} lines");
    Ok(())
}

#[test]
fn chain_over_maps_writes_the_same_file() -> io::Result<()> {
    check("chain-plain")
}

#[test]
fn chain_over_structs_writes_the_same_file() -> io::Result<()> {
    check("chain-plain-schemas")
}

#[test]
fn routed_chain_with_predicates_over_maps_writes_the_same_file() -> io::Result<()> {
    check("chain-routed")
}

#[test]
fn routed_chain_with_predicates_over_structs_writes_the_same_file() -> io::Result<()> {
    check("chain-routed-schemas")
}
