//! FileStream: records as lines of a file, and lines as records.

mod sink;
mod source;

pub use sink::{FileStreamSinkConnector, FileStreamSinkTask};
pub use source::{FileStreamSourceConnector, FileStreamSourceTask};

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// The sink under Java's class name.
pub const SINK: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.file.FileStreamSinkConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSinkTask",
    version: "4.2.0",
    factory: ConnectorFactory::Sink(|| Box::new(FileStreamSinkConnector::default())),
};

/// The source under Java's class name.
pub const SOURCE: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.file.FileStreamSourceConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSourceTask",
    version: "4.2.0",
    factory: ConnectorFactory::Source(|| Box::new(FileStreamSourceConnector::default())),
};
