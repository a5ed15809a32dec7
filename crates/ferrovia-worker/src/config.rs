//! From files to typed settings: the edge at which text stops being text.
//!
//! [`properties`] reads Java's file format, [`worker`] types the worker's own settings and [`distributed`] those of a
//! worker in a cluster, [`connector`] those of one connector, and [`rest`] those of the REST server, with [`listener`]
//! for its addresses and [`tls`] for its certificates. [`providers`] bring values that files only point to, and an
//! [`override_policy`] says what connectors may change about their clients. The definitions themselves are in
//! [`worker_definition`], [`distributed_definition`], [`connector_definition`], [`source_definition`] and [`client_definition`], and
//! [`mac_algorithm`] names what workers sign with; [`spelling`] guesses what an unknown key was meant to be.

pub mod client_definition;
pub mod connector;
pub mod connector_definition;
pub mod connector_file;
pub mod distributed;
pub mod distributed_definition;
pub mod java_map;
pub mod listener;
pub mod mac_algorithm;
pub mod override_policy;
pub mod properties;
pub mod providers;
pub mod rest;
pub mod restart_policy;
pub mod settings;
pub mod source_definition;
pub mod spelling;
pub mod tls;
pub mod worker;
pub mod worker_definition;

#[cfg(test)]
mod golden;

pub use connector::{ConnectorConfig, KindConfig, SourceConfig};
pub use connector_file::{ConnectorFile, ConnectorFileError, InitialState};
pub use distributed::{DistributedConfig, SignatureConfig};
pub use restart_policy::RestartPolicy;
pub use settings::Settings;
pub use worker::{StandaloneConfig, WorkerConfig};
