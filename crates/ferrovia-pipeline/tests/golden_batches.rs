//! Batches that Kafka's own classes wrote are read here, and Kafka's own classes read what is written here.
//!
//! `fixtures/record_batches/RecordBatches.java` has made the fixtures, and reads our batches with Kafka's jars, which
//! `make kafka` fetches.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use ferrovia_pipeline::batch::{
    BatchOptions, BatchWriter, Codec, ControlType, HeaderRef, Inflater, Producer, RawBatch, Seal,
    batches,
};

const TIME: i64 = 1_700_000_000_000;

type Fields = (
    i64,
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/record_batches")
}

/// Kafka's jars, by the rules that all tests with Java follow (`ferrovia_tests::grounds`, which a crate below it
/// cannot use): in `FERROVIA_CACHE` or in the `.cache` of a folder above. Without them the test says that it is
/// skipped; in CI it fails.
fn kafka_libs() -> Option<PathBuf> {
    if std::env::var_os("FERROVIA_WITHOUT_JAVA").is_some() {
        return skipped("FERROVIA_WITHOUT_JAVA is set");
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = std::env::var_os("FERROVIA_CACHE")
        .map(PathBuf::from)
        .into_iter()
        .chain(above.map(|folder| folder.join(".cache")))
        .map(|cache| cache.join("kafka-4.2.0"))
        .find(|kafka| kafka.join(".complete").exists());
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(found.is_some() || !in_ci, "no Kafka in .cache: make kafka");
    match found {
        Some(kafka) => Some(kafka.join("libs")),
        None => skipped("no Kafka in .cache (make kafka)"),
    }
}

/// Says so past the harness's capture, which would hide what a passing test prints.
fn skipped(reason: &str) -> Option<PathBuf> {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "SKIPPED, NOT PASSED: {reason}").unwrap();
    None
}

fn fixture(name: &str) -> RawBatch {
    let bytes = Bytes::from(std::fs::read(fixtures().join(format!("{name}.bin"))).unwrap());
    let mut walk = batches(bytes);
    let batch = walk.next().unwrap().unwrap();
    assert!(walk.next().is_none() && walk.rest().is_empty());
    batch.verify_crc().unwrap();
    batch
}

fn records(batch: &RawBatch) -> Vec<Fields> {
    let mut inflater = Inflater::default();
    let open = inflater.open(batch).unwrap();
    let fields = open.records().map(|record| {
        let record = record.unwrap();
        let headers = record.headers.iter().map(|header| {
            let header = header.unwrap();
            let key = String::from_utf8(header.key.to_vec()).unwrap();
            (key, header.value.map(<[u8]>::to_vec))
        });
        let (key, value) = (
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
        );
        (
            record.offset,
            record.timestamp,
            key,
            value,
            headers.collect(),
        )
    });
    fields.collect()
}

fn some(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn sample() -> Vec<Fields> {
    let headers = vec![
        ("a".to_owned(), some("1")),
        ("a".to_owned(), some("2")),
        ("b".to_owned(), None),
        (String::new(), some("")),
        ("grüß".to_owned(), some("é")),
    ];
    vec![
        (100, TIME, some("k0"), some("v0"), vec![]),
        (101, TIME + 1, None, some("no key"), vec![]),
        (102, TIME + 2, some("tombstone"), None, vec![]),
        (
            103,
            TIME - 1_000_000,
            some(""),
            some(&"x".repeat(300)),
            headers,
        ),
        (
            104,
            TIME + (1 << 33),
            some("late"),
            some(&"{\"n\":1} ".repeat(250)),
            vec![],
        ),
    ]
}

#[test]
fn every_codec_of_java_is_read() {
    for codec in Codec::ALL {
        let batch = fixture(codec.name());
        assert_eq!(batch.header().codec(), Ok(codec));
        assert_eq!(batch.header().partition_leader_epoch, 5);
        assert_eq!(batch.header().max_timestamp, TIME + (1 << 33));
        assert_eq!(records(&batch), sample());
    }
}

#[test]
fn many_records_over_several_blocks_of_each_codec_are_read() {
    for codec in Codec::ALL.into_iter().skip(1) {
        let seen = records(&fixture(&format!("many_{codec}")));
        assert_eq!(seen.len(), 2000);
        for (i, (offset, timestamp, key, value, _)) in (0_i64..).zip(seen) {
            let metres = i * 37 % 1000;
            let expected = format!("{{\"order\":{i},\"item\":\"iron rail\",\"metres\":{metres}}}");
            assert_eq!((offset, timestamp), (100 + i, TIME + i));
            assert_eq!((key, value), (some(&format!("order-{i}")), some(&expected)));
        }
    }
}

#[test]
fn append_time_counts_for_every_record() {
    let mut expected = sample();
    expected.iter_mut().for_each(|fields| fields.1 = TIME + 77);
    assert_eq!(records(&fixture("log_append_time")), expected);
}

#[test]
fn producer_and_transaction_are_in_the_header() {
    let batch = fixture("transactional");
    let header = batch.header();
    assert!(header.is_transactional() && !header.is_control());
    assert_eq!(
        (
            header.producer_id,
            header.producer_epoch,
            header.base_sequence
        ),
        (4242, 7, 99)
    );
    assert_eq!(records(&batch), sample());
}

#[test]
fn markers_tell_commit_from_abort() {
    for (name, expected) in [
        ("commit", ControlType::Commit),
        ("abort", ControlType::Abort),
    ] {
        let batch = fixture(name);
        assert!(batch.header().is_control() && batch.header().is_transactional());
        assert_eq!(batch.control_type(), Ok(expected));
    }
}

#[test]
fn compacted_batches_keep_their_range() {
    let emptied = fixture("emptied");
    assert_eq!(
        (
            emptied.header().record_count,
            emptied.header().next_offset()
        ),
        (0, 121)
    );
    assert_eq!(records(&emptied), []);
    let gaps = fixture("gaps");
    let offsets: Vec<i64> = records(&gaps).iter().map(|fields| fields.0).collect();
    assert_eq!(
        (offsets, gaps.header().next_offset()),
        (vec![103, 110, 300], 401)
    );
}

#[test]
fn uncompressed_batches_are_the_bytes_that_java_writes() {
    let producer = Producer {
        id: 4242,
        epoch: 7,
        base_sequence: 99,
    };
    let seal = Seal {
        base_offset: 100,
        partition_leader_epoch: 5,
        ..Seal::default()
    };
    let transactional = Seal {
        producer: Some(producer),
        is_transactional: true,
        ..seal
    };
    for (name, seal) in [("none", seal), ("transactional", transactional)] {
        assert_eq!(written(Codec::None, seal), *fixture(name).bytes());
    }
}

#[test]
fn java_reads_what_is_written_by_every_codec() {
    let Some(libs) = kafka_libs() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("batches.bin");
    let mut bytes = Vec::new();
    let mut expected = String::new();
    for (seal_at, codec) in (0_i64..).zip(Codec::ALL) {
        let seal = Seal {
            base_offset: 100 + 100 * seal_at,
            ..Seal::default()
        };
        let batch = written(codec, seal);
        bytes.extend_from_slice(&batch);
        print(&batches(batch).next().unwrap().unwrap(), &mut expected);
    }
    std::fs::write(&file, bytes).unwrap();
    let java = Command::new("java")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(fixtures().join("RecordBatches.java"))
        .arg("read")
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        java.status.success(),
        "{}",
        String::from_utf8_lossy(&java.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&java.stdout), expected);
}

/// The sample, sealed.
fn written(codec: Codec, seal: Seal) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions {
        codec,
        ..BatchOptions::default()
    });
    for (_, timestamp, key, value, headers) in &sample() {
        let headers: Vec<HeaderRef<'_>> = headers
            .iter()
            .map(|(key, value)| HeaderRef {
                key: key.as_bytes(),
                value: value.as_deref(),
            })
            .collect();
        writer
            .append(*timestamp, key.as_deref(), value.as_deref(), &headers)
            .unwrap();
    }
    writer.seal(seal).unwrap()
}

/// Prints a batch as `RecordBatches.java` does.
fn print(batch: &RawBatch, out: &mut String) {
    let header = batch.header();
    let (first, last, codec) = (
        header.base_offset,
        header.last_offset(),
        header.codec().unwrap(),
    );
    let (id, epoch, sequence) = (
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
    );
    let (transactional, control) = (header.is_transactional(), header.is_control());
    writeln!(
        out,
        "batch {first} {last} {codec} {} {id} {epoch} {sequence} {transactional} {control} {}",
        header.max_timestamp, header.partition_leader_epoch
    )
    .unwrap();
    for (offset, timestamp, key, value, headers) in records(batch) {
        write!(
            out,
            "record {offset} {timestamp} {} {}",
            hex(key),
            hex(value)
        )
        .unwrap();
        for (key, value) in headers {
            write!(out, " {}={}", hex(Some(key.into_bytes())), hex(value)).unwrap();
        }
        out.push('\n');
    }
}

fn hex(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or_else(
        || "null".to_owned(),
        |bytes| {
            bytes
                .iter()
                .fold("x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        },
    )
}
