//! What users may write as offsets of sinks, and Java's words about the rest.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn list(entries: &[(Value, Value)]) -> Vec<ConnectorOffset> {
    let entry = |(partition, offset): &(Value, Value)| ConnectorOffset {
        partition: partition.clone(),
        offset: offset.clone(),
    };
    entries.iter().map(entry).collect()
}

fn partition(index: impl Into<Value>) -> Value {
    json!({"kafka_topic": "t", "kafka_partition": index.into()})
}

#[track_caller]
fn check(partition: Value, offset: Value, expected: &str) {
    let refused = parse(&list(&[(partition, offset)]));
    assert_eq!(refused, Err(HerderError::BadRequest(expected.to_owned())));
}

fn bad_partition(shown: &str) -> String {
    format!(
        "Failed to parse the following Kafka partition value in the provided offsets: '{shown}'. Partition values for \
         sink connectors need to be integers."
    )
}

fn bad_offset(shown: &str) -> String {
    format!(
        "Failed to parse the following Kafka offset value in the provided offsets: '{shown}'. Offset values for sink \
         connectors need to be integers."
    )
}

#[test]
fn numbers_may_be_texts_and_null_forgets() {
    let positions = parse(&list(&[
        (partition(0), json!({"kafka_offset": 5})),
        (partition("1"), json!({"kafka_offset": "6", "more": 1})),
        (partition("+2"), Value::Null),
        (
            json!({"kafka_topic": 7, "kafka_partition": -1}),
            json!({"kafka_offset": i64::MAX}),
        ),
    ]));
    let expected = Positions::from([
        (("7".to_owned(), -1), Some(i64::MAX)),
        (("t".to_owned(), 0), Some(5)),
        (("t".to_owned(), 1), Some(6)),
        (("t".to_owned(), 2), None),
    ]);
    assert_eq!(positions, Ok(expected));
}

#[test]
fn partition_is_needed() {
    let expected = "The partition for a sink connector offset cannot be null or missing";
    check(Value::Null, json!({"kafka_offset": 1}), expected);
}

#[test]
fn partition_needs_topic_and_number() {
    let expected = "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'";
    for partition in [
        json!({}),
        json!({"kafka_topic": "t"}),
        json!({"kafka_partition": 1}),
        json!({"kafka_topic": "t", "partition": 1}),
    ] {
        check(partition, Value::Null, expected);
    }
}

#[test]
fn topic_and_partition_are_not_null() {
    check(
        json!({"kafka_topic": null, "kafka_partition": null}),
        Value::Null,
        "Kafka topic names must be valid strings and may not be null",
    );
    check(
        partition(Value::Null),
        Value::Null,
        "Kafka partitions must be valid numbers and may not be null",
    );
}

#[test]
fn partition_that_is_no_integer_is_shown_as_java_shows_it() {
    for (value, shown) in [
        (json!("x"), "x"),
        (json!(""), ""),
        (json!(" 1"), " 1"),
        (json!(1.0), "1.0"),
        (json!(1e10), "1.0E10"),
        (json!(2_147_483_648_i64), "2147483648"),
        (json!(true), "true"),
        (json!([1, null, "a"]), "[1, null, a]"),
        (json!({"a": {"b": 1}}), "{a={b=1}}"),
    ] {
        check(partition(value), Value::Null, &bad_partition(shown));
    }
}

#[test]
fn offset_is_null_or_has_its_key() {
    let expected =
        "The offset for a sink connector should either be null or contain the key 'kafka_offset'";
    for offset in [json!({}), json!({"offset": 1}), json!(5)] {
        check(partition(0), offset, expected);
    }
}

#[test]
fn offset_that_is_no_integer_is_shown_as_java_shows_it() {
    for (value, shown) in [
        (json!(null), "null"),
        (json!("nine"), "nine"),
        (json!(0.5), "0.5"),
        (json!("9223372036854775808"), "9223372036854775808"),
    ] {
        check(
            partition(0),
            json!({"kafka_offset": value}),
            &bad_offset(shown),
        );
    }
}

#[test]
fn partition_written_in_two_ways_is_one() {
    let positions = parse(&list(&[
        (partition(0), json!({"kafka_offset": 1})),
        (partition("0"), json!({"kafka_offset": 2})),
    ]));
    assert_eq!(
        positions,
        Ok(Positions::from([(("t".to_owned(), 0), Some(2))]))
    );
}

#[test]
fn offsets_are_shown_by_topic_and_partition() {
    let committed = BTreeMap::from([
        (("b".to_owned(), 0), 1),
        (("a".to_owned(), 10), 2),
        (("a".to_owned(), 9), 3),
    ]);
    let shown: Vec<String> = shown(&committed)
        .iter()
        .map(|entry| format!("{} {}", entry.partition, entry.offset))
        .collect();
    assert_eq!(
        shown,
        [
            r#"{"kafka_topic":"a","kafka_partition":9} {"kafka_offset":3}"#,
            r#"{"kafka_topic":"a","kafka_partition":10} {"kafka_offset":2}"#,
            r#"{"kafka_topic":"b","kafka_partition":0} {"kafka_offset":1}"#,
        ]
    );
}

proptest! {
    /// What is shown can be given back.
    #[test]
    fn shown_offsets_are_read_as_they_were(
        committed in proptest::collection::btree_map(("[a-z]{1,3}", 0..i32::MAX), 0..i64::MAX, 0..8),
    ) {
        let expected: Positions = committed.iter().map(|(of, offset)| (of.clone(), Some(*offset))).collect();
        prop_assert_eq!(parse(&shown(&committed)), Ok(expected));
    }
}
