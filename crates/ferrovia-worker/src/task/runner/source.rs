//! What a task of a source is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::SourceTask;

use super::ThreadedRunner;
use crate::config::connector::TransactionBoundary;
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, SourceConfig};
use crate::status::TaskId;
use crate::task::source::{self, CreationSpec, ProduceSpec, SourceTaskSpec};

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
        let group = self.exactly_once_group.as_deref();
        let boundary = group.map(|_| config.transaction_boundary);
        let client = id.to_string();
        Ok(SourceTaskSpec {
            id: id.clone(),
            settings,
            plan: source::compile(connector, worker)?,
            errors: connector.errors.clone(),
            produce: self.source_produce(id, connector, task.placement())?,
            task,
            creation,
            offsets: self.offsets.of_connector(connector, &client)?,
            boundary,
            commit_interval: match boundary {
                Some(boundary) => self.transaction_interval(boundary, config),
                None => worker.offset_flush_interval,
            },
            tell_topics_interval: worker.offset_flush_interval,
            commit_timeout: worker.offset_flush_timeout,
            stop_timeout: worker.task_shutdown_graceful_timeout,
            metrics: self.metrics.register_source(id.clone()),
            starts_paused,
        })
    }

    fn source_produce(
        &self,
        id: &TaskId,
        connector: &ConnectorConfig,
        placement: Placement,
    ) -> Result<ProduceSpec, ConnectError> {
        let properties = self.properties(connector, ClientKind::Producer, "producer", id);
        let group = self.exactly_once_group.as_deref();
        let event_loop = match placement {
            Placement::Shared => None,
            _ => self.shards.event_loop(),
        };
        match group {
            Some(group) => {
                let transactional_id = transactional_id(group, id);
                ProduceSpec::in_transactions(properties, event_loop, transactional_id)
            }
            None => ProduceSpec::from_properties(properties, event_loop),
        }
    }

    fn transaction_interval(
        &self,
        boundary: TransactionBoundary,
        config: &SourceConfig,
    ) -> Duration {
        match boundary {
            TransactionBoundary::Interval => {
                let interval = config.transaction_interval;
                let interval = interval.unwrap_or(self.worker.offset_flush_interval);
                // Between two commits there has to be time for a poll.
                interval.clamp(TRANSACTION_INTERVAL_MIN, NEVER)
            }
            TransactionBoundary::Poll | TransactionBoundary::Connector => NEVER,
        }
    }
}

/// The transactional id of a source task's producer.
///
/// # Source
/// `Worker.taskTransactionalId`
pub fn transactional_id(group: &str, id: &TaskId) -> String {
    format!("{group}-{id}")
}

/// The shortest time from one commit to the next where time decides.
const TRANSACTION_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// Where time does not decide: a year.
const NEVER: Duration = Duration::from_secs(365 * 86_400);
