//! What a task of a source is made of.

use std::collections::BTreeMap;

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::SourceTask;

use super::ThreadedRunner;
use crate::config::ConnectorConfig;
use crate::config::worker::ClientKind;
use crate::status::TaskId;
use crate::task::source::{self, CreationSpec, ProduceOptions, ProduceSpec, SourceTaskSpec};

impl ThreadedRunner {
    pub(super) fn source_spec(
        &self,
        id: &TaskId,
        connector: &ConnectorConfig,
        settings: BTreeMap<String, String>,
        task: Box<dyn SourceTask>,
        starts_paused: bool,
    ) -> Result<SourceTaskSpec, ConnectError> {
        let worker = &self.worker;
        let Some(config) = connector.source_config() else {
            return Err(ConnectError::config("this is not a source"));
        };
        let creation = match config.topic_creation {
            None => None,
            Some(_) => Some(CreationSpec {
                admin: self.client(connector, ClientKind::Admin, "adminclient", id)?,
                config: config.clone(),
            }),
        };
        let event_loop = match task.placement() {
            Placement::Shared => None,
            _ => self.shards.event_loop(),
        };
        Ok(SourceTaskSpec {
            id: id.clone(),
            settings,
            task,
            plan: source::compile(connector, worker)?,
            errors: connector.errors.clone(),
            produce: ProduceSpec {
                options: ProduceOptions::from_properties(self.properties(
                    connector,
                    ClientKind::Producer,
                    "producer",
                    id,
                ))?,
                event_loop,
            },
            creation,
            offsets: self.offsets.clone(),
            commit_interval: worker.offset_flush_interval,
            commit_timeout: worker.offset_flush_timeout,
            stop_timeout: worker.task_shutdown_graceful_timeout,
            metrics: self.metrics.register_source(id.clone()),
            starts_paused,
        })
    }
}
