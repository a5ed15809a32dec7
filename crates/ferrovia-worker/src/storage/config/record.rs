//! The records of the config topic, and their bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::java_map::in_java_order;
use crate::status::TaskId;
use crate::storage::base64;
use crate::storage::config::{RestartRequest, SessionKey, TargetState};
use crate::storage::json::Object;

pub(super) const TARGET_STATE: &str = "target-state-";
pub(super) const CONNECTOR: &str = "connector-";
pub(super) const TASK: &str = "task-";
pub(super) const COMMIT: &str = "commit-";
pub(super) const RESTART: &str = "restart-connector-";
pub(super) const TASK_COUNT: &str = "tasks-fencing-";
pub(super) const SESSION_KEY: &str = "session-key";
pub(super) const LOGGER: &str = "logger-cluster-";

/// One record of the config topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigRecord {
    /// What a connector is configured to be; `None` deletes it.
    Connector {
        /// The connector's name.
        name: Arc<str>,
        /// Its settings, variables unresolved.
        settings: Option<Arc<BTreeMap<String, String>>>,
    },
    /// What a task is configured to do, once a [`Commit`](Self::Commit) follows.
    Task {
        /// The task.
        id: TaskId,
        /// Its settings, variables unresolved.
        settings: Arc<BTreeMap<String, String>>,
    },
    /// The connector has so many tasks from now on, with the settings that came before.
    Commit {
        /// The connector's name.
        name: Arc<str>,
        /// How many tasks it has.
        tasks: u32,
    },
    /// What a connector is meant to do; `None` forgets it.
    Target {
        /// The connector's name.
        name: Arc<str>,
        /// Its target state.
        state: Option<TargetState>,
    },
    /// Older tasks of a source can write no more: its new ones, so many, may start.
    TasksFencing {
        /// The connector's name.
        name: Arc<str>,
        /// How many tasks it has.
        tasks: u32,
    },
    /// The key with which workers sign requests from now on.
    SessionKey(SessionKey),
    /// A user asks for a restart.
    Restart(RestartRequest),
    /// All workers log at this level.
    LoggerLevel {
        /// The logger's name.
        namespace: Arc<str>,
        /// The level's name, as `DEBUG`.
        level: String,
    },
}

impl ConfigRecord {
    /// Whether only the leader of the group writes it. All workers write targets and levels of loggers.
    ///
    /// # Source
    /// `KafkaConfigBackingStore.sendPrivileged`
    pub fn is_privileged(&self) -> bool {
        !matches!(self, Self::Target { .. } | Self::LoggerLevel { .. })
    }

    /// The record's key.
    pub fn key(&self) -> String {
        match self {
            Self::Connector { name, .. } => format!("{CONNECTOR}{name}"),
            Self::Task { id, .. } => format!("{TASK}{id}"),
            Self::Commit { name, .. } => format!("{COMMIT}{name}"),
            Self::Target { name, .. } => format!("{TARGET_STATE}{name}"),
            Self::TasksFencing { name, .. } => format!("{TASK_COUNT}{name}"),
            Self::SessionKey(_) => SESSION_KEY.to_owned(),
            Self::Restart(request) => format!("{RESTART}{}", request.connector),
            Self::LoggerLevel { namespace, .. } => format!("{LOGGER}{namespace}"),
        }
    }

    /// The record's value, byte for byte as Java writes it; `None` for a tombstone.
    pub fn value(&self) -> Option<Vec<u8>> {
        let object = match self {
            Self::Connector { settings, .. } => properties(settings.as_ref()?),
            Self::Task { settings, .. } => properties(settings),
            Self::Commit { tasks, .. } => Object::new().number("tasks", (*tasks).into()),
            Self::Target { state, .. } => {
                let state = (*state)?;
                Object::new()
                    .text("state", state.name_for_old_workers())
                    .text("state.v2", state.name())
            }
            Self::TasksFencing { tasks, .. } => Object::new().number("task-count", (*tasks).into()),
            Self::SessionKey(key) => Object::new()
                .text("key", &base64::encoded(&key.key))
                .text("algorithm", &key.algorithm)
                .number("creation-timestamp", key.created_ms),
            Self::Restart(request) => Object::new()
                .boolean("include-tasks", request.include_tasks)
                .boolean("only-failed", request.only_failed),
            Self::LoggerLevel { level, .. } => Object::new().text("level", level),
        };
        Some(object.into_bytes())
    }
}

fn properties(settings: &BTreeMap<String, String>) -> Object {
    let inner = in_java_order(settings)
        .into_iter()
        .fold(Object::new(), |object, (key, value)| {
            object.text(key, value)
        });
    Object::new().object("properties", &inner)
}

#[cfg(test)]
mod tests;
