//! The REST API. It asks the herder and gives its answers a form; it decides nothing.
//!
//! # Source
//! `RestServer` and `resources` of Kafka 4.2. Bodies, statuses and content types are compared with recorded answers.

mod connectors;
mod body;
mod entities;
mod error;
mod health;
mod plugins;
mod root;
mod routes;
mod server;

pub use server::{RestError, RestServer};

use std::sync::Arc;

use crate::herder::HerderHandle;

/// What the endpoints know.
#[derive(Clone, Debug)]
struct RestState {
    herder: HerderHandle,
    kafka_cluster_id: Option<Arc<str>>,
}

#[cfg(test)]
mod tests;
