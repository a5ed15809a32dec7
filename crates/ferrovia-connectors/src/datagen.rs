//! Datagen: records made up at random by an Avro schema that says which values there are.

mod avro;
mod connector;
mod plan;
mod quickstart;
mod settings;
mod task;

pub use connector::DatagenConnector;
pub use task::DatagenTask;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

/// The source under Java's class name.
pub const SOURCE: ConnectorPlugin = ConnectorPlugin {
    class: "io.confluent.kafka.connect.datagen.DatagenConnector",
    task_class: "io.confluent.kafka.connect.datagen.DatagenTask",
    version: "0.7.1",
    factory: ConnectorFactory::Source(|| Box::new(DatagenConnector::default())),
};
