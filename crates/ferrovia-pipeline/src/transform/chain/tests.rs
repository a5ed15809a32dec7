//! Chains as connectors configure them.

use super::*;

use crate::batch::TimestampType;
use crate::data::{Headers, Map, Origin, SchemaAndValue, Value};
use crate::topic::TopicPartition;

fn chain(settings: &[(&str, &str)]) -> Result<TransformationChain, ConnectError> {
    let pairs = settings.iter();
    let settings = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    TransformationChain::from_settings(&settings.collect())
}

fn record<'a>(origin: &'a TopicPartition, value: Value<'a>) -> Record<'a> {
    Record {
        topic: (&*origin.topic).into(),
        partition: Some(origin.partition),
        key: SchemaAndValue::NULL,
        value: SchemaAndValue::new(None, value),
        timestamp: Some(0),
        headers: Headers::new(),
        origin: Origin::Kafka {
            partition: origin,
            offset: 7,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

const INSERT: &str = "org.apache.kafka.connect.transforms.InsertField$Value";

#[test]
fn no_settings_make_an_empty_chain() {
    let mut empty = chain(&[]).unwrap();
    assert!(empty.is_empty());
    let origin = TopicPartition::new("orders", 0);
    let record = empty.apply(record(&origin, Value::text("x"))).unwrap();
    assert_eq!(record.unwrap().value.value, Value::text("x"));
}

#[test]
fn transformations_apply_in_the_order_of_their_aliases() {
    let mut chain = chain(&[
        ("transforms", "second, first"),
        ("transforms.first.type", "RegexRouter"),
        ("transforms.first.regex", "a(.*)"),
        ("transforms.first.replacement", "c$1"),
        ("transforms.second.type", "RegexRouter"),
        ("transforms.second.regex", ".*"),
        ("transforms.second.replacement", "ab"),
    ])
    .unwrap();
    let origin = TopicPartition::new("x", 0);
    let record = chain.apply(record(&origin, Value::Null)).unwrap().unwrap();
    assert_eq!(record.topic, "cb");
    assert_eq!(record.origin.kafka_offset(), Some(7));
    assert_eq!(chain.scopes().collect::<Vec<_>>(), [Scope::TopicOnly; 2]);
}

fn conditional(negate: &str) -> TransformationChain {
    chain(&[
        ("transforms", "drop"),
        (
            "transforms.drop.type",
            "org.apache.kafka.connect.transforms.Filter",
        ),
        ("transforms.drop.predicate", "dead"),
        ("transforms.drop.negate", negate),
        ("predicates.dead.type", "RecordIsTombstone"),
    ])
    .unwrap()
}

#[test]
fn predicate_decides_and_negation_turns_it_round() {
    let origin = TopicPartition::new("x", 0);
    for (negate, value, is_dropped) in [
        ("false", Value::Null, true),
        ("false", Value::text("x"), false),
        ("TRUE", Value::Null, false),
        ("true", Value::text("x"), true),
        ("yes", Value::Null, true),
    ] {
        let applied = conditional(negate).apply(record(&origin, value)).unwrap();
        assert_eq!(applied.is_none(), is_dropped, "{negate}");
    }
    let scopes: Vec<Scope> = conditional("false").scopes().collect();
    assert_eq!(scopes, [Scope::Value], "the predicate needs the value");
}

#[test]
fn failure_names_the_transformation() {
    let mut chain = chain(&[
        ("transforms", "a"),
        ("transforms.a.type", INSERT),
        ("transforms.a.topic.field", "topic"),
    ])
    .unwrap();
    let origin = TopicPartition::new("x", 0);
    let failed = chain.apply(record(&origin, Value::text("x"))).unwrap_err();
    assert_eq!(failed.class, INSERT);
    assert_eq!(
        failed.error.class(),
        "org.apache.kafka.connect.errors.DataException"
    );
    assert_eq!(
        failed.to_string(),
        "Only Map objects supported in absence of schema for [field insertion], found: java.lang.String"
    );
    // The chain goes on with the next record.
    let applied = chain
        .apply(record(&origin, Value::Map(Map::new())))
        .unwrap();
    assert!(matches!(applied.unwrap().value.value, Value::Map(map) if map.contains_key("topic")));
}

#[test]
fn bad_settings_are_told_as_java_tells_them() {
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[("transforms", "a")],
            "org.apache.kafka.common.config.ConfigException: Missing required configuration \"transforms.a.type\" which \
             has no default value.",
        ),
        (
            &[("transforms", "a"), ("transforms.a.type", "Cast$Value")],
            "org.apache.kafka.common.config.ConfigException: Invalid value Cast$Value for configuration \
             transforms.a.type: Class Cast$Value could not be found.",
        ),
        (
            &[("transforms", "a"), ("transforms.a.type", INSERT)],
            "org.apache.kafka.common.config.ConfigException: No field insertion configured",
        ),
        (
            &[
                ("transforms", "a"),
                ("transforms.a.type", "Filter"),
                ("transforms.a.predicate", "p"),
            ],
            "org.apache.kafka.common.config.ConfigException: Missing required configuration \"predicates.p.type\" which \
             has no default value.",
        ),
        (
            &[
                ("transforms", "a"),
                ("transforms.a.type", "Filter"),
                ("transforms.a.predicate", "p"),
                ("predicates.p.type", "HasHeaderKey"),
            ],
            "org.apache.kafka.common.config.ConfigException: Missing required configuration \"name\" which has no default \
             value.",
        ),
    ];
    for (settings, message) in cases {
        let error = chain(settings).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(
            error.class(),
            "org.apache.kafka.connect.errors.ConnectException"
        );
    }
}

#[test]
fn record_of_a_source_has_no_offset_to_insert() {
    let mut chain = chain(&[
        ("transforms", "it"),
        ("transforms.it.type", INSERT),
        ("transforms.it.offset.field", "offset"),
    ])
    .unwrap();
    let (mut partition, mut offset) = (Map::new(), Map::new());
    partition.put("filename", Value::text("a"));
    offset.put("position", Value::Int64(28));
    let topic = TopicPartition::new("orders", 0);
    let record = Record {
        partition: None,
        origin: Origin::Source {
            partition: &partition,
            offset: &offset,
        },
        ..record(&topic, Value::Map(Map::new()))
    };
    assert!(
        record
            .to_string()
            .starts_with("SourceRecord{sourcePartition={filename=a}, sourceOffset={position=28}} ConnectRecord{topic='orders', kafkaPartition=null, ")
    );
    assert_eq!(
        chain.apply(record).unwrap_err().error.to_string(),
        "Only SinkRecord supported for [field insertion], found: org.apache.kafka.connect.source.SourceRecord"
    );
}
