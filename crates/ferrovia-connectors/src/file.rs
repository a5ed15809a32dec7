//! FileStream: records as lines of a file.

mod sink;

pub use sink::{FileStreamSinkConnector, FileStreamSinkTask};

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// The sink under Java's class name.
pub const SINK: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.file.FileStreamSinkConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSinkTask",
    version: "4.2.0",
    factory: ConnectorFactory::Sink(|| Box::new(FileStreamSinkConnector::default())),
};
