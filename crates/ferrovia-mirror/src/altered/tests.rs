//! Holds the answers to offsets set by hand against Java's.

use super::*;

const TEXTS: [&str; 2] = ["cluster", "topic"];

fn number(value: i64) -> Value<'static> {
    Value::Int64(value)
}

fn map(entries: &[(&'static str, Value<'static>)]) -> Map<'static> {
    let mut map = Map::new();
    for (key, value) in entries {
        map.put(*key, value.clone());
    }
    map
}

fn source(cluster: Option<Value<'static>>, partition: Option<Value<'static>>) -> Map<'static> {
    let mut entries = vec![("topic", Value::text("t"))];
    entries.extend(cluster.map(|value| ("cluster", value)));
    entries.extend(partition.map(|value| ("partition", value)));
    map(&entries)
}

fn answer(partition: Map<'static>, offset: Option<Map<'static>>) -> String {
    let change = SourceOffsetChange { partition, offset };
    match check(&[change], &TEXTS, true, Allowed::NotNegative) {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn partitions_are_refused_in_javas_words() {
    let a = || Some(Value::text("A"));
    let five = || Some(map(&[("offset", number(5))]));
    let cases = [
        (source(a(), Some(Value::Int32(1))), "ok"),
        (source(a(), Some(number(1))), "ok"),
        (source(a(), Some(number(-2_147_483_649))), "ok"),
        (
            source(None, Some(number(1))),
            "Source partition {partition=1, topic=t} is missing the 'cluster' key, which is required",
        ),
        (
            source(Some(number(3)), Some(number(1))),
            "Source partition {cluster=3, partition=1, topic=t} has an invalid value 3 for the 'cluster' key, which must \
             be a string",
        ),
        (
            source(Some(Value::Null), Some(number(1))),
            "Source partition {cluster=null, partition=1, topic=t} has an invalid value null for the 'cluster' key, \
             which must be a string",
        ),
        (
            source(a(), None),
            "Source partition {cluster=A, topic=t} is missing the 'partition' key, which is required",
        ),
        (
            source(a(), Some(Value::text("1"))),
            "Source partition {cluster=A, partition=1, topic=t} has an invalid value 1 for the 'partition' key, which \
             must be an integer",
        ),
        (
            source(a(), Some(number(-1))),
            "Source partition {cluster=A, partition=-1, topic=t} has an invalid value -1 for the 'partition' key, which \
             cannot be negative",
        ),
        (
            source(a(), Some(number(2_147_483_648))),
            "Source partition {cluster=A, partition=2147483648, topic=t} has an invalid value 2147483648 for the \
             'partition' key, which must be an integer",
        ),
    ];
    for (partition, expected) in cases {
        assert_eq!(answer(partition, five()), expected);
    }
}

#[test]
fn offsets_are_refused_in_javas_words() {
    let of = |offset| {
        answer(
            source(Some(Value::text("A")), Some(number(1))),
            Some(offset),
        )
    };
    assert_eq!(
        of(map(&[("x", number(5))])),
        "Source offset {x=5} for source partition {cluster=A, partition=1, topic=t} is missing the 'offset' key, which is \
         required"
    );
    assert_eq!(
        of(map(&[("offset", Value::text("5"))])),
        "Source offset {offset=5} for source partition {cluster=A, partition=1, topic=t} has an invalid value 5 for the \
         'offset' key, which must be an integer"
    );
    assert_eq!(
        of(map(&[("offset", number(-1))])),
        "Source offset {offset=-1} for source partition {cluster=A, partition=1, topic=t} has an invalid value -1 for the \
         'offset' key, which cannot be negative"
    );
}

#[test]
fn anything_may_be_forgotten() {
    assert_eq!(answer(map(&[("x", Value::Null)]), None), "ok");
}

#[test]
fn connector_without_use_for_offsets_takes_zero_alone() {
    let partition = map(&[
        ("sourceClusterAlias", Value::text("A")),
        ("targetClusterAlias", Value::text("B")),
    ]);
    let set = |offset| SourceOffsetChange {
        partition: partition.clone(),
        offset: Some(map(&[("offset", number(offset))])),
    };
    let texts = ["sourceClusterAlias", "targetClusterAlias"];
    assert!(check(&[set(0)], &texts, false, Allowed::Zero).is_ok());
    let error = check(&[set(1)], &texts, false, Allowed::Zero).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Source offset {offset=1} for source partition {sourceClusterAlias=A, targetClusterAlias=B} has an invalid value 1 \
         for the 'offset' key; the only accepted value is 0"
    );
}
