//! The definitions of the settings that only a distributed worker has.
//!
//! # Source
//! `DistributedConfig` of Kafka 4.2: names, types, defaults and limits are compared with a dump of the Java definitions in
//! the tests.

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};

use super::client_definition;
use super::mac_algorithm::MacAlgorithm;
use super::worker::ClientKind;
use super::worker_definition;
use crate::membership::protocol::ConnectProtocol;

/// The settings of a distributed worker, in Java's order.
pub fn distributed() -> ConfigDef {
    keys(storage(timing(clients(group(worker_definition::common())))))
}

fn group(definitions: ConfigDef) -> ConfigDef {
    let millis = |name, default: i32, doc| {
        ConfigKey::with_default(name, ConfigType::Int, default)
            .importance(Importance::High)
            .doc(doc)
    };
    [
        ConfigKey::required("group.id", ConfigType::String)
            .importance(Importance::High)
            .doc("Name of the cluster that the worker belongs to."),
        millis(
            "session.timeout.ms",
            10_000,
            "Time without a heartbeat after which the worker counts as gone.",
        ),
        millis(
            "rebalance.timeout.ms",
            60_000,
            "Time that every worker has to join a rebalance.",
        ),
        millis("heartbeat.interval.ms", 3_000, "Time between heartbeats."),
        ConfigKey::with_default(
            "exactly.once.source.support",
            ConfigType::String,
            "disabled",
        )
        .validator(Validator::OneOfIgnoringCase(&[
            "disabled",
            "enabled",
            "preparing",
        ]))
        .importance(Importance::High)
        .doc("Whether sources may write records and offsets in transactions."),
    ]
    .into_iter()
    .fold(definitions, ConfigDef::define)
}

fn clients(definitions: ConfigDef) -> ConfigDef {
    let long = |name, default: i64| {
        ConfigKey::with_default(name, ConfigType::Long, default).validator(Validator::AtLeast(0))
    };
    let bytes = |name, default: i32| {
        ConfigKey::with_default(name, ConfigType::Int, default)
            .validator(Validator::AtLeast(-1))
            .importance(Importance::Medium)
    };
    let plain = [
        long("metadata.max.age.ms", 300_000),
        ConfigKey::with_default("client.id", ConfigType::String, ""),
        bytes("send.buffer.bytes", 131_072),
        bytes("receive.buffer.bytes", 32_768),
        long("reconnect.backoff.ms", 50),
        long("reconnect.backoff.max.ms", 1_000),
        long("socket.connection.setup.timeout.ms", 10_000),
        long("socket.connection.setup.timeout.max.ms", 30_000),
        long("retry.backoff.ms", 100),
        long("retry.backoff.max.ms", 1_000),
        ConfigKey::with_default("request.timeout.ms", ConfigType::Int, 40_000)
            .validator(Validator::AtLeast(0))
            .importance(Importance::Medium),
        ConfigKey::with_default("connections.max.idle.ms", ConfigType::Long, 540_000_i64)
            .importance(Importance::Medium),
        ConfigKey::with_default("security.protocol", ConfigType::String, "PLAINTEXT")
            .validator(Validator::OneOfIgnoringCase(&[
                "SASL_SSL",
                "PLAINTEXT",
                "SSL",
                "SASL_PLAINTEXT",
            ]))
            .importance(Importance::Medium),
    ];
    let admin = client_definition::client(ClientKind::Admin);
    let sasl = admin.keys().filter(|key| key.name().starts_with("sasl."));
    let recovery = [
        ConfigKey::with_default(
            "metadata.recovery.strategy",
            ConfigType::String,
            "rebootstrap",
        )
        .validator(Validator::OneOfIgnoringCase(&["REBOOTSTRAP", "NONE"])),
        long("metadata.recovery.rebootstrap.trigger.ms", 300_000),
    ];
    let all = plain.into_iter().chain(sasl.cloned()).chain(recovery);
    all.map(|key| key.doc("A setting of the worker's own Kafka clients."))
        .fold(definitions, ConfigDef::define)
}

fn timing(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::with_default("worker.sync.timeout.ms", ConfigType::Int, 3_000)
                .importance(Importance::Medium)
                .doc("Time to catch up with the other workers before leaving them."),
        )
        .define(
            ConfigKey::with_default("worker.unsync.backoff.ms", ConfigType::Int, 300_000)
                .importance(Importance::Medium)
                .doc("Time to stay away after failing to catch up."),
        )
        .define(
            ConfigKey::with_default("connect.protocol", ConfigType::String, "sessioned")
                .validator(Validator::Rule(check_protocol))
                .doc("How workers agree on who does what: eager, compatible or sessioned."),
        )
        .define(
            ConfigKey::with_default("scheduled.rebalance.max.delay.ms", ConfigType::Int, 300_000)
                .validator(NOT_NEGATIVE)
                .doc("Longest wait for a worker that is gone to come back."),
        )
}

fn storage(definitions: ConfigDef) -> ConfigDef {
    let topic = |name, doc| {
        ConfigKey::required(name, ConfigType::String)
            .importance(Importance::High)
            .doc(doc)
    };
    let partitions = |name, default: i32| {
        ConfigKey::with_default(name, ConfigType::Int, default)
            .validator(Validator::Rule(check_partitions))
            .doc("Partitions of the topic when it is made; -1 for the brokers' default.")
    };
    let copies = |name| {
        ConfigKey::with_default(name, ConfigType::Short, ConfigValue::Short(3))
            .validator(Validator::Rule(check_replication_factor))
            .doc("Copies of the topic when it is made; -1 for the brokers' default.")
    };
    [
        topic("offset.storage.topic", "Topic for the offsets of sources."),
        partitions("offset.storage.partitions", 25),
        copies("offset.storage.replication.factor"),
        topic("config.storage.topic", "Topic for configurations."),
        copies("config.storage.replication.factor"),
        topic("status.storage.topic", "Topic for statuses."),
        partitions("status.storage.partitions", 5),
        copies("status.storage.replication.factor"),
    ]
    .into_iter()
    .fold(definitions, ConfigDef::define)
}

fn keys(definitions: ConfigDef) -> ConfigDef {
    let algorithm = |name, doc| {
        ConfigKey::with_default(name, ConfigType::String, "HmacSHA256")
            .validator(Validator::Rule(check_algorithm))
            .doc(doc)
    };
    definitions
        .define(
            ConfigKey::with_default("inter.worker.key.ttl.ms", ConfigType::Int, 3_600_000)
                .validator(NOT_NEGATIVE)
                .doc("Age at which the key for signatures is replaced."),
        )
        .define(algorithm(
            "inter.worker.key.generation.algorithm",
            "Algorithm for which keys for signatures are made.",
        ))
        .define(
            ConfigKey::optional("inter.worker.key.size", ConfigType::Int)
                .doc("Bits of a key for signatures; what suits the algorithm when absent."),
        )
        .define(algorithm(
            "inter.worker.signature.algorithm",
            "Algorithm that signs requests to other workers.",
        ))
        .define(
            ConfigKey::with_default(
                "inter.worker.verification.algorithms",
                ConfigType::List,
                ["HmacSHA256"],
            )
            .validator(Validator::Rule(check_algorithms))
            .doc("Algorithms with which other workers may sign their requests."),
        )
}

fn check_protocol(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text)) if text.parse::<ConnectProtocol>().is_ok() => Ok(()),
        other => Err(invalid(
            name,
            other,
            "Invalid Connect protocol compatibility",
        )),
    }
}

fn check_partitions(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::Int(count)) if *count == -1 || *count > 0 => Ok(()),
        other => Err(invalid(
            name,
            other,
            "Number of partitions must be positive, or -1 to use the broker's default",
        )),
    }
}

fn check_replication_factor(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::Short(copies)) if *copies == -1 || *copies > 0 => Ok(()),
        other => Err(invalid(
            name,
            other,
            "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 \
             to use the broker's default",
        )),
    }
}

fn check_algorithm(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text)) if MacAlgorithm::of(text).is_some() => Ok(()),
        other => Err(unsupported(name, other)),
    }
}

fn check_algorithms(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    let Some(ConfigValue::List(algorithms)) = value else {
        return Ok(());
    };
    if algorithms.is_empty() {
        let reason = "At least one signature verification algorithm must be provided";
        return Err(invalid(name, value, reason));
    }
    let mut texts = algorithms.iter().cloned().map(ConfigValue::String);
    texts.try_for_each(|text| check_algorithm(name, Some(&text)))
}

fn unsupported(name: &str, value: Option<&ConfigValue>) -> ConfigError {
    let supported = MacAlgorithm::ALL.map(MacAlgorithm::name).join(", ");
    let reason = format!(
        "the algorithm is not supported by this worker; the supported algorithms are: [{supported}]"
    );
    invalid(name, value, reason)
}

fn invalid(name: &str, value: Option<&ConfigValue>, reason: impl Into<String>) -> ConfigError {
    let shown = value.map_or_else(|| "null".to_owned(), ToString::to_string);
    ConfigError::invalid(name, shown, reason)
}

const NOT_NEGATIVE: Validator = Validator::Between(0, i32::MAX as i64);
