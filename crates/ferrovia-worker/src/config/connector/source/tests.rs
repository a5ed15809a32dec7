//! Answers recorded from Java's `SourceConnectorConfig` 4.2, which was given each of these connectors.

use super::*;
use crate::config::connector::ConnectorConfig;

const PARTITIONS_2: (&str, &str) = ("topic.creation.default.partitions", "2");
const COPIES_3: (&str, &str) = ("topic.creation.default.replication.factor", "3");

fn config(changes: &[(&str, &str)]) -> Result<SourceConfig, String> {
    let base = [("name", "s"), ("connector.class", "FileStreamSource")];
    let settings = base.iter().chain(changes);
    let settings = settings
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let config = ConnectorConfig::source(settings, true).map_err(|error| error.to_string())?;
    Ok(config.source_config().unwrap().clone())
}

fn fault(changes: &[(&str, &str)]) -> String {
    config(changes).unwrap_err()
}

fn with_groups(
    groups: &'static str,
    changes: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![PARTITIONS_2, COPIES_3, ("topic.creation.groups", groups)];
    all.extend(changes);
    all
}

#[test]
fn a_default_group_says_partitions_and_copies() {
    assert!(config(&[]).unwrap().topic_creation.is_none());
    let missing = "Missing required configuration \"topic.creation.default.replication.factor\" which has no default value.";
    assert_eq!(fault(&[("topic.creation.groups", "")]), missing);
    assert_eq!(fault(&[("topic.creation.groups", "a")]), missing);
    assert_eq!(fault(&[PARTITIONS_2]), missing);
    let least = [
        ("topic.creation.default.partitions", "-1"),
        ("topic.creation.default.replication.factor", "-1"),
    ];
    let of_brokers = config(&least).unwrap();
    let group = of_brokers.group_of("any").unwrap();
    assert_eq!((group.partitions, group.replication_factor), (None, None));
}

#[test]
fn faults_of_groups_are_javas() {
    let partitions = |value| fault(&[("topic.creation.default.partitions", value), COPIES_3]);
    let copies = |value| {
        fault(&[
            PARTITIONS_2,
            ("topic.creation.default.replication.factor", value),
        ])
    };
    let few = "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to \
               use the broker's default";
    assert_eq!(
        partitions("x"),
        "Invalid value x for configuration topic.creation.default.partitions: Not a number of type INT"
    );
    assert_eq!(
        partitions("0"),
        "Invalid value 0 for configuration partitions: Number of partitions must be positive, or -1 to use the broker's \
         default"
    );
    assert_eq!(
        copies("0"),
        format!("Invalid value 0 for configuration replication.factor: {few}")
    );
    assert_eq!(
        copies("-2"),
        format!("Invalid value -2 for configuration replication.factor: {few}")
    );
    assert_eq!(
        copies("99999"),
        "Invalid value 99999 for configuration topic.creation.default.replication.factor: Not a number of type SHORT"
    );
    let of_a = |key, value| fault(&with_groups("a, b,default", &[(key, value)]));
    assert_eq!(
        of_a("topic.creation.a.partitions", "q"),
        "Invalid value q for configuration topic.creation.a.partitions: Not a number of type INT"
    );
    assert_eq!(
        of_a("topic.creation.a.replication.factor", "-5"),
        format!("Invalid value -5 for configuration replication.factor: {few}")
    );
    let broken = of_a("topic.creation.a.include", "(");
    let start = "Invalid value [(] for configuration include: Syntax error in regular expression: ";
    assert!(broken.starts_with(start), "{broken}");
    assert_eq!(
        fault(&with_groups("a,a", &[])),
        "Invalid value [a, a] for configuration topic.creation.groups: Duplicate alias provided."
    );
}

#[test]
fn groups_are_asked_in_order_and_the_default_last() {
    let settings = with_groups(
        "a, b,default",
        &[
            ("topic.creation.a.include", "x.*, y"),
            ("topic.creation.a.exclude", "xz"),
            ("topic.creation.a.partitions", "7"),
            ("topic.creation.a.retention.ms", "5"),
            ("topic.creation.b.include", "x.*"),
            ("topic.creation.default.include", "("),
            ("topic.creation.default.cleanup.policy", "compact"),
        ],
    );
    let config = config(&settings).unwrap();
    let groups = config.topic_creation.as_ref().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "default"]);
    let of = |topic| config.group_of(topic).unwrap();
    let a = of("xy");
    assert_eq!(
        (a.name.as_str(), a.partitions, a.replication_factor),
        ("a", Some(7), Some(3))
    );
    assert_eq!(
        a.configs,
        BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())])
    );
    assert_eq!(of("y").name, "a");
    assert_eq!(of("xz").name, "b");
    assert_eq!(
        (of("xz").partitions, of("xz").replication_factor),
        (Some(2), Some(3))
    );
    assert_eq!(of("else").name, "default");
    assert_eq!(
        of("else").configs,
        BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())])
    );
}

#[test]
fn a_group_without_expressions_has_no_topic() {
    let config = config(&with_groups("a", &[])).unwrap();
    assert_eq!(config.group_of("t").unwrap().name, "default");
}

#[test]
fn groups_do_not_count_where_the_worker_makes_no_topics() {
    let settings = [
        ("name", "s"),
        ("connector.class", "c"),
        ("topic.creation.groups", "a"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = ConnectorConfig::source(settings.into(), false).unwrap();
    assert!(config.source_config().unwrap().topic_creation.is_none());
}

#[test]
fn transactions_and_offsets_have_settings() {
    let plain = config(&[]).unwrap();
    assert_eq!(plain.transaction_boundary, TransactionBoundary::Poll);
    assert_eq!(
        (plain.transaction_interval, plain.offsets_topic),
        (None, None)
    );
    let settings = [
        ("exactly.once.support", " Required "),
        ("transaction.boundary", " Interval"),
        ("transaction.boundary.interval.ms", "0"),
        ("offsets.storage.topic", " o"),
    ];
    let config = config(&settings).unwrap();
    assert_eq!(config.transaction_boundary, TransactionBoundary::Interval);
    assert_eq!(config.transaction_interval, Some(Duration::ZERO));
    assert_eq!(config.offsets_topic.as_deref(), Some("o"));
}

#[test]
fn faults_of_transactions_are_javas() {
    let cases = [
        (
            ("exactly.once.support", "maybe"),
            "Invalid value maybe for configuration exactly.once.support: String must be one of (case insensitive): \
             REQUIRED, REQUESTED",
        ),
        (
            ("transaction.boundary", "never"),
            "Invalid value never for configuration transaction.boundary: String must be one of (case insensitive): \
             INTERVAL, POLL, CONNECTOR",
        ),
        (
            ("transaction.boundary.interval.ms", "-1"),
            "Invalid value -1 for configuration transaction.boundary.interval.ms: Value must be at least 0",
        ),
        (
            ("transaction.boundary.interval.ms", "x"),
            "Invalid value x for configuration transaction.boundary.interval.ms: Not a number of type LONG",
        ),
        (
            ("offsets.storage.topic", " "),
            "Invalid value  for configuration offsets.storage.topic: String must be non-empty",
        ),
    ];
    for (setting, expected) in cases {
        assert_eq!(fault(&[setting]), expected);
    }
}

#[test]
fn definitions_are_javas() {
    let golden = include_str!("definition_golden.txt");
    crate::config::golden::check_definitions(
        &crate::config::source_definition::source(),
        golden,
        &[],
    );
}
