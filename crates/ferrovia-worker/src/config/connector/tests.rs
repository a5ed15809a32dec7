//! Answers recorded from Java's `ConnectStandalone` 4.2, which was given each of these connectors.

use std::collections::BTreeMap;

use super::*;
use crate::config::StandaloneConfig;

fn settings(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let base = [("name", "s"), ("connector.class", "FileStreamSink")];
    let entries = base.iter().chain(changes);
    entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Everything that is wrong, by key and then about the topics.
fn sink_faults(settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
    let mut faults = connector_definition::sink().validate(settings);
    faults.extend(topic_faults(settings));
    faults
}

fn check_faults(changes: &[(&str, &str)], expected: &[&str]) {
    let faults = sink_faults(&settings(changes));
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(texts, expected, "{changes:?}");
    assert_eq!(
        ConnectorConfig::sink(settings(changes)).is_err(),
        !expected.is_empty()
    );
}

fn worker() -> WorkerConfig {
    let settings = [
        ("bootstrap.servers", "b:1"),
        ("key.converter", "K"),
        ("value.converter", "V"),
        ("value.converter.schemas.enable", "false"),
        ("offset.storage.file.filename", "/tmp/o"),
        ("consumer.fetch.max.bytes", "1"),
        ("consumer.max.poll.records", "2"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    StandaloneConfig::from_settings(settings.into())
        .unwrap()
        .worker
}

#[test]
fn faults_are_listed_in_javas_words_and_order() {
    let neither = "Must configure one of topics or topics.regex";
    let both = "topics and topics.regex are mutually exclusive options, but both are set.";
    check_faults(&[("topics", "a")], &[]);
    check_faults(&[], &[neither, neither]);
    check_faults(&[("topics", " ")], &[neither, neither]);
    check_faults(&[("topics", "a"), ("topics.regex", "a.*")], &[both, both]);
    check_faults(
        &[("topics", "a"), ("tasks.max", "0")],
        &["Invalid value 0 for configuration tasks.max: Value must be at least 1"],
    );
    check_faults(
        &[
            ("topics", "a"),
            ("tasks.max", "x"),
            ("errors.tolerance", "some"),
        ],
        &[
            "Invalid value x for configuration tasks.max: Not a number of type INT",
            "Invalid value null for configuration tasks.max: Value must be non-null",
            "Invalid value some for configuration errors.tolerance: String must be one of: none, all",
        ],
    );
    check_faults(
        &[
            ("topics", "a,b"),
            ("errors.deadletterqueue.topic.name", "b"),
        ],
        &[
            "The DLQ topic 'b' may not be included in the list of topics ('topics=[a, b]') consumed \
           by the connector",
        ],
    );
    check_faults(
        &[
            ("topics.regex", "a.*"),
            ("errors.deadletterqueue.topic.name", "ab"),
        ],
        &[
            "The DLQ topic 'ab' may not be matched by the regex for the topics \
           ('topics.regex=a.*') consumed by the connector",
        ],
    );
    check_faults(
        &[("topics", "a,,b")],
        &["Configuration 'topics' values must not be empty."],
    );
    check_faults(
        &[("topics", "a"), ("name", "")],
        &["Invalid value  for configuration name: String may not be empty"],
    );
    check_faults(
        &[("topics", "a"), ("transforms", "x,x")],
        &["Invalid value [x, x] for configuration transforms: Duplicate alias provided."],
    );
}

#[test]
fn a_broken_expression_is_refused() {
    let faults = sink_faults(&settings(&[("topics.regex", "a(")]));
    let [fault] = faults.as_slice() else {
        panic!("one fault, not {faults:?}")
    };
    let start = "Invalid value a( for configuration topics.regex: Invalid regex: ";
    assert!(fault.to_string().starts_with(start), "{fault}");
}

#[test]
fn an_expression_matches_whole_names_and_may_look_ahead() {
    let pattern = TopicPattern::new("a|b(?!x).*").unwrap();
    assert!(pattern.matches("a") && pattern.matches("bc"));
    assert!(!pattern.matches("ab") && !pattern.matches("bx") && !pattern.matches("a\n"));
}

#[test]
fn a_connector_with_its_own_converter_takes_none_of_the_workers_settings() {
    let worker = worker();
    let plain = ConnectorConfig::sink(settings(&[("topics", "a")])).unwrap();
    let inherited = plain.value_converter(&worker);
    assert_eq!(inherited.class, "V");
    assert_eq!(inherited.settings.text("schemas.enable"), Some("false"));

    let own = settings(&[
        ("topics", "a"),
        ("value.converter", "V"),
        ("value.converter.x", "1"),
    ]);
    let own = ConnectorConfig::sink(own).unwrap().value_converter(&worker);
    assert_eq!(own.settings.text("schemas.enable"), None);
    assert_eq!(own.settings.text("x"), Some("1"));
}

#[test]
fn a_connectors_client_settings_win_over_the_workers() {
    let changes = [
        ("topics", "a"),
        ("consumer.override.max.poll.records", "3"),
        ("consumer.override.group.id", "g"),
    ];
    let config = ConnectorConfig::sink(settings(&changes)).unwrap();
    let consumer = config.client_settings(ClientKind::Consumer, &worker());
    assert_eq!(consumer.text("max.poll.records"), Some("3"));
    assert_eq!(consumer.text("fetch.max.bytes"), Some("1"));
    assert_eq!(config.group_id(&worker()), "g");
    let plain = ConnectorConfig::sink(settings(&[("topics", "a")])).unwrap();
    assert_eq!(plain.group_id(&worker()), "connect-s");
}

#[test]
fn settings_become_types() {
    let changes = [
        ("topics", " b , a ,b"),
        ("errors.retry.timeout", "-1"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", "d"),
        ("errors.deadletterqueue.outage.threshold", "7"),
    ];
    let config = ConnectorConfig::sink(settings(&changes)).unwrap();
    let Subscription::Topics(topics) = &config.sink_config().unwrap().subscription else {
        panic!("topics")
    };
    assert_eq!(topics, &["b", "a"]);
    assert_eq!(config.errors.retry_timeout, None);
    assert!(config.errors.is_tolerant);
    let expected = DeadLetterConfig {
        topic: "d".into(),
        replication_factor: 3,
        context_headers: false,
        outage_threshold: NonZeroU32::new(7),
    };
    assert_eq!(config.sink_config().unwrap().dead_letters, Some(expected));
    assert_eq!(config.tasks_max, 1);
}

#[test]
fn definitions_are_javas() {
    let golden = include_str!("definition_golden.txt");
    crate::config::golden::check_definitions(&connector_definition::sink(), golden, &[]);
}
