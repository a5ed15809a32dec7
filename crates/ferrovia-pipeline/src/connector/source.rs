//! What the author of a source connector writes beside its task.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::config::{ConfigDef, ConfigError};
use crate::data::Map;
use crate::error::ConnectError;
use crate::source::{OffsetReader, SourceTask};

/// Splits the work of copying data to Kafka into tasks.
///
/// A connector is made for each instance that a user configures. It is started once, asked for the settings of its
/// tasks, and stopped; it never sees a record. While it runs it may watch its source on a thread of its own and ask by its
/// [`ConnectorContext`] that the tasks be divided anew.
///
/// # Source
/// `org.apache.kafka.connect.source.SourceConnector`
pub trait SourceConnector: Send {
    /// The definitions of the settings that this connector reads.
    fn config(&self) -> ConfigDef;

    /// What is wrong with these settings beyond what the definitions say, such as two that cannot go together. A key at fault
    /// need not be one of the connector's own. Called on connectors that were not started, where users ask for it and before
    /// a connector is made.
    ///
    /// # Source
    /// `org.apache.kafka.connect.connector.Connector.validate`
    fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        let _ = settings;
        Vec::new()
    }

    /// Begins with these settings. Called once, before [`task_configs`](Self::task_configs).
    ///
    /// # Errors
    /// Any error fails the connector.
    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        context: ConnectorContext,
    ) -> Result<(), ConnectError>;

    /// The settings of each task: at most `tasks_max` of them. Asked after the start, and again whenever the connector
    /// has [asked for it](ConnectorContext::request_task_reconfiguration).
    ///
    /// # Errors
    /// Any error fails the connector.
    fn task_configs(&self, tasks_max: usize)
    -> Result<Vec<BTreeMap<String, String>>, ConnectError>;

    /// A new task, not yet started. All that it needs is in the settings that it is started with.
    ///
    /// Tasks run on any worker of a cluster and the connector on one of them, so this is called on connectors that were
    /// never [started](Self::start), too.
    fn task(&self) -> Box<dyn SourceTask>;

    /// Whether the connector can give exactly-once guarantees with these settings; `None` if it does not say. Called on
    /// connectors that were not started.
    ///
    /// # Source
    /// `org.apache.kafka.connect.source.SourceConnector.exactlyOnceSupport` (KIP-618)
    fn exactly_once_support(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Option<ExactlyOnceSupport> {
        let _ = settings;
        None
    }

    /// Whether its tasks can say where transactions end, with these settings (`transaction.boundary=connector`). Called on
    /// connectors that were not started.
    ///
    /// # Source
    /// `org.apache.kafka.connect.source.SourceConnector.canDefineTransactionBoundaries` (KIP-618)
    fn can_define_transaction_boundaries(&self, settings: &BTreeMap<String, String>) -> bool {
        let _ = settings;
        false
    }

    /// Hears that a user sets or forgets offsets, before they change. A connector that cannot go on from these offsets
    /// refuses them. The answer tells whether the connector has taken care of offsets that it keeps itself: `false`, as by
    /// default, makes the worker tell the user to look after them. Called on connectors that were not started, on a thread
    /// that may block, and with the same offsets again where a user repeats a request.
    ///
    /// # Errors
    /// Any error leaves the offsets as they are. One of the class `java.lang.UnsupportedOperationException` says that the
    /// offsets of this connector can never be changed.
    ///
    /// # Source
    /// `org.apache.kafka.connect.source.SourceConnector.alterOffsets` (KIP-875)
    fn alter_offsets(
        &mut self,
        settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        let _ = (settings, offsets);
        Ok(false)
    }

    /// Ends. Called once, last.
    ///
    /// # Errors
    /// The error is logged.
    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}

/// What is to become of one partition of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceOffsetChange {
    /// The source's partition.
    pub partition: Map<'static>,
    /// Where to go on; `None` where the offset is to be forgotten.
    pub offset: Option<Map<'static>>,
}

/// What a connector says of its own guarantees.
///
/// # Source
/// `org.apache.kafka.connect.source.ExactlyOnceSupport`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnceSupport {
    /// Every record once, with the worker's help.
    Supported,
    /// Not with these settings.
    Unsupported,
}

/// A running source connector's view of the worker. It may be kept and used from any thread.
///
/// # Source
/// `org.apache.kafka.connect.source.SourceConnectorContext`
#[derive(Clone)]
pub struct ConnectorContext {
    worker: Arc<dyn ConnectorEvents>,
    offsets: Arc<dyn OffsetReader>,
}

/// For the worker: what it hears of a running connector. Calls return at once.
pub trait ConnectorEvents: Send + Sync {
    /// The tasks are to be divided anew.
    fn on_reconfiguration_wanted(&self);

    /// The connector has failed.
    fn on_failure(&self, error: ConnectError);
}

impl ConnectorContext {
    /// A context that tells `worker`.
    pub fn new(worker: Arc<dyn ConnectorEvents>, offsets: Arc<dyn OffsetReader>) -> Self {
        Self { worker, offsets }
    }

    /// Asks the worker to divide the tasks anew: it calls [`SourceConnector::task_configs`] again and replaces the tasks
    /// if their settings have changed.
    pub fn request_task_reconfiguration(&self) {
        self.worker.on_reconfiguration_wanted();
    }

    /// Fails the connector; its tasks go on.
    pub fn raise_error(&self, error: ConnectError) {
        self.worker.on_failure(error);
    }

    /// The offsets that its tasks have committed.
    pub fn offsets(&self) -> &dyn OffsetReader {
        &*self.offsets
    }
}

impl fmt::Debug for ConnectorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorContext").finish_non_exhaustive()
    }
}
