//! The settings of the connector that writes heartbeats.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigError, ConfigType, ConfigValue};

use super::{BaseSettings, base, interval, job, low};

const EMIT: [&str; 2] = [
    "emit.heartbeats.enabled",
    "emit.heartbeats.interval.seconds",
];
const REPLICATION_FACTOR: &str = "heartbeats.topic.replication.factor";

/// All keys, in Java's order.
pub fn definitions() -> ConfigDef {
    job(
        base::definitions(),
        EMIT,
        true,
        1,
        [
            "Whether heartbeats are written to the target.",
            "How many seconds pass between two heartbeats.",
        ],
    )
    .define(low(
        REPLICATION_FACTOR,
        ConfigType::Short,
        ConfigValue::Short(3),
        "Copies of the topic of heartbeats.",
    ))
}

/// Checked settings.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorHeartbeatConfig`
#[derive(Clone, Debug)]
pub struct HeartbeatSettings {
    /// Which clusters.
    pub base: BaseSettings,
    /// How often; `None` where no heartbeats are written.
    pub interval: Option<Duration>,
    /// Copies of the topic.
    pub topic_replication_factor: i16,
}

impl HeartbeatSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first that is missing or malformed.
    pub fn parse(settings: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let parsed = definitions().parse(settings)?;
        Ok(Self {
            base: BaseSettings::read(settings, &parsed)?,
            interval: interval(&parsed, EMIT)?,
            topic_replication_factor: parsed.short(REPLICATION_FACTOR)?,
        })
    }
}
