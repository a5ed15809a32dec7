//! The records of the status topic, and their bytes.

use std::sync::Arc;

use ferrovia_pipeline::data::{Map, Value};

use crate::status::{State, Status, TaskId, TopicUse};
use crate::storage::json::{self, Object};
use crate::storage::key;

const CONNECTOR: &str = "status-connector-";
const TASK: &str = "status-task-";
const TOPIC: &str = "status-topic-";
const TOPIC_SEPARATOR: &str = ":connector-";

/// One record of the status topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRecord {
    /// How a connector is doing; `None` when it is gone.
    Connector {
        /// Its name.
        name: Arc<str>,
        /// How it is doing.
        status: Option<Status>,
    },
    /// How a task is doing; `None` when it is gone.
    Task {
        /// The task.
        id: TaskId,
        /// How it is doing.
        status: Option<Status>,
    },
    /// A connector uses a topic; `None` when a user asked to forget that.
    Topic {
        /// The connector's name.
        connector: Arc<str>,
        /// The topic's name.
        topic: Arc<str>,
        /// Since when, and which task.
        used: Option<TopicUse>,
    },
}

impl StatusRecord {
    /// The record's key.
    pub fn key(&self) -> String {
        match self {
            Self::Connector { name, .. } => format!("{CONNECTOR}{name}"),
            Self::Task { id, .. } => format!("{TASK}{id}"),
            Self::Topic {
                connector, topic, ..
            } => format!("{TOPIC}{topic}{TOPIC_SEPARATOR}{connector}"),
        }
    }

    /// The record's value, byte for byte as Java writes it; `None` for a tombstone, which is also how
    /// [`State::Destroyed`] is written.
    pub fn value(&self) -> Option<Vec<u8>> {
        let object = match self {
            Self::Connector { status, .. } | Self::Task { status, .. } => {
                let status = status.as_ref();
                let status = status.filter(|status| status.state != State::Destroyed)?;
                let trace = Some(&*status.trace).filter(|trace| !trace.is_empty());
                Object::new()
                    .text("state", status.state.name())
                    .optional_text("trace", trace)
                    .text("worker_id", &status.worker_id)
                    .number("generation", status.generation.into())
                    .optional_text("version", status.version.as_deref())
            }
            Self::Topic {
                connector,
                topic,
                used,
            } => {
                let used = (*used)?;
                let inner = Object::new()
                    .text("name", topic)
                    .text("connector", connector)
                    .number("task", used.task.into())
                    .number("discoverTimestamp", used.discovered_ms);
                Object::new().object("topic", &inner)
            }
        };
        Some(object.into_bytes())
    }

    /// The record of a key and a value.
    ///
    /// # Errors
    /// Why it is to be skipped. Nothing about it is fatal.
    pub(super) fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, String> {
        let key = key.map(String::from_utf8_lossy);
        let key = key.ok_or("it has no key")?;
        let value = json::read(value).map_err(|error| error.to_string())?;
        if let Some(name) = key.strip_prefix(CONNECTOR) {
            if name.is_empty() {
                return Err("its key names no connector".to_owned());
            }
            return Ok(Self::Connector {
                name: name.into(),
                status: status(&value)?,
            });
        }
        if key.starts_with(TASK) {
            return Ok(Self::Task {
                id: key::task_id(&key, 2).ok_or("its key names no task")?,
                status: status(&value)?,
            });
        }
        let names = key
            .strip_prefix(TOPIC)
            .and_then(|rest| rest.split_once(TOPIC_SEPARATOR))
            .filter(|(topic, connector)| !topic.is_empty() && !connector.is_empty());
        let (topic, connector) = names.ok_or("its key is invalid")?;
        Ok(Self::Topic {
            connector: connector.into(),
            topic: topic.into(),
            used: topic_use(&value)?,
        })
    }
}

fn status(value: &Value<'_>) -> Result<Option<Status>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let fields = fields(Some(value))?;
    let state = text(fields, "state")?.ok_or("it has no state")?;
    Ok(Some(Status {
        state: State::of(state).ok_or_else(|| format!("'{state}' is no state"))?,
        worker_id: text(fields, "worker_id")?.unwrap_or_default().into(),
        version: text(fields, "version")?.map(str::to_owned),
        trace: text(fields, "trace")?.unwrap_or_default().to_owned(),
        generation: i32::try_from(number(fields, "generation")?)
            .map_err(|_| "its generation is out of range")?,
    }))
}

fn topic_use(value: &Value<'_>) -> Result<Option<TopicUse>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let fields = fields(fields(Some(value))?.get("topic"))?;
    for name in ["name", "connector"] {
        text(fields, name)?.ok_or_else(|| format!("it has no {name}"))?;
    }
    Ok(Some(TopicUse {
        task: u32::try_from(number(fields, "task")?).map_err(|_| "its task is out of range")?,
        discovered_ms: number(fields, "discoverTimestamp")?,
    }))
}

fn fields<'v, 'a>(value: Option<&'v Value<'a>>) -> Result<&'v Map<'a>, String> {
    match value {
        Some(Value::Map(fields)) => Ok(fields),
        other => Err(format!("a Map is expected, not {}", class(other))),
    }
}

fn text<'v>(fields: &'v Map<'_>, name: &str) -> Result<Option<&'v str>, String> {
    match fields.get(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        other => Err(format!("its {name} is no String but {}", class(other))),
    }
}

fn number(fields: &Map<'_>, name: &str) -> Result<i64, String> {
    match fields.get(name) {
        Some(Value::Int64(number)) => Ok(*number),
        other => Err(format!("its {name} is no integer but {}", class(other))),
    }
}

fn class(value: Option<&Value<'_>>) -> &'static str {
    value.map_or("null", Value::java_class)
}

#[cfg(test)]
mod tests;
