//! From files to typed settings: the edge at which text stops being text.
//!
//! [`properties`] reads Java's file format, [`worker`] types the worker's own settings, [`connector`] those of one
//! connector, and [`listener`] the addresses that REST is served at. The definitions themselves are in
//! [`worker_definition`] and [`connector_definition`].

pub mod connector;
pub mod connector_definition;
pub mod connector_file;
pub mod java_map;
pub mod listener;
pub mod properties;
pub mod settings;
pub mod worker;
pub mod worker_definition;

#[cfg(test)]
mod golden;

pub use connector::ConnectorConfig;
pub use connector_file::{ConnectorFile, ConnectorFileError, InitialState};
pub use settings::Settings;
pub use worker::{StandaloneConfig, WorkerConfig};
