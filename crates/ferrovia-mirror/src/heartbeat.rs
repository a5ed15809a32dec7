//! The connector that writes heartbeats to the target: by them it is seen that the clusters are connected, and by the
//! copies that other clusters make of them, how.

mod connector;
mod task;

pub use connector::MirrorHeartbeatConnector;
pub use task::MirrorHeartbeatTask;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// `MirrorHeartbeatConnector`
pub const PLUGIN: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector",
    task_class: "org.apache.kafka.connect.mirror.MirrorHeartbeatTask",
    version: crate::VERSION,
    factory: ConnectorFactory::Source(|| Box::new(MirrorHeartbeatConnector::default())),
};

const SOURCE_ALIAS: &str = "sourceClusterAlias";
const TARGET_ALIAS: &str = "targetClusterAlias";
