//! The settings of the three connectors: their definitions, and what they mean as typed values.
//!
//! # Source
//! `MirrorConnectorConfig` and the classes that extend it

pub mod base;
pub mod checkpoint;
pub mod heartbeat;
pub mod source;
mod classes;
mod security;

pub use base::BaseSettings;
pub use checkpoint::{CheckpointSettings, CheckpointTaskSettings};
pub use heartbeat::HeartbeatSettings;
pub use security::is_shared_client_key;
pub use source::{SourceSettings, SourceTaskSettings};

use std::time::Duration;

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, ParsedConfig, Validator,
};

/// `task.index`: the number of a task, from 0.
pub const TASK_INDEX: &str = "task.index";

/// A list without empty items, as Java's `anyNonDuplicateValues(true, false)`.
const LIST: Validator = Validator::List {
    allow_empty: true,
    allow_null: false,
};

/// A list that must have an item.
const FULL_LIST: Validator = Validator::List {
    allow_empty: false,
    allow_null: false,
};

/// A key of low importance with a default.
fn low(
    name: &'static str,
    kind: ConfigType,
    default: impl Into<ConfigValue>,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey::with_default(name, kind, default)
        .importance(Importance::Low)
        .doc(doc)
}

/// The two keys of a job: whether it is done, and how often in seconds.
fn job(
    definitions: ConfigDef,
    keys: [&'static str; 2],
    enabled: bool,
    seconds: i64,
    docs: [&'static str; 2],
) -> ConfigDef {
    definitions
        .define(low(keys[0], ConfigType::Boolean, enabled, docs[0]))
        .define(low(keys[1], ConfigType::Long, seconds, docs[1]))
}

/// How often a job is done; `None` where it is switched off or its interval is negative, as in Java.
fn interval(parsed: &ParsedConfig, keys: [&str; 2]) -> Result<Option<Duration>, ConfigError> {
    let seconds = u64::try_from(parsed.long(keys[1])?).ok();
    let enabled = parsed.boolean(keys[0])?;
    Ok(seconds.filter(|_| enabled).map(Duration::from_secs))
}

/// Milliseconds; negative ones count as none.
fn millis(parsed: &ParsedConfig, key: &str) -> Result<Duration, ConfigError> {
    let millis = u64::try_from(parsed.long(key)?).unwrap_or(0);
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests;
