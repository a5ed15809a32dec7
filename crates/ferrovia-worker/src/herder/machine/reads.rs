//! What users are told, from what this worker knows: no answer waits for anything.

use std::sync::Arc;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

use super::HerderMachine;
use super::changes::not_found;
use crate::herder::request::{
    ActiveTopics, ConnectorInfo, ConnectorKind, ConnectorOverview, ConnectorStatus, HerderError,
    TaskInfo,
};
use crate::status::{Status, TaskId};

impl HerderMachine {
    /// The life of a task that runs.
    #[cfg(test)]
    pub(crate) fn run_of(&self, id: &TaskId) -> crate::herder::work::Run {
        self.work.run_of(id)
    }

    /// One connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn info(&self, name: &str) -> Result<ConnectorInfo, HerderError> {
        let config = self.config.snapshot();
        let settings = config
            .connector_config(name)
            .ok_or_else(|| not_found(name))?;
        Ok(ConnectorInfo {
            name: Arc::from(name),
            config: settings.as_ref().clone(),
            tasks: config.tasks(name),
            kind: self.kind_of(name),
        })
    }

    /// The tasks of one connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, HerderError> {
        let config = self.config.snapshot();
        if !config.contains(name) {
            return Err(not_found(name));
        }
        let info = |id: TaskId| {
            let config = config.task_config(&id).map(|task| task.as_ref().clone());
            TaskInfo {
                config: config.unwrap_or_default(),
                id,
            }
        };
        Ok(config.tasks(name).into_iter().map(info).collect())
    }

    /// How one connector is doing.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn status(&self, name: &str) -> Result<ConnectorStatus, HerderError> {
        let unknown = || HerderError::NotFound(format!("No status found for connector {name}"));
        let statuses = self.statuses.statuses();
        let tasks = statuses.tasks(name);
        Ok(ConnectorStatus {
            name: Arc::from(name),
            connector: statuses.connector(name).ok_or_else(unknown)?.clone(),
            tasks: tasks
                .map(|(id, status)| (id.clone(), status.clone()))
                .collect(),
            kind: self.kind_of(name),
        })
    }

    /// How one task is doing.
    pub fn task_status(&self, id: &TaskId) -> Option<&Status> {
        self.statuses.statuses().task(id)
    }

    /// Everything about all connectors, by name.
    pub fn overview(&self) -> Vec<ConnectorOverview> {
        let config = self.config.snapshot();
        let each = config.connectors().filter_map(|name| {
            Some(ConnectorOverview {
                info: self.info(name).ok()?,
                status: self.status(name).ok(),
            })
        });
        each.collect()
    }

    /// The topics that a connector has used.
    pub fn topics(&self, name: &str) -> ActiveTopics {
        let topics = self.statuses.statuses().topics(name);
        ActiveTopics {
            connector: name.into(),
            topics: topics.map(|(topic, _)| topic.to_string()).collect(),
        }
    }

    /// The settings of a connector as written.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn settings(
        &self,
        name: &str,
    ) -> Result<Arc<std::collections::BTreeMap<String, String>>, HerderError> {
        let config = self.config.snapshot();
        let settings = config.connector_config(name);
        settings.cloned().ok_or_else(|| not_found(name))
    }

    pub(super) fn kind_of(&self, name: &str) -> ConnectorKind {
        match self.plugin_of(name).map(|plugin| plugin.factory) {
            Some(ConnectorFactory::Sink(_)) => ConnectorKind::Sink,
            Some(ConnectorFactory::Source(_)) => ConnectorKind::Source,
            _ => ConnectorKind::Unknown,
        }
    }

    pub(super) fn task_class_of(&self, name: &str) -> Option<&'static str> {
        self.plugin_of(name).map(|plugin| plugin.task_class)
    }

    pub(super) fn version_of(&self, name: &str) -> Option<String> {
        self.plugin_of(name).map(|plugin| plugin.version.to_owned())
    }

    fn plugin_of(&self, name: &str) -> Option<ConnectorPlugin> {
        let config = self.config.snapshot();
        let class = config.connector_config(name)?.get("connector.class")?;
        self.catalog.connector(class)
    }
}
