//! The REST API. It asks the herder and gives its answers a form; it decides nothing.
//!
//! A [`RestServer`] listens. What comes in passes the `filters` and the extensions on its way to an endpoint of the table
//! in `endpoints`; what another worker has to do is sent on to it by the [`InternalClient`], which the herder uses too.
//!
//! # Source
//! `RestServer` and `resources` of Kafka 4.2. Bodies, statuses and content types are compared with recorded answers.

mod basic_auth;
mod body;
mod changes;
mod client;
mod connectors;
mod endpoints;
mod entities;
mod error;
mod extension;
mod filters;
mod forward;
mod health;
mod http_date;
mod internal;
mod loggers;
mod login;
mod offsets;
mod openapi;
mod plugins;
mod query;
mod root;
mod routes;
mod server;
mod tls;

pub use client::{ClientError, InternalClient};
pub use extension::{ExtensionError, RequestHead, RestExtension};
pub use login::LoginError;
pub use server::{RestError, RestServer};
pub use tls::TlsError;

use std::sync::Arc;
use std::time::Duration;

use crate::herder::HerderHandle;
use crate::logging::Loggers;

/// What the endpoints know.
#[derive(Clone, Debug)]
struct RestState {
    herder: HerderHandle,
    kafka_cluster_id: Option<Arc<str>>,
    client: InternalClient,
    /// How long a change may take, with waiting for somebody to do it.
    patience: Duration,
    loggers: Loggers,
    tracks_topics: bool,
    resets_topics: bool,
}

#[cfg(test)]
mod tests;
