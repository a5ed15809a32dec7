//! Answers recorded from Java's `ConnectStandalone` 4.2, which was started once with each of these files.

use std::collections::BTreeMap;

use super::*;
use crate::config::listener::Listener;

fn settings(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let base = [
        ("bootstrap.servers", "127.0.0.1:9092"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("offset.storage.file.filename", "/tmp/offsets"),
    ];
    let entries = base.iter().chain(changes);
    entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn parsed(changes: &[(&str, &str)]) -> StandaloneConfig {
    StandaloneConfig::from_settings(settings(changes)).unwrap()
}

#[test]
fn defaults_are_javas_except_where_listed() {
    let config = parsed(&[]).worker;
    assert_eq!(
        config.task_shutdown_graceful_timeout,
        Duration::from_secs(5)
    );
    assert_eq!(config.offset_flush_interval, Duration::from_secs(60));
    assert_eq!(config.offset_flush_timeout, Duration::from_secs(5));
    assert_eq!(
        config.header_converter.class,
        "org.apache.kafka.connect.storage.SimpleHeaderConverter"
    );
    assert!(config.topic_creation_enable && config.topic_tracking_enable);
    assert_eq!(
        config.rest.listeners,
        [Listener::parse("http://127.0.0.1:8083").unwrap()]
    );
    assert_eq!(config.memory_bytes, 64 * 1024 * 1024);
    assert!(config.threads >= 1);
}

/// A key, a value that it cannot have, and Java's text about it.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "offset.flush.interval.ms",
        "abc",
        "Invalid value abc for configuration offset.flush.interval.ms: Not a number of type LONG",
    ),
    (
        "topic.creation.enable",
        "maybe",
        "Invalid value maybe for configuration topic.creation.enable: Expected value to be \
             either true or false",
    ),
    (
        "rest.advertised.port",
        "x",
        "Invalid value x for configuration rest.advertised.port: Not a number of type INT",
    ),
    (
        "metrics.num.samples",
        "0",
        "Invalid value 0 for configuration metrics.num.samples: Value must be at least 1",
    ),
    (
        "metrics.recording.level",
        "info",
        "Invalid value info for configuration metrics.recording.level: String must be one of: \
             INFO, DEBUG",
    ),
    (
        "client.dns.lookup",
        "foo",
        "Invalid value foo for configuration client.dns.lookup: String must be one of: \
             use_all_dns_ips, resolve_canonical_bootstrap_servers_only",
    ),
    (
        "ssl.client.auth",
        "foo",
        "Invalid value foo for configuration ssl.client.auth: String must be one of: required, \
             requested, none",
    ),
    (
        "bootstrap.servers",
        "",
        "Configuration 'bootstrap.servers' must not be empty. Valid values include: any \
             non-empty value",
    ),
    (
        "bootstrap.servers",
        "a:1,,b:1",
        "Configuration 'bootstrap.servers' values must not be empty.",
    ),
    (
        "listeners",
        "",
        "Invalid value for listeners, at least one URL is expected, ex: \
             http://localhost:8080,https://localhost:8443.",
    ),
    (
        "listeners",
        "ftp://x:1",
        "Listener protocol must be either \"http\" or \"https\".",
    ),
    (
        "listeners",
        "localhost:8083",
        "Listener doesn't have the right format (protocol://hostname:port).",
    ),
    (
        "plugin.discovery",
        "foo",
        "Invalid plugin.discovery value, must be one of [only_scan, hybrid_warn, hybrid_fail, \
             service_load]",
    ),
    (
        "worker.threads",
        "0",
        "Invalid value 0 for configuration worker.threads: Value must be at least 1",
    ),
];

#[test]
fn faults_have_javas_texts() {
    for (key, value, message) in FAULTS {
        let error = StandaloneConfig::from_settings(settings(&[(key, value)])).unwrap_err();
        assert_eq!(error.to_string(), *message, "{key}={value}");
        assert_eq!(error.name(), *key);
    }
}

#[test]
fn a_missing_key_is_named() {
    let keys = [
        "bootstrap.servers",
        "key.converter",
        "value.converter",
        "offset.storage.file.filename",
    ];
    for key in keys {
        let mut settings = settings(&[]);
        settings.remove(key);
        assert_eq!(
            StandaloneConfig::from_settings(settings)
                .unwrap_err()
                .to_string(),
            format!("Missing required configuration \"{key}\" which has no default value.")
        );
    }
}

#[test]
fn only_the_admin_client_takes_settings_without_prefix() {
    let config = parsed(&[
        ("security.protocol", "SASL_SSL"),
        ("consumer.max.poll.records", "7"),
        ("admin.request.timeout.ms", "9"),
        ("request.timeout.ms", "1"),
    ])
    .worker;
    let consumer = config.client_settings(ClientKind::Consumer);
    assert_eq!(consumer.text("max.poll.records"), Some("7"));
    assert_eq!(consumer.text("security.protocol"), None);
    let admin = config.client_settings(ClientKind::Admin);
    assert_eq!(admin.text("security.protocol"), Some("SASL_SSL"));
    assert_eq!(admin.text("request.timeout.ms"), Some("9"));
    assert_eq!(admin.text("consumer.max.poll.records"), None);
}

#[test]
fn misspelt_keys_are_found_and_meant_ones_are_not() {
    let config = parsed(&[
        ("offset.flush.intervall.ms", "1"),
        ("consumer.x", "1"),
        ("key.converter.schemas.enable", "false"),
        ("sasl.jaas.config", "s3cret"),
        ("request.timeout.ms", "1"),
        ("default.api.timeout.ms", "2"),
    ])
    .worker;
    assert_eq!(config.unknown_keys(), ["offset.flush.intervall.ms"]);
    assert_eq!(
        config.key_converter.settings.text("schemas.enable"),
        Some("false")
    );
}

#[test]
fn no_secret_is_in_debug_output() {
    let config = parsed(&[
        ("ssl.keystore.password", "s3cret"),
        ("consumer.sasl.jaas.config", "s3cret"),
        ("value.converter.basic.auth.user.info", "u:s3cret"),
    ]);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn definitions_are_javas() {
    let differs = ["listeners"];
    let golden = include_str!("definition_golden.txt");
    crate::config::golden::check_definitions(&worker_definition::standalone(), golden, &differs);
}

#[test]
fn an_unknown_policy_is_refused() {
    let key = "connector.client.config.override.policy";
    let all = "org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy";
    for accepted in ["All", "AllConnectorClientConfigOverridePolicy", all] {
        parsed(&[(key, accepted)]);
    }
    let error = StandaloneConfig::from_settings(settings(&[(key, "Some")])).unwrap_err();
    assert_eq!(error.name(), key);
}

#[test]
fn values_of_variables_take_their_places_and_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.properties");
    std::fs::write(&file, "brokers=b:1,c:2\nnumber=canary\n").unwrap();
    let variable = |key: &str| format!("${{file:{}:{key}}}", file.display());
    let with = |changes: &[(&str, &str)]| {
        let provider = [
            ("config.providers", "file"),
            (
                "config.providers.file.class",
                "org.apache.kafka.common.config.provider.FileConfigProvider",
            ),
        ];
        StandaloneConfig::from_settings(settings(&[&provider[..], changes].concat()))
    };
    let (brokers, number) = (variable("brokers"), variable("number"));
    let config = with(&[("bootstrap.servers", &brokers), ("plugin.path", &brokers)]).unwrap();
    assert_eq!(config.worker.bootstrap_servers, ["b:1", "c:2"]);
    assert_eq!(
        config.worker.originals.text("plugin.path"),
        Some(brokers.as_str())
    );

    let error = with(&[("offset.flush.interval.ms", &number)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Invalid value {number} for configuration offset.flush.interval.ms: Not a number of type LONG"
        )
    );
}

#[test]
fn misspelt_keys_are_told_with_what_was_meant() {
    let config = parsed(&[
        ("offset.flush.intervall.ms", "1"),
        ("x.y", "1"),
        ("plugin.pth", "/p"),
    ]);
    let found = config.worker.misspelt_keys();
    assert_eq!(
        found,
        [
            (
                "offset.flush.intervall.ms",
                "offset.flush.interval.ms".to_owned()
            ),
            ("plugin.pth", "plugin.path".to_owned()),
        ]
    );
}
