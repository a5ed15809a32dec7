//! From bytes to records of the config topic, as tolerant as Java: a record that cannot be used says why and is skipped.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::error::ConnectError;

use crate::storage::config::record::{
    COMMIT, CONNECTOR, LOGGER, RESTART, SESSION_KEY, TARGET_STATE, TASK, TASK_COUNT,
};
use crate::storage::config::{ConfigRecord, RestartRequest, SessionKey, TargetState};
use crate::storage::{base64, json, key};

/// Why a record of the config topic is skipped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// Its value is no JSON. Such a record does not count for the config offset.
    #[error("cannot read a config record with key {key}")]
    NoJson {
        /// The record's key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: ConnectError,
    },
    /// It has no key, or one that nobody knows.
    #[error("discarding config record with invalid key {key:?}")]
    UnknownKey {
        /// The record's key, if it has one.
        key: Option<String>,
    },
    /// The JSON of its value is not what it should be.
    #[error("ignoring config record with key {key}: {reason}")]
    Malformed {
        /// The record's key.
        key: String,
        /// The field that is wrong, and how.
        reason: String,
    },
}

impl ConfigRecord {
    /// The record of a key and a value.
    ///
    /// # Errors
    /// Why it is to be skipped. Nothing about it is fatal.
    pub fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, RecordFault> {
        let key = key.map(String::from_utf8_lossy);
        let value = json::read(value).map_err(|source| RecordFault::NoJson {
            key: key.as_deref().unwrap_or_default().to_owned(),
            source,
        })?;
        let Some(key) = key else {
            return Err(RecordFault::UnknownKey { key: None });
        };
        let parsed = if let Some(name) = key.strip_prefix(TARGET_STATE) {
            target_state(name, &value)
        } else if let Some(name) = key.strip_prefix(CONNECTOR) {
            connector(name, &value)
        } else if key.starts_with(TASK) {
            task(&key, &value)
        } else if let Some(name) = key.strip_prefix(COMMIT) {
            count(&value, "tasks").map(|tasks| Self::Commit {
                name: name.into(),
                tasks,
            })
        } else if let Some(name) = key.strip_prefix(RESTART) {
            restart(name, &value)
        } else if let Some(name) = key.strip_prefix(TASK_COUNT) {
            count(&value, "task-count").map(|tasks| Self::TasksFencing {
                name: name.into(),
                tasks,
            })
        } else if key == SESSION_KEY {
            session_key(&value)
        } else if let Some(namespace) = key.strip_prefix(LOGGER) {
            text(&value, "level").map(|level| Self::LoggerLevel {
                namespace: namespace.into(),
                level: level.to_owned(),
            })
        } else {
            let key = Some(key.into_owned());
            return Err(RecordFault::UnknownKey { key });
        };
        parsed.map_err(|reason| RecordFault::Malformed {
            key: key.into_owned(),
            reason,
        })
    }
}

fn target_state(name: &str, value: &Value<'_>) -> Result<ConfigRecord, String> {
    let name = name.into();
    if value.is_null() {
        return Ok(ConfigRecord::Target { name, state: None });
    }
    let fields = fields(value)?;
    let state = match fields.get("state.v2") {
        Some(Value::String(state)) => state,
        _ => match fields.get("state") {
            Some(Value::String(state)) => state,
            other => return Err(mismatch("state", "a String", other)),
        },
    };
    match TargetState::of(state) {
        Some(state) => Ok(ConfigRecord::Target {
            name,
            state: Some(state),
        }),
        None => Err(format!("'{state}' is no target state")),
    }
}

fn connector(name: &str, value: &Value<'_>) -> Result<ConfigRecord, String> {
    let settings = match value {
        Value::Null => None,
        value => Some(properties(value)?),
    };
    Ok(ConfigRecord::Connector {
        name: name.into(),
        settings,
    })
}

fn task(key: &str, value: &Value<'_>) -> Result<ConfigRecord, String> {
    let id = key::task_id(key, 1).ok_or("it couldn't be parsed as a task config key")?;
    let settings = properties(value)?;
    Ok(ConfigRecord::Task { id, settings })
}

fn restart(name: &str, value: &Value<'_>) -> Result<ConfigRecord, String> {
    let fields = fields(value)?;
    let flag = |field: &str| match fields.get(field) {
        Some(Value::Boolean(flag)) => *flag,
        other => {
            tracing::warn!(
                connector = name,
                "{}, defaulting to false",
                mismatch(field, "a Boolean", other)
            );
            false
        }
    };
    Ok(ConfigRecord::Restart(RestartRequest {
        connector: name.into(),
        only_failed: flag("only-failed"),
        include_tasks: flag("include-tasks"),
    }))
}

fn session_key(value: &Value<'_>) -> Result<ConfigRecord, String> {
    let key = base64::decoded(text(value, "key")?).ok_or("'key' field is not Base64")?;
    let algorithm = text(value, "algorithm")?.into();
    let created_ms = match fields(value)?.get("creation-timestamp") {
        Some(Value::Int64(millis)) => *millis,
        other => return Err(mismatch("creation-timestamp", "a long", other)),
    };
    Ok(ConfigRecord::SessionKey(SessionKey {
        key: key.into(),
        algorithm,
        created_ms,
    }))
}

fn properties(value: &Value<'_>) -> Result<Arc<BTreeMap<String, String>>, String> {
    let entries = match fields(value)?.get("properties") {
        Some(Value::Map(entries)) => entries,
        other => return Err(mismatch("properties", "a Map", other)),
    };
    let mut settings = BTreeMap::new();
    for (key, value) in entries.iter_unordered() {
        match (key, value) {
            (Value::String(key), Value::String(value)) => {
                settings.insert(key.to_string(), value.to_string());
            }
            // A setting without a value reads as one that is not set.
            (Value::String(_), Value::Null) => {}
            (key, value) => {
                let class = value.java_class();
                return Err(format!("setting {key} should be a String but is {class}"));
            }
        }
    }
    Ok(Arc::new(settings))
}

/// A whole number that counts something. Java cuts off the higher bits of large ones; nobody writes such.
fn count(value: &Value<'_>, name: &str) -> Result<u32, String> {
    match fields(value)?.get(name) {
        Some(Value::Int64(number)) => i32::try_from(*number)
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| format!("'{name}' is out of range: {number}")),
        other => Err(mismatch(name, "an integer", other)),
    }
}

fn text<'v>(value: &'v Value<'_>, name: &str) -> Result<&'v str, String> {
    match fields(value)?.get(name) {
        Some(Value::String(text)) => Ok(text),
        other => Err(mismatch(name, "a String", other)),
    }
}

fn fields<'v, 'a>(value: &'v Value<'a>) -> Result<&'v Map<'a>, String> {
    match value {
        Value::Map(fields) => Ok(fields),
        Value::Null => Err("it is unexpectedly null".to_owned()),
        other => Err(format!(
            "the value is not a Map but is {}",
            other.java_class()
        )),
    }
}

fn mismatch(name: &str, expected: &str, found: Option<&Value<'_>>) -> String {
    let class = found.map_or("null", Value::java_class);
    format!("'{name}' field should be {expected} but is {class}")
}
