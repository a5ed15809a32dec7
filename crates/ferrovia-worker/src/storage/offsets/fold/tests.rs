//! Facts about the fold of offsets, and about the bytes of their records.

use ferrovia_pipeline::data::Map;

use super::*;
use crate::storage::offsets::{offset_key, offset_value};
use crate::storage::recorded;

fn take(fold: &mut OffsetFold, key: &str, value: Option<&str>) {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    fold.on_record(Some(bytes(key)), value.map(bytes));
}

fn map(entries: &[(&'static str, Value<'static>)]) -> Map<'static> {
    let mut map = Map::new();
    for (key, value) in entries {
        map.put(*key, value.clone());
    }
    map
}

#[test]
fn records_of_a_java_worker_come_to_what_it_knew() {
    let mut fold = OffsetFold::new();
    for record in recorded::records("offsets") {
        take(&mut fold, &record.key, record.value.as_deref());
    }
    let partition = map(&[("filename", Value::text("/data/in.txt"))]);
    let key = offset_key("src-a", &partition).unwrap();
    let value = offset_value(Some(&map(&[("position", Value::Int64(311))]))).unwrap();
    assert_eq!(fold.value(&key).map(|value| value.to_vec()), value);
    let merged = MergedOffsets {
        worker: Some(&fold),
        connector: None,
    };
    let shown = merged.of_connector("src-a");
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].partition, Value::Map(partition));
    assert_eq!(
        shown[0].offset,
        Value::Map(map(&[("position", Value::Int64(311))]))
    );
    assert!(merged.of_connector("src").is_empty());
}

#[test]
fn keys_are_javas() {
    let partition = map(&[
        ("cluster", Value::text("A")),
        ("partition", Value::Int32(0)),
        ("topic", Value::text("t")),
    ]);
    let key = offset_key("MirrorSourceConnector", &partition).unwrap();
    let expected = r#"["MirrorSourceConnector",{"cluster":"A","partition":0,"topic":"t"}]"#;
    assert_eq!(String::from_utf8(key).unwrap(), expected);
    assert_eq!(offset_value(None).unwrap(), None);
    let nested = map(&[("a", Value::Array(Vec::new()))]);
    let error = offset_key("c", &nested).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Offsets may only contain primitive types as values, but field a contains ARRAY"
    );
}

#[test]
fn connectors_own_topic_comes_before_the_workers() {
    let (mut worker, mut own) = (OffsetFold::new(), OffsetFold::new());
    take(&mut worker, r#"["c",{"a":1}]"#, Some("1"));
    take(&mut worker, r#"["c",{"a":2}]"#, Some("2"));
    take(&mut own, r#"["c",{"a":1}]"#, Some("10"));
    let merged = MergedOffsets {
        worker: Some(&worker),
        connector: Some(&own),
    };
    let values = merged.of_connector("c").into_iter().map(|one| one.offset);
    assert_eq!(
        values.collect::<Vec<_>>(),
        [Value::Int64(10), Value::Int64(2)]
    );
    assert_eq!(merged.value(br#"["c",{"a":1}]"#).unwrap(), "10");
    assert_eq!(merged.value(br#"["c",{"a":2}]"#).unwrap(), "2");
    assert_eq!(merged.value(br#"["c",{"a":3}]"#), None);
}

#[test]
fn tombstones_and_garbage_belong_to_nobody() {
    let mut fold = OffsetFold::new();
    take(&mut fold, r#"["c",{"a":1}]"#, Some("1"));
    take(&mut fold, r#"["c",{"a":1}]"#, None);
    for key in [
        "",
        "{",
        "7",
        "[]",
        r#"["c"]"#,
        r#"["c",null]"#,
        r#"["c",7]"#,
        r#"[7,{}]"#,
    ] {
        take(&mut fold, key, Some("1"));
    }
    fold.on_record(None, None);
    assert_eq!(fold.of_connector("c").count(), 0);
    assert!(fold.value(br#"["c",{"a":1}]"#).is_none());
    assert!(
        fold.value(b"{").is_some(),
        "looked up by its bytes all the same"
    );
}
