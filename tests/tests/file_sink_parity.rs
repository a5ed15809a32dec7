//! Java's FileStreamSink and ours write equal files from the same topic, strange values included.

use std::fs;
use std::io;
use std::time::Duration;

use ferrovia_tests::drain::wait_committed;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};
use ferrovia_tests::worker::{Make, Properties, Worker};

const BYTE_ARRAY: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const HEALTH_LIMIT: Duration = Duration::from_secs(60);

/// Values that a text sink can stumble over.
fn strange_values() -> Vec<Option<Vec<u8>>> {
    let mut values: Vec<Option<Vec<u8>>> = [
        "plain",
        "",
        " spaces around ",
        "line\nend inside",
        "dos\r\nend",
        "lone\rreturn",
        "tab\tand\0nul",
        "null",
        "späte Grüße, 東京, 🚂",
        "e\u{301} combining, \u{feff}bom, \u{2028}line separator",
        "{\"json\":[1,2,{}]}",
        "back\\slash \"quote\"",
    ]
    .iter()
    .map(|text| Some(text.as_bytes().to_vec()))
    .collect();
    let invalid: [&[u8]; 12] = [
        b"\xff",
        b"\xc3",
        b"a\xc3(b",
        b"\xe2\x82",
        b"\xe2\x28\xa1",
        b"\xf0\x9f\x9a",
        b"\xf0\x28\x8c\xbc",
        b"\xed\xa0\x80 surrogate",
        b"\xc0\xaf overlong",
        b"\xf8\x88\x80\x80\x80",
        b"\x80\x80 lone continuations",
        b"\xf4\x90\x80\x80 beyond unicode",
    ];
    values.extend(invalid.iter().map(|bytes| Some(bytes.to_vec())));
    values.push(None);
    values.push(Some(vec![b'x'; 300_000]));
    values.push(None);
    values
}

/// What one make of worker writes from `topic`, in a consumer group of its own.
fn written(side: &str, make: Make, topic: &str, converter: Option<&str>) -> io::Result<Vec<u8>> {
    let kafka = Kafka::shared(ORACLE)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sink.txt");
    let name = format!("{topic}-{side}");
    let mut connector = Properties::file_sink(&name, topic, 1, &file);
    if let Some(converter) = converter {
        connector = connector.with("value.converter", converter);
    }
    let mut worker = Worker::start(make, kafka, &connector)?;
    worker
        .process()
        .until("the file", HEALTH_LIMIT, || Ok(file.exists().then_some(())))?;
    wait_committed(&mut Lab::start(kafka)?, &format!("connect-{name}"), topic)?;
    worker.stop()?;
    fs::read(file)
}

fn check_equal(topic: &str, converter: Option<&str>) -> io::Result<()> {
    let java = written("java", Make::Java, topic, converter)?;
    let ours = written("ours", Make::subject(), topic, converter)?;
    let differs = java.iter().zip(&ours).position(|(a, b)| a != b);
    assert!(
        java == ours,
        "{topic}: {} bytes of Java's, {} of ours, first difference at {differs:?}",
        java.len(),
        ours.len()
    );
    assert!(!java.is_empty());
    Ok(())
}

#[test]
fn strange_strings_are_written_as_java_writes_them() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
    lab.create("strange", 1)?;
    lab.put("strange", 0, &strange_values())?;
    check_equal("strange", None)
}

/// Java prints a byte array as its class and identity, `[B@1b2c3d`: only the shape can agree.
#[test]
fn byte_arrays_give_one_line_each() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
    lab.create("bytes", 1)?;
    lab.put(
        "bytes",
        0,
        &[Some(b"one".to_vec()), None, Some(b"three".to_vec())],
    )?;
    let lines = |bytes: Vec<u8>| bytes.iter().filter(|b| **b == b'\n').count();
    let java = lines(written("java", Make::Java, "bytes", Some(BYTE_ARRAY))?);
    let ours = lines(written("ours", Make::subject(), "bytes", Some(BYTE_ARRAY))?);
    assert_eq!((java, ours), (3, 3));
    Ok(())
}

#[test]
fn json_text_in_order_is_written_as_java_writes_it() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let mut lab = Lab::start(Kafka::shared(ORACLE)?)?;
    lab.create("orders", 1)?;
    lab.produce(&Load {
        size: 936,
        kind: "json",
        codec: "zstd",
        ..Load::text("orders", 1, 20_000)
    })?;
    check_equal("orders", None)
}
