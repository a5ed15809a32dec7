//! Makes the topic of heartbeats and gives its one task its settings.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::{ConnectorContext, SourceConnector, SourceOffsetChange};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceTask;

use super::{MirrorHeartbeatTask, SOURCE_ALIAS, TARGET_ALIAS};
use crate::altered::{self, Allowed};
use crate::clients::{self, ClientKind, Side};
use crate::internal_topic;
use crate::jobs::{self, done};
use crate::settings::HeartbeatSettings;
use crate::settings::heartbeat::definitions;

/// Writes heartbeats in one task.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorHeartbeatConnector`
#[derive(Debug, Default)]
pub struct MirrorHeartbeatConnector {
    settings: Option<HeartbeatSettings>,
}

impl SourceConnector for MirrorHeartbeatConnector {
    fn config(&self) -> ConfigDef {
        definitions()
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        _context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        let settings = HeartbeatSettings::parse(settings)?;
        self.settings = Some(settings.clone());
        let base = settings.base.clone();
        let role = "heartbeats-target-admin";
        let target = base.client(Side::Target, ClientKind::Admin, role);
        let clients = [target.clone()];
        let work = async move |_started| {
            let label = settings.base.entity_label();
            let limit = Some(settings.base.admin_timeout);
            let cluster = clients::open(&target)?;
            let topic = settings.base.policy.heartbeats_topic();
            let job = internal_topic::create(&cluster, topic, settings.topic_replication_factor);
            done(&label, "creating internal topics", limit, job).await;
            Ok(())
        };
        jobs::start(&base, &clients, &[], work)?.stop();
        Ok(())
    }

    /// One task, however many there may be; none where no heartbeats are written.
    fn task_configs(
        &self,
        _tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        let settings = self.settings.iter();
        let emitting = settings.filter(|settings| settings.interval.is_some());
        Ok(emitting
            .map(|settings| settings.base.originals.clone())
            .collect())
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(MirrorHeartbeatTask::default())
    }

    fn alter_offsets(
        &mut self,
        _settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        altered::check(offsets, &[SOURCE_ALIAS, TARGET_ALIAS], false, Allowed::Zero)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
