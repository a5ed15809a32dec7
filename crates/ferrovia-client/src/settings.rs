//! Client properties, read once into typed values.
//!
//! # Source
//! `CommonClientConfigs`, `ConsumerConfig` and `ProducerConfig` of Kafka 4.2.0 for names, defaults and ranges;
//! `ConfigDef` for the wording of errors.

mod address;
mod consumer;
mod known;
mod producer;
mod properties;

pub use self::address::BrokerAddress;
pub use self::consumer::{AutoOffsetReset, ConsumerSettings, IsolationLevel, PartitionAssignor};
pub use self::known::{is_known_client_key, is_known_consumer_key};
pub use self::producer::{Acks, Compression, Divider, ProducerSettings};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use self::properties::Properties;

/// What every connection needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// `bootstrap.servers`: where to ask for the cluster's brokers first. Never empty.
    pub bootstrap_servers: Vec<BrokerAddress>,
    /// `client.id`: a name for the broker's logs and quotas.
    pub client_id: Arc<str>,
    /// `client.rack`: where this client stands, for fetching from a near replica. Empty: nowhere.
    pub client_rack: Arc<str>,
    /// `request.timeout.ms`: until the last byte of an answer is there.
    pub request_timeout: Duration,
    /// `default.api.timeout.ms`: for an operation with all its retries.
    pub default_api_timeout: Duration,
    /// `metadata.max.age.ms`
    pub metadata_max_age: Duration,
    /// `reconnect.backoff.ms`
    pub reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`
    pub reconnect_backoff_max: Duration,
    /// `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`
    pub retry_backoff_max: Duration,
    /// `socket.connection.setup.timeout.ms`: for one IP address, and for the first exchange.
    pub connection_setup_timeout: Duration,
    /// `socket.connection.setup.timeout.max.ms`
    pub connection_setup_timeout_max: Duration,
    /// `connections.max.idle.ms`; `None` (a negative value) keeps idle connections.
    pub connections_max_idle: Option<Duration>,
    /// `send.buffer.bytes`; `None` leaves it to the kernel.
    pub send_buffer_bytes: Option<u32>,
    /// `receive.buffer.bytes`; `None` leaves it to the kernel.
    pub receive_buffer_bytes: Option<u32>,
    /// `security.protocol`
    pub security_protocol: SecurityProtocol,
    /// The largest answer taken from a broker; a longer one closes the connection.
    pub frame_limit_bytes: usize,
}

/// How bytes travel to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// As they are.
    Plaintext,
}

impl ClientSettings {
    /// Reads the settings all clients share, with the defaults of a consumer.
    ///
    /// # Errors
    /// [`SettingsError`] names the first property that is missing, malformed or out of range.
    pub fn from_properties(map: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let properties = Properties::new(map);
        let fetch_max_bytes = properties.size("fetch.max.bytes", consumer::FETCH_MAX_BYTES)?;
        Ok(Self {
            bootstrap_servers: address::bootstrap_servers(&properties)?,
            client_id: properties.text("client.id").unwrap_or_default().into(),
            client_rack: properties.text("client.rack").unwrap_or_default().into(),
            request_timeout: properties.millis_int("request.timeout.ms", 30_000, 0)?,
            default_api_timeout: properties.millis_int("default.api.timeout.ms", 60_000, 0)?,
            metadata_max_age: properties.millis("metadata.max.age.ms", 300_000, 0)?,
            reconnect_backoff: properties.millis("reconnect.backoff.ms", 50, 0)?,
            reconnect_backoff_max: properties.millis("reconnect.backoff.max.ms", 1_000, 0)?,
            retry_backoff: properties.millis("retry.backoff.ms", 100, 0)?,
            retry_backoff_max: properties.millis("retry.backoff.max.ms", 1_000, 0)?,
            connection_setup_timeout: properties.millis(
                "socket.connection.setup.timeout.ms",
                10_000,
                1,
            )?,
            connection_setup_timeout_max: properties.millis(
                "socket.connection.setup.timeout.max.ms",
                30_000,
                1,
            )?,
            connections_max_idle: properties.millis_or_never("connections.max.idle.ms", 540_000)?,
            send_buffer_bytes: properties.buffer_bytes("send.buffer.bytes")?,
            receive_buffer_bytes: properties.buffer_bytes("receive.buffer.bytes")?,
            security_protocol: security_protocol(&properties)?,
            frame_limit_bytes: frame_limit(fetch_max_bytes),
        })
    }
}

/// An answer may exceed `fetch.max.bytes` by its headers and by the first batch's surplus, and
/// answers to other requests have no limit at the broker.
fn frame_limit(fetch_max_bytes: u32) -> usize {
    let fetch_max_bytes = usize::try_from(fetch_max_bytes).unwrap_or(usize::MAX);
    fetch_max_bytes.saturating_add(1 << 20).max(100 << 20)
}

fn security_protocol(properties: &Properties<'_>) -> Result<SecurityProtocol, SettingsError> {
    const NAME: &str = "security.protocol";
    let value = properties.text(NAME).unwrap_or("PLAINTEXT");
    match value.to_ascii_uppercase().as_str() {
        "PLAINTEXT" => Ok(SecurityProtocol::Plaintext),
        "SSL" | "SASL_PLAINTEXT" | "SASL_SSL" => Err(SettingsError::invalid(
            NAME,
            value,
            "this build connects in PLAINTEXT only",
        )),
        _ => Err(SettingsError::invalid(
            NAME,
            value,
            "String must be one of (case insensitive): PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL",
        )),
    }
}

/// A property that cannot be used. The text is what Kafka's own clients print.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A property without a default is not there.
    #[error("Missing required configuration \"{name}\" which has no default value.")]
    Missing {
        /// The property.
        name: &'static str,
    },
    /// A value has the wrong type or is out of range.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    Invalid {
        /// The property.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A list is empty or has a bad element.
    #[error("Configuration '{name}' {reason}")]
    List {
        /// The property.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A server is not `host:port`.
    #[error("Invalid url in bootstrap.servers: {url}")]
    BootstrapUrl {
        /// The server as given.
        url: String,
    },
    /// A server's port is not a port.
    #[error("Invalid port in bootstrap.servers: {url}")]
    BootstrapPort {
        /// The server as given.
        url: String,
    },
    /// Two properties that cannot go together.
    #[error("{reason}")]
    Conflict {
        /// What Java says about it.
        reason: String,
    },
}

impl SettingsError {
    fn invalid(name: &'static str, value: impl ToString, reason: impl Into<String>) -> Self {
        Self::Invalid {
            name,
            value: value.to_string(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests;
