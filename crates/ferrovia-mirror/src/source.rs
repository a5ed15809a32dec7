//! The connector that copies topics, and its task.

pub mod connector;
mod plan;
mod keeper;
pub mod task;
mod reader;
mod copy;
mod syncs;
mod sync_writer;

pub use connector::MirrorSourceConnector;
pub use task::MirrorSourceTask;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// `MirrorSourceConnector`
pub const PLUGIN: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.mirror.MirrorSourceConnector",
    task_class: "org.apache.kafka.connect.mirror.MirrorSourceTask",
    version: crate::VERSION,
    factory: ConnectorFactory::Source(|| Box::new(MirrorSourceConnector::default())),
};
