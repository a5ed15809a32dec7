//! The JSON forms of answers, with their members in Java's order.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Serialize, ser::SerializeStruct};

use crate::config::java_map::in_java_order;
use crate::herder::validation::{ConfigInfos, KeyInfo, ValueInfo};
use crate::herder::{ConnectorInfo, ConnectorStatus, TaskInfo};
use crate::plugins::Plugin;
use crate::status::{Status, TaskId};

/// Settings, in the order of Java's hash map.
#[derive(Debug)]
pub(super) struct ConfigJson<'a>(pub(super) &'a BTreeMap<String, String>);

impl Serialize for ConfigJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(in_java_order(self.0))
    }
}

/// A task's identity.
#[derive(Debug, Serialize)]
pub(super) struct TaskIdJson<'a> {
    connector: &'a str,
    task: u32,
}

impl<'a> From<&'a TaskId> for TaskIdJson<'a> {
    fn from(id: &'a TaskId) -> Self {
        Self {
            connector: &id.connector,
            task: id.task,
        }
    }
}

/// A connector as configured.
#[derive(Debug, Serialize)]
pub(super) struct ConnectorInfoJson<'a> {
    name: &'a str,
    config: ConfigJson<'a>,
    tasks: Vec<TaskIdJson<'a>>,
    r#type: &'static str,
}

impl<'a> From<&'a ConnectorInfo> for ConnectorInfoJson<'a> {
    fn from(info: &'a ConnectorInfo) -> Self {
        Self {
            name: &info.name,
            config: ConfigJson(&info.config),
            tasks: info.tasks.iter().map(TaskIdJson::from).collect(),
            r#type: info.kind.name(),
        }
    }
}

/// A task as configured.
#[derive(Debug, Serialize)]
pub(super) struct TaskInfoJson<'a> {
    id: TaskIdJson<'a>,
    config: ConfigJson<'a>,
}

impl<'a> From<&'a TaskInfo> for TaskInfoJson<'a> {
    fn from(info: &'a TaskInfo) -> Self {
        Self {
            id: (&info.id).into(),
            config: ConfigJson(&info.config),
        }
    }
}

/// How a connector or task is doing; of tasks with their number. The trace is there only if there is one.
#[derive(Debug)]
pub(super) struct StateJson<'a> {
    pub(super) id: Option<u32>,
    pub(super) status: &'a Status,
}

impl Serialize for StateJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serializer.serialize_map(None)?;
        if let Some(id) = self.id {
            state.serialize_entry("id", &id)?;
        }
        state.serialize_entry("state", self.status.state.name())?;
        state.serialize_entry("worker_id", &*self.status.worker_id)?;
        state.serialize_entry("version", &self.status.version)?;
        if !self.status.trace.is_empty() {
            state.serialize_entry("trace", &self.status.trace)?;
        }
        state.end()
    }
}

/// How a connector and its tasks are doing.
#[derive(Debug)]
pub(super) struct ConnectorStatusJson<'a>(pub(super) &'a ConnectorStatus);

impl Serialize for ConnectorStatusJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(status) = self;
        let tasks = status.tasks.iter();
        let tasks: Vec<StateJson<'_>> = tasks
            .map(|(id, status)| StateJson {
                id: Some(id.task),
                status,
            })
            .collect();
        let mut json = serializer.serialize_struct("ConnectorStatus", 4)?;
        json.serialize_field("name", &*status.name)?;
        json.serialize_field(
            "connector",
            &StateJson {
                id: None,
                status: &status.connector,
            },
        )?;
        json.serialize_field("tasks", &tasks)?;
        json.serialize_field("type", status.kind.name())?;
        json.end()
    }
}

/// A plugin in a list.
#[derive(Debug, Serialize)]
pub(super) struct PluginJson {
    class: &'static str,
    r#type: &'static str,
    version: &'static str,
}

impl From<&Plugin> for PluginJson {
    fn from(plugin: &Plugin) -> Self {
        Self {
            class: plugin.class,
            r#type: plugin.kind.name(),
            version: plugin.version,
        }
    }
}

/// What a key is.
#[derive(Debug)]
pub(super) struct KeyInfoJson<'a>(pub(super) &'a KeyInfo);

impl Serialize for KeyInfoJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(key) = self;
        let mut json = serializer.serialize_struct("ConfigKeyInfo", 11)?;
        json.serialize_field("name", &key.name)?;
        json.serialize_field("type", &key.kind.to_string())?;
        json.serialize_field("required", &key.is_required)?;
        json.serialize_field("default_value", &key.default_value)?;
        json.serialize_field("importance", key.importance)?;
        json.serialize_field("documentation", &key.documentation)?;
        json.serialize_field("group", &key.group)?;
        json.serialize_field("order_in_group", &key.order_in_group)?;
        json.serialize_field("width", key.width)?;
        json.serialize_field("display_name", &key.display_name)?;
        json.serialize_field("dependents", &key.dependents)?;
        json.end()
    }
}

/// What a key is set to.
#[derive(Debug)]
struct ValueInfoJson<'a>(&'a ValueInfo);

impl Serialize for ValueInfoJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = self;
        let mut json = serializer.serialize_struct("ConfigValueInfo", 5)?;
        json.serialize_field("name", &value.name)?;
        json.serialize_field("value", &value.value)?;
        json.serialize_field("recommended_values", &value.recommended_values)?;
        json.serialize_field("errors", &value.errors)?;
        json.serialize_field("visible", &value.is_visible)?;
        json.end()
    }
}

/// One key, and what it is set to.
#[derive(Debug, Serialize)]
struct ConfigInfoJson<'a> {
    definition: Option<KeyInfoJson<'a>>,
    value: Option<ValueInfoJson<'a>>,
}

/// All about a configuration.
#[derive(Debug)]
pub(super) struct ConfigInfosJson<'a>(pub(super) &'a ConfigInfos);

impl Serialize for ConfigInfosJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(infos) = self;
        let configs = infos.configs.iter().map(|info| ConfigInfoJson {
            definition: info.definition.as_ref().map(KeyInfoJson),
            value: info.value.as_ref().map(ValueInfoJson),
        });
        let mut json = serializer.serialize_struct("ConfigInfos", 4)?;
        json.serialize_field("name", &infos.name)?;
        json.serialize_field("error_count", &infos.error_count)?;
        json.serialize_field("groups", &infos.groups)?;
        json.serialize_field("configs", &configs.collect::<Vec<_>>())?;
        json.end()
    }
}
