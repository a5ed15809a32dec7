//! What the author of a sink connector writes beside its task.

use std::collections::BTreeMap;

use crate::config::ConfigDef;
use crate::error::ConnectError;
use crate::sink::SinkTask;

/// Splits the work of copying data from Kafka into tasks.
///
/// A connector is made for each instance that a user configures. It is started once, asked for the settings of its
/// tasks, and stopped; it never sees a record.
///
/// # Source
/// `org.apache.kafka.connect.sink.SinkConnector`
pub trait SinkConnector: Send {
    /// The definitions of the settings that this connector reads.
    fn config(&self) -> ConfigDef;

    /// Begins with these settings. Called once, before [`task_configs`](Self::task_configs).
    ///
    /// # Errors
    /// Any error fails the connector.
    fn start(&mut self, settings: &BTreeMap<String, String>) -> Result<(), ConnectError>;

    /// The settings of each task: at most `tasks_max` of them.
    ///
    /// # Errors
    /// Any error fails the connector.
    fn task_configs(&self, tasks_max: usize)
    -> Result<Vec<BTreeMap<String, String>>, ConnectError>;

    /// A new task, not yet started. All that it needs is in the settings that it is started with.
    ///
    /// Tasks run on any worker of a cluster and the connector on one of them, so this is called on connectors that were
    /// never [started](Self::start), too.
    fn task(&self) -> Box<dyn SinkTask>;

    /// Hears that a user sets or forgets offsets, before they change in the connector's consumer group. `offsets` has the
    /// next offset to read by topic and partition, `None` where it is to be forgotten; it is empty where all are to be
    /// forgotten and there are none.
    ///
    /// A connector that keeps offsets in the system that it writes to changes them there; one that cannot go on from these
    /// offsets refuses them; any other need only answer `true`. Users repeat a request that failed half-way, so the same
    /// call may come more than once. It may come to a connector that was never [started](Self::start), on a thread that
    /// may block. The answer tells whether the connector has taken care of offsets that are its own: `false`, as by
    /// default, makes the worker tell the user to look after them.
    ///
    /// # Errors
    /// Any error leaves the group's offsets as they are. One of the class `java.lang.UnsupportedOperationException` says
    /// that the offsets of this connector can never be changed.
    ///
    /// # Source
    /// `org.apache.kafka.connect.sink.SinkConnector.alterOffsets` (KIP-875)
    fn alter_offsets(
        &mut self,
        settings: &BTreeMap<String, String>,
        offsets: &BTreeMap<(String, i32), Option<i64>>,
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
