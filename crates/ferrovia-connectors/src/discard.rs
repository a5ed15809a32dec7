//! Discard: counts records and drops them. For measuring everything in front of a sink.

mod sink;

pub use sink::{DiscardSinkConnector, DiscardSinkTask};

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// The sink.
pub const SINK: ConnectorPlugin = ConnectorPlugin {
    class: "io.ferrovia.connect.discard.DiscardSinkConnector",
    task_class: "io.ferrovia.connect.discard.DiscardSinkTask",
    version: env!("CARGO_PKG_VERSION"),
    factory: ConnectorFactory::Sink(|| Box::new(DiscardSinkConnector::default())),
};
