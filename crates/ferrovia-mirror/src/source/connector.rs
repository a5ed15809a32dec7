//! Finds the topics to copy and divides their partitions among tasks.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::{ConnectorContext, SourceConnector};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceTask;

use crate::settings::{SourceSettings, source};

/// Copies topics of one cluster to another.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceConnector`
#[derive(Debug, Default)]
pub struct MirrorSourceConnector {
    settings: Option<SourceSettings>,
}

impl SourceConnector for MirrorSourceConnector {
    fn config(&self) -> ConfigDef {
        source::definitions()
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        _context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        self.settings = Some(SourceSettings::parse(settings)?);
        Ok(())
    }

    fn task_configs(
        &self,
        _tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        Ok(Vec::new())
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(super::task::MirrorSourceTask::new())
    }
}
