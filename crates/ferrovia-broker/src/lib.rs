//! An embedded single-process Kafka-protocol broker for the demo, tests and fault injection.
//! Not for production: one node, no replication, no security.
//!
//! Modules in the order a request meets them: a [`server`] accepts connections, a `connection`
//! cuts frames and looks at the [`faults`], `api` answers (one file per API key), and the
//! answers come from the `topics` (partition logs) and the `coordinator` (consumer groups and
//! transactions).

mod config;
mod error;
pub mod faults;
pub mod server;

mod body;
mod connection;
mod shape;

mod api;
mod broker;

mod coordinator;
mod group;
mod transaction;

mod journal;
mod log;
mod topics;

pub use config::{BrokerConfig, TransactionVersion};
pub use error::BrokerError;
pub use faults::{Fault, Faults, RequestView, Times};
pub use kafka_protocol::messages::ApiKey;
pub use server::{BlockingBroker, EmbeddedBroker};
