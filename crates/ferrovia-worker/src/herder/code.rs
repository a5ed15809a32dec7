//! A connector's own code, of whichever kind.

use std::collections::BTreeMap;

use ferrovia_pipeline::connector::{
    ConnectorContext, ConnectorFactory, SinkConnector, SourceConnector,
};
use ferrovia_pipeline::error::ConnectError;

use super::runner::TaskCode;

/// A connector that was made.
pub(super) enum ConnectorCode {
    /// One that reads from Kafka.
    Sink(Box<dyn SinkConnector>),
    /// One that writes to Kafka.
    Source(Box<dyn SourceConnector>),
}

impl ConnectorCode {
    /// Makes one; `None` for a kind that is not known here.
    pub(super) fn new(factory: ConnectorFactory) -> Option<Self> {
        match factory {
            ConnectorFactory::Sink(make) => Some(Self::Sink(make())),
            ConnectorFactory::Source(make) => Some(Self::Source(make())),
            _ => None,
        }
    }

    /// Starts it. A source is started with a context.
    pub(super) fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        context: Option<ConnectorContext>,
    ) -> Result<(), ConnectError> {
        match (self, context) {
            (Self::Sink(connector), _) => connector.start(settings),
            (Self::Source(connector), Some(context)) => connector.start(settings, context),
            (Self::Source(_), None) => Err(ConnectError::failed("a source needs a context")),
        }
    }

    /// The settings of its tasks.
    pub(super) fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        match self {
            Self::Sink(connector) => connector.task_configs(tasks_max),
            Self::Source(connector) => connector.task_configs(tasks_max),
        }
    }

    /// A new task.
    pub(super) fn task(&self) -> TaskCode {
        match self {
            Self::Sink(connector) => TaskCode::Sink(connector.task()),
            Self::Source(connector) => TaskCode::Source(connector.task()),
        }
    }

    /// Ends it.
    pub(super) fn stop(&mut self) -> Result<(), ConnectError> {
        match self {
            Self::Sink(connector) => connector.stop(),
            Self::Source(connector) => connector.stop(),
        }
    }
}
