//! The settings of a worker that shares its work with others, typed.
//!
//! # Source
//! `DistributedConfig` of Kafka 4.2

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigError, ParsedConfig};

use super::mac_algorithm::MacAlgorithm;
use super::settings::Settings;
use super::worker::{WorkerConfig, WorkerKind};
use crate::membership::protocol::ConnectProtocol;

/// The settings of a worker of a cluster.
#[derive(Clone, Debug)]
pub struct DistributedConfig {
    /// What both kinds of worker have.
    pub worker: WorkerConfig,
    /// The cluster's name: the group that its workers join (`group.id`).
    pub group_id: String,
    /// What the worker's clients are called in the brokers' logs, before the name of their task (`client.id`).
    pub client_id: String,
    /// What the worker offers when it joins (`connect.protocol`).
    pub protocol: ConnectProtocol,
    /// Without a heartbeat for so long, the worker counts as gone (`session.timeout.ms`).
    pub session_timeout: Duration,
    /// Between heartbeats (`heartbeat.interval.ms`).
    pub heartbeat_interval: Duration,
    /// For how long a rebalance waits for workers to join (`rebalance.timeout.ms`).
    pub rebalance_timeout: Duration,
    /// What a worker behind the others has to catch up (`worker.sync.timeout.ms`).
    pub sync_timeout: Duration,
    /// For how long it stays away if it did not (`worker.unsync.backoff.ms`).
    pub unsync_backoff: Duration,
    /// For how long work of a worker that is gone may wait for it (`scheduled.rebalance.max.delay.ms`).
    pub rebalance_delay_max: Duration,
    /// The config topic (`config.storage.*`); its partitions are always 1.
    pub config_topic: StorageTopic,
    /// The offsets topic (`offset.storage.*`).
    pub offset_topic: StorageTopic,
    /// The status topic (`status.storage.*`).
    pub status_topic: StorageTopic,
    /// How workers sign what they ask of each other (`inter.worker.*`).
    pub signatures: SignatureConfig,
    /// Whether sources may be exactly once (`exactly.once.source.support`).
    pub exactly_once_source: ExactlyOnceSource,
}

/// An internal topic, as it is made if it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; `None` for the brokers' default.
    pub partitions: Option<i32>,
    /// How many copies of each; `None` for the brokers' default.
    pub replication_factor: Option<i16>,
    /// Its other configurations.
    pub configs: BTreeMap<String, String>,
}

/// How workers sign what they ask of each other (KIP-507).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureConfig {
    /// For what keys are made.
    pub key_algorithm: MacAlgorithm,
    /// Bytes of a key.
    pub key_bytes: usize,
    /// Age at which a key is replaced.
    pub key_ttl: Duration,
    /// How this worker signs.
    pub algorithm: MacAlgorithm,
    /// How others may sign.
    pub verified: Vec<MacAlgorithm>,
}

/// Whether sources may be exactly once (KIP-618).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnceSource {
    /// No.
    Disabled,
    /// Not yet, but the leader writes the config topic in transactions, so that the others may be switched on one by one.
    Preparing,
    /// Yes.
    Enabled,
}

impl ExactlyOnceSource {
    /// Whether the leader writes the config topic in transactions.
    pub fn has_transactional_leader(self) -> bool {
        self != Self::Disabled
    }

    /// Whether the tasks of sources write in transactions.
    pub fn is_enabled(self) -> bool {
        self == Self::Enabled
    }
}

impl DistributedConfig {
    /// Types and checks settings, after the values of variables have taken their places.
    ///
    /// # Errors
    /// The first setting that is missing or unusable, in Java's words, or a provider that cannot be read. No value of a
    /// variable is told.
    pub fn from_settings(settings: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        WorkerConfig::resolve(&settings, WorkerKind::Distributed, Self::from_worker)
    }

    fn from_worker(worker: WorkerConfig) -> Result<Self, ConfigError> {
        let parsed = &worker.parsed;
        let text = |key| parsed.string(key);
        let unusable = |key: &str| ConfigError::invalid(key, "null", "entry must be non null");
        let protocol = text("connect.protocol")?.parse();
        let config = Self {
            group_id: text("group.id")?.to_owned(),
            client_id: client_id(parsed)?,
            protocol: protocol.map_err(|_| unusable("connect.protocol"))?,
            session_timeout: millis(parsed, "session.timeout.ms")?,
            heartbeat_interval: millis(parsed, "heartbeat.interval.ms")?,
            rebalance_timeout: millis(parsed, "rebalance.timeout.ms")?,
            sync_timeout: millis(parsed, "worker.sync.timeout.ms")?,
            unsync_backoff: millis(parsed, "worker.unsync.backoff.ms")?,
            rebalance_delay_max: millis(parsed, "scheduled.rebalance.max.delay.ms")?,
            config_topic: storage_topic(&worker, "config.storage.")?,
            offset_topic: storage_topic(&worker, "offset.storage.")?,
            status_topic: storage_topic(&worker, "status.storage.")?,
            signatures: signatures(parsed)?,
            exactly_once_source: match text("exactly.once.source.support")? {
                mode if mode.eq_ignore_ascii_case("enabled") => ExactlyOnceSource::Enabled,
                mode if mode.eq_ignore_ascii_case("preparing") => ExactlyOnceSource::Preparing,
                _ => ExactlyOnceSource::Disabled,
            },
            worker,
        };
        Ok(config)
    }

    /// The transactional id with which the leader writes the config topic.
    pub fn transactional_id(&self) -> String {
        format!("connect-cluster-{}", self.group_id)
    }

    /// What the worker sets for its own clients: all settings without a prefix of others.
    pub fn own_client_settings(&self) -> &Settings {
        &self.worker.originals
    }
}

/// What the names of the worker's own clients begin with.
///
/// # Source
/// `ConnectUtils.clientIdBase`
fn client_id(parsed: &ParsedConfig) -> Result<String, ConfigError> {
    let group = parsed.string("group.id")?;
    Ok(match parsed.string("client.id")?.trim() {
        "" => format!("{group}-"),
        _ => format!("{group}-{}-", parsed.string("client.id")?),
    })
}

fn storage_topic(worker: &WorkerConfig, prefix: &str) -> Result<StorageTopic, ConfigError> {
    let parsed = &worker.parsed;
    let key = |suffix: &str| format!("{prefix}{suffix}");
    let name = parsed.string(&key(TOPIC))?;
    if name.trim().is_empty() {
        return Err(ConfigError::rule(key(TOPIC), missing_topic(prefix)));
    }
    let mut configs = worker.originals.with_prefix(prefix).as_map().clone();
    let is_config_topic = prefix == CONFIG_PREFIX;
    if let Some(partitions) = configs.remove(PARTITIONS).filter(|_| is_config_topic) {
        tracing::warn!(
            "Ignoring '{prefix}{PARTITIONS}={partitions}' setting, since config topic partitions is always 1"
        );
    }
    if let Some(policy) = configs.remove(CLEANUP_POLICY) {
        tracing::warn!(
            "Ignoring '{prefix}{CLEANUP_POLICY}={policy}' setting, since compaction is always used"
        );
    }
    configs.remove(TOPIC);
    configs.remove(REPLICATION_FACTOR);
    let partitions = match is_config_topic {
        true => 1,
        false => parsed.int(&key(PARTITIONS))?,
    };
    let copies = parsed.short(&key(REPLICATION_FACTOR))?;
    Ok(StorageTopic {
        name: name.to_owned(),
        partitions: Some(partitions).filter(|count| *count > 0),
        replication_factor: Some(copies).filter(|count| *count > 0),
        configs,
    })
}

/// What Java says of a topic without a name when it opens it.
fn missing_topic(prefix: &str) -> &'static str {
    match prefix {
        CONFIG_PREFIX => "Must specify topic for connector configuration.",
        "offset.storage." => "Offset storage topic must be specified",
        _ => "Must specify topic for connector status.",
    }
}

fn signatures(parsed: &ParsedConfig) -> Result<SignatureConfig, ConfigError> {
    const KEY_ALGORITHM: &str = "inter.worker.key.generation.algorithm";
    const ALGORITHM: &str = "inter.worker.signature.algorithm";
    const VERIFIED: &str = "inter.worker.verification.algorithms";
    let algorithm = |key: &str, name: &str| {
        MacAlgorithm::of(name)
            .ok_or_else(|| ConfigError::invalid(key, name, "the algorithm is not supported"))
    };
    let key_algorithm_name = parsed.string(KEY_ALGORITHM)?;
    let key_algorithm = algorithm(KEY_ALGORITHM, key_algorithm_name)?;
    let key_bytes = match parsed.optional_int(KEY_SIZE) {
        None => key_algorithm.key_bytes(),
        Some(bits) => key_bytes(key_algorithm_name, bits)?,
    };
    let name = parsed.string(ALGORITHM)?;
    // Names are compared as they are written, as in Java.
    if !parsed
        .list(VERIFIED)
        .iter()
        .any(|verified| verified == name)
    {
        let reason = format!("Signature algorithm must be present in {VERIFIED} list");
        return Err(ConfigError::invalid(ALGORITHM, name, reason));
    }
    let verified = parsed.list(VERIFIED).iter();
    Ok(SignatureConfig {
        key_algorithm,
        key_bytes,
        key_ttl: millis(parsed, "inter.worker.key.ttl.ms")?,
        algorithm: algorithm(ALGORITHM, name)?,
        verified: verified
            .map(|name| algorithm(VERIFIED, name))
            .collect::<Result<_, _>>()?,
    })
}

fn key_bytes(algorithm: &str, bits: i32) -> Result<usize, ConfigError> {
    let refused = |reason: &str| {
        let message = format!(
            "Unable to create key generator with algorithm {algorithm} and key size {bits}: {reason}"
        );
        ConfigError::rule(KEY_SIZE, message)
    };
    match usize::try_from(bits) {
        Ok(bits) if bits > KEY_BITS_MAX => Err(refused("Key length must be at most 65536 bits")),
        Ok(bits) if bits >= KEY_BITS_MIN => Ok(bits.div_ceil(8)),
        _ => Err(refused("Key length must be at least 40 bits")),
    }
}

/// A negative time is over at once.
fn millis(parsed: &ParsedConfig, key: &str) -> Result<Duration, ConfigError> {
    let millis = u64::try_from(parsed.int(key)?).unwrap_or(0);
    Ok(Duration::from_millis(millis))
}

const CONFIG_PREFIX: &str = "config.storage.";
const TOPIC: &str = "topic";
const PARTITIONS: &str = "partitions";
const REPLICATION_FACTOR: &str = "replication.factor";
const CLEANUP_POLICY: &str = "cleanup.policy";
const KEY_SIZE: &str = "inter.worker.key.size";
/// The shortest key that Java makes.
const KEY_BITS_MIN: usize = 40;
/// The longest key; Java has no limit.
const KEY_BITS_MAX: usize = 65_536;

#[cfg(test)]
mod tests;
