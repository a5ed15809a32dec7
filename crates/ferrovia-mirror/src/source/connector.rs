//! Finds the topics to copy and divides their partitions among tasks.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::{ConfigDef, ConfigError};
use ferrovia_pipeline::connector::{
    ConnectorContext, ExactlyOnceSupport, SourceConnector, SourceOffsetChange,
};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceTask;

use super::keeper::{Keeper, Known};
use super::plan;
use crate::altered::{self, Allowed};
use crate::clients::{ClientKind, Side, properties};
use crate::jobs::{self, JobThread};
use crate::settings::source::{EMIT_OFFSET_SYNCS, TASK_PARTITIONS, definitions, encode};
use crate::settings::{SourceSettings, TASK_INDEX};

/// Copies topics of one cluster to another.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceConnector`
#[derive(Debug, Default)]
pub struct MirrorSourceConnector {
    settings: Option<SourceSettings>,
    known: Known,
    jobs: Option<JobThread>,
}

impl SourceConnector for MirrorSourceConnector {
    fn config(&self) -> ConfigDef {
        definitions()
    }

    fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        let is = |key: &str, value: &str| settings.get(key).is_some_and(|text| text == value);
        if is(EXACTLY_ONCE, "required") && !reads_committed(settings) {
            faults.push(ConfigError::rule(EXACTLY_ONCE, NOT_COMMITTED));
        }
        let is_of_syncs = |key: &String| {
            key.starts_with("offset-syncs-") || key.starts_with("offset-syncs.topic.")
        };
        if is(EMIT_OFFSET_SYNCS, "false") && settings.keys().any(is_of_syncs) {
            let message = format!(
                "MirrorSourceConnector can't setup offset-syncs feature while {EMIT_OFFSET_SYNCS} set to false"
            );
            faults.push(ConfigError::rule(EMIT_OFFSET_SYNCS, message));
        }
        faults
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        let settings = SourceSettings::parse(settings)?;
        self.settings = Some(settings.clone());
        if !settings.base.enabled {
            return Ok(());
        }
        let base = settings.base.clone();
        let clients = Side::BOTH.map(|side| Keeper::client(&settings, side));
        let intervals = [
            settings.sync_topic_acls,
            settings.sync_topic_configs,
            settings.refresh_topics,
        ];
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
        let Some(settings) = self
            .settings
            .as_ref()
            .filter(|settings| settings.base.enabled)
        else {
            return Ok(Vec::new());
        };
        let divided = plan::divided(&self.known.get(), tasks_max);
        let numbered = divided.iter().enumerate().map(|(task, partitions)| {
            let mut settings = settings.base.originals.clone();
            settings.insert(TASK_PARTITIONS.to_owned(), encode(partitions));
            settings.insert(TASK_INDEX.to_owned(), task.to_string());
            settings
        });
        Ok(numbered.collect())
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(super::task::MirrorSourceTask::new())
    }

    fn exactly_once_support(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Option<ExactlyOnceSupport> {
        Some(if reads_committed(settings) {
            ExactlyOnceSupport::Supported
        } else {
            ExactlyOnceSupport::Unsupported
        })
    }

    fn alter_offsets(
        &mut self,
        _settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        altered::check(offsets, &["cluster", "topic"], true, Allowed::NotNegative)?;
        Ok(true)
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.jobs = None;
        Ok(())
    }
}

fn reads_committed(settings: &BTreeMap<String, String>) -> bool {
    let consumer = properties(settings, Side::Source, ClientKind::Consumer);
    consumer
        .get("isolation.level")
        .is_some_and(|level| level == "read_committed")
}

const EXACTLY_ONCE: &str = "exactly.once.support";
const NOT_COMMITTED: &str = "MirrorSourceConnector can only provide exactly-once guarantees when its source consumer is \
    configured with isolation.level set to 'read_committed'; otherwise, records from aborted and uncommitted transactions \
    will be replicated from the source cluster to the target cluster.";

#[cfg(test)]
mod tests;
