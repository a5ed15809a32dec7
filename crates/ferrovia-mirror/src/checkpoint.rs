//! The connector that copies how far groups have read: it writes to the target which offset there stands for a group's
//! offset at the source, and on wish sets the group's offsets there.
//!
//! In reading order: what a checkpoint is, the offset syncs by which offsets are translated, the checkpoints that were
//! written, the decisions, the connector and its jobs, the task and its thread.

mod record;
mod sync_store;
mod store;
mod plan;
mod groups;
mod connector;
mod keeper;
mod task;
mod follower;

pub use connector::MirrorCheckpointConnector;
pub use task::MirrorCheckpointTask;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// `MirrorCheckpointConnector`
pub const PLUGIN: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.mirror.MirrorCheckpointConnector",
    task_class: "org.apache.kafka.connect.mirror.MirrorCheckpointTask",
    version: crate::VERSION,
    factory: ConnectorFactory::Source(|| Box::new(MirrorCheckpointConnector::default())),
};
