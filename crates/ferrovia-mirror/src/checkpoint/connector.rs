//! Finds the groups to look after and divides them among tasks.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::{ConfigDef, ConfigError};
use ferrovia_pipeline::connector::{ConnectorContext, SourceConnector, SourceOffsetChange};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceTask;

use super::MirrorCheckpointTask;
use super::keeper::{Keeper, Known, client};
use super::plan;
use crate::altered::{self, Allowed};
use crate::clients::Side;
use crate::jobs::{self, JobThread};
use crate::settings::checkpoint::{EMIT_CHECKPOINTS, TASK_GROUPS, definitions};
use crate::settings::source::EMIT_OFFSET_SYNCS;
use crate::settings::{CheckpointSettings, TASK_INDEX};

/// Copies how far groups of one cluster have read to another.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorCheckpointConnector`
#[derive(Debug, Default)]
pub struct MirrorCheckpointConnector {
    settings: Option<CheckpointSettings>,
    known: Known,
    jobs: Option<JobThread>,
}

impl SourceConnector for MirrorCheckpointConnector {
    fn config(&self) -> ConfigDef {
        definitions()
    }

    fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        let is_off = |key: &str| settings.get(key).is_some_and(|text| text == "false");
        let mut faults = Vec::new();
        if is_off("enabled") {
            return faults;
        }
        if is_off(EMIT_CHECKPOINTS) {
            let message =
                format!("MirrorCheckpointConnector can't run with {EMIT_CHECKPOINTS} set to false");
            faults.push(ConfigError::rule(EMIT_CHECKPOINTS, message));
        }
        if is_off(EMIT_OFFSET_SYNCS) {
            let message = "MirrorCheckpointConnector can't run without offset syncs";
            faults.push(ConfigError::rule(EMIT_OFFSET_SYNCS, message));
        }
        faults
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        let settings = CheckpointSettings::parse(settings)?;
        self.settings = Some(settings.clone());
        if !settings.base.enabled {
            return Ok(());
        }
        let base = settings.base.clone();
        let clients = Side::BOTH.map(|side| client(&base, side));
        let intervals = [settings.refresh_groups];
        let known = self.known.clone();
        let work = async move |started| {
            let keeper = Keeper::open(settings, context, known)?;
            keeper.run(started).await;
            Ok(())
        };
        self.jobs = Some(jobs::start(&base, &clients, &intervals, work)?);
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        let emits = |settings: &&CheckpointSettings| {
            settings.base.enabled && settings.emit_checkpoints.is_some()
        };
        let Some(settings) = self.settings.as_ref().filter(emits) else {
            return Ok(Vec::new());
        };
        let Some(groups) = self.known.get() else {
            // The worker asks again.
            let message = "Timeout while loading consumer groups.";
            return Err(ConnectError::retriable(message));
        };
        let divided = plan::divided(&groups, tasks_max);
        let numbered = divided.iter().enumerate().map(|(task, groups)| {
            let mut settings = settings.base.originals.clone();
            settings.insert(TASK_GROUPS.to_owned(), groups.join(","));
            settings.insert(TASK_INDEX.to_owned(), task.to_string());
            settings
        });
        Ok(numbered.collect())
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(MirrorCheckpointTask::default())
    }

    fn alter_offsets(
        &mut self,
        _settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        altered::check(offsets, &["group", "topic"], true, Allowed::Zero)?;
        Ok(true)
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.jobs = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
