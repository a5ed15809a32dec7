//! Answers of Java's `DistributedConfig` 4.2 to the same settings.

use super::*;
use crate::config::distributed_definition;

fn settings(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let converter = "org.apache.kafka.connect.storage.StringConverter";
    let base = [
        ("bootstrap.servers", "127.0.0.1:9092"),
        ("key.converter", converter),
        ("value.converter", converter),
        ("group.id", "g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ];
    let entries = base.iter().chain(changes);
    entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn parsed(changes: &[(&str, &str)]) -> DistributedConfig {
    DistributedConfig::from_settings(settings(changes)).unwrap()
}

fn fault(changes: &[(&str, &str)]) -> String {
    DistributedConfig::from_settings(settings(changes))
        .unwrap_err()
        .to_string()
}

#[test]
fn definitions_are_javas() {
    let golden = include_str!("definition_golden.txt");
    let definitions = distributed_definition::distributed();
    crate::config::golden::check_definitions(&definitions, golden, &["listeners"]);
}

#[test]
fn defaults_are_javas() {
    let config = parsed(&[]);
    let seconds = Duration::from_secs;
    assert_eq!(config.session_timeout, seconds(10));
    assert_eq!(config.heartbeat_interval, seconds(3));
    assert_eq!(config.rebalance_timeout, seconds(60));
    assert_eq!(config.sync_timeout, seconds(3));
    assert_eq!(config.unsync_backoff, seconds(300));
    assert_eq!(config.rebalance_delay_max, seconds(300));
    assert_eq!(config.protocol, ConnectProtocol::Sessioned);
    assert_eq!(config.exactly_once_source, ExactlyOnceSource::Disabled);
    assert_eq!(config.client_id, "g-");
    assert_eq!(config.transactional_id(), "connect-cluster-g");
    let topics = [
        &config.config_topic,
        &config.offset_topic,
        &config.status_topic,
    ];
    let partitions = topics.map(|topic| topic.partitions);
    assert_eq!(partitions, [Some(1), Some(25), Some(5)]);
    assert!(
        topics
            .iter()
            .all(|topic| topic.replication_factor == Some(3))
    );
    let expected = SignatureConfig {
        key_algorithm: MacAlgorithm::HmacSha256,
        key_bytes: 32,
        key_ttl: seconds(3_600),
        algorithm: MacAlgorithm::HmacSha256,
        verified: vec![MacAlgorithm::HmacSha256],
    };
    assert_eq!(config.signatures, expected);
}

#[test]
fn faults_are_told_in_javas_words() {
    for key in [
        "group.id",
        "config.storage.topic",
        "offset.storage.topic",
        "status.storage.topic",
    ] {
        let mut settings = settings(&[]);
        settings.remove(key);
        let error = DistributedConfig::from_settings(settings).unwrap_err();
        let expected =
            format!("Missing required configuration \"{key}\" which has no default value.");
        assert_eq!(error.to_string(), expected);
    }
    let partitions = "Number of partitions must be positive, or -1 to use the broker's default";
    let copies = "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or \
                  -1 to use the broker's default";
    let modes = "String must be one of (case insensitive): DISABLED, ENABLED, PREPARING";
    let protocols =
        "String must be one of (case insensitive): SASL_SSL, PLAINTEXT, SSL, SASL_PLAINTEXT";
    let strategies = "String must be one of (case insensitive): REBOOTSTRAP, NONE";
    let present =
        "Signature algorithm must be present in inter.worker.verification.algorithms list";
    for (key, value, reason) in [
        ("session.timeout.ms", "x", "Not a number of type INT"),
        (
            "rebalance.timeout.ms",
            "99999999999",
            "Not a number of type INT",
        ),
        ("exactly.once.source.support", "maybe", modes),
        ("metadata.max.age.ms", "-1", "Value must be at least 0"),
        ("send.buffer.bytes", "-2", "Value must be at least -1"),
        ("request.timeout.ms", "-1", "Value must be at least 0"),
        ("security.protocol", "X", protocols),
        ("offset.storage.partitions", "0", partitions),
        ("status.storage.partitions", "-2", partitions),
        ("offset.storage.replication.factor", "0", copies),
        (
            "config.storage.replication.factor",
            "99999",
            "Not a number of type SHORT",
        ),
        (
            "connect.protocol",
            "fancy",
            "Invalid Connect protocol compatibility",
        ),
        (
            "scheduled.rebalance.max.delay.ms",
            "-1",
            "Value must be at least 0",
        ),
        ("inter.worker.key.ttl.ms", "-1", "Value must be at least 0"),
        ("inter.worker.key.size", "x", "Not a number of type INT"),
        ("inter.worker.signature.algorithm", "HmacSHA1", present),
        ("inter.worker.signature.algorithm", "hmacsha256", present),
        ("metadata.recovery.strategy", "x", strategies),
    ] {
        let expected = format!("Invalid value {value} for configuration {key}: {reason}");
        assert_eq!(fault(&[(key, value)]), expected);
    }
}

#[test]
fn faults_of_signatures_and_topics_are_told_in_javas_words() {
    assert_eq!(
        fault(&[("inter.worker.verification.algorithms", "")]),
        "Invalid value [] for configuration inter.worker.verification.algorithms: At least one signature verification \
         algorithm must be provided"
    );
    for bits in ["0", "39", "-8"] {
        let expected = format!(
            "Unable to create key generator with algorithm HmacSHA256 and key size {bits}: Key length must be at least \
             40 bits"
        );
        assert_eq!(fault(&[("inter.worker.key.size", bits)]), expected);
    }
    let unsupported = fault(&[("inter.worker.key.generation.algorithm", "Nope")]);
    assert!(
        unsupported.starts_with("Invalid value Nope for configuration inter.worker.key.generation.algorithm: the algorithm is not supported by this"),
        "{unsupported}"
    );
    assert_eq!(
        fault(&[("config.storage.topic", " ")]),
        "Must specify topic for connector configuration."
    );
}

#[test]
fn other_values_are_taken_as_java_takes_them() {
    let config = parsed(&[
        ("connect.protocol", "EAGER"),
        ("exactly.once.source.support", "Enabled"),
        ("client.id", "w1"),
        ("session.timeout.ms", "-1"),
        ("inter.worker.key.generation.algorithm", "hmacsha512"),
        ("inter.worker.signature.algorithm", "HmacSHA1"),
        (
            "inter.worker.verification.algorithms",
            "HmacSHA256,HmacSHA1",
        ),
        ("offset.storage.partitions", "-1"),
        ("offset.storage.replication.factor", "-1"),
    ]);
    assert_eq!(config.protocol, ConnectProtocol::Eager);
    assert_eq!(config.exactly_once_source, ExactlyOnceSource::Enabled);
    assert_eq!(config.client_id, "g-w1-");
    assert_eq!(config.session_timeout, Duration::ZERO);
    assert_eq!(config.signatures.key_bytes, 64);
    assert_eq!(config.signatures.verified.len(), 2);
    assert_eq!(config.offset_topic.partitions, None);
    assert_eq!(config.offset_topic.replication_factor, None);
    let bits = |bits: &str| {
        parsed(&[("inter.worker.key.size", bits)])
            .signatures
            .key_bytes
    };
    assert_eq!([bits("40"), bits("41"), bits("100")], [5, 6, 13]);
}

#[test]
fn topics_have_the_configurations_of_their_prefixes() {
    let config = parsed(&[
        ("config.storage.partitions", "7"),
        ("config.storage.cleanup.policy", "delete"),
        ("config.storage.min.insync.replicas", "2"),
        ("status.storage.segment.bytes", "1048576"),
    ]);
    let configs = |topic: &StorageTopic| {
        let configs = topic.configs.iter();
        let shown = configs.map(|(key, value)| format!("{key}={value}"));
        shown.collect::<Vec<_>>().join(",")
    };
    assert_eq!(configs(&config.config_topic), "min.insync.replicas=2");
    assert_eq!(config.config_topic.partitions, Some(1));
    assert_eq!(configs(&config.status_topic), "segment.bytes=1048576");
    assert_eq!(configs(&config.offset_topic), "");
}

#[test]
fn misspelt_keys_of_a_cluster_are_found() {
    let config = parsed(&[("gruop.id", "x"), ("heartbeat.intervall.ms", "1")]);
    let found = config.worker.misspelt_keys();
    let meant: Vec<&str> = found.iter().map(|(_, meant)| meant.as_str()).collect();
    assert_eq!(meant, ["group.id", "heartbeat.interval.ms"]);
}
