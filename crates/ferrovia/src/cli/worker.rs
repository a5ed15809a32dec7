//! What the commands that run a worker have in common: the order of steps, and the log lines that people wait for.
//!
//! # Source
//! `AbstractConnectCli` and `Connect` of Kafka 4.2

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;

use ferrovia_client::cluster::Cluster;
use ferrovia_client::{ClientSettings, FramePool};
use ferrovia_pipeline::config::ConfigError;
use ferrovia_worker::config::properties;
use ferrovia_worker::config::worker::{ClientKind, WorkerConfig};
use ferrovia_worker::herder::ConnectorCatalog;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;
use tracing::{error, info, warn};

use super::Exit;
use crate::open_files;
use crate::plugins::BuiltIn;

/// Buffers that the connection for the cluster's id may keep.
const CLUSTER_ID_POOL_BYTES: usize = 256 * 1024;

/// An error that ends the process, as one line of the log.
pub(super) type Failure = Box<dyn std::error::Error>;

/// Runs a worker on a control thread until it has ended.
pub(super) fn run(work: impl Future<Output = Result<Exit, Failure>>) -> Exit {
    open_files::raise_limit();
    match on_control_thread(work) {
        Ok(exit) => exit,
        Err(failure) => {
            error!("Stopping due to error: {}", with_causes(failure.as_ref()));
            Exit::Configuration
        }
    }
}

fn on_control_thread(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let exit = LocalSet::new().block_on(&runtime, work)?;
    // What still runs had its time to stop.
    runtime.shutdown_background();
    Ok(exit)
}

/// Reads the worker's file and types it.
pub(super) fn configure<C>(
    file: &Path,
    from_settings: impl FnOnce(BTreeMap<String, String>) -> Result<C, ConfigError>,
    worker: impl FnOnce(&C) -> &WorkerConfig,
) -> Result<C, Failure> {
    info!("Kafka Connect worker initializing ...");
    // As in Java, an empty name is an empty file.
    let settings = match file.as_os_str().is_empty() {
        true => BTreeMap::new(),
        false => properties::load(file)?,
    };
    let config = from_settings(settings).map_err(|error| format!("{}: {error}", file.display()))?;
    let worker = worker(&config);
    check_converters(worker, &BuiltIn::new())?;
    let unknown = worker.unknown_keys();
    if !unknown.is_empty() {
        warn!("These configurations '{unknown:?}' were supplied but are not used.");
    }
    Ok(config)
}

fn check_converters(
    worker: &WorkerConfig,
    plugins: &dyn ConnectorCatalog,
) -> Result<(), ConfigError> {
    let (key, value) = (&worker.key_converter.class, &worker.value_converter.class);
    let header = &worker.header_converter.class;
    let known = [
        ("key.converter", key, plugins.is_converter(key)),
        ("value.converter", value, plugins.is_converter(value)),
        (
            "header.converter",
            header,
            plugins.is_header_converter(header),
        ),
    ];
    match known.into_iter().find(|(_, _, is_known)| !is_known) {
        Some((name, class, _)) => Err(ConfigError::class_not_found(name, class)),
        None => Ok(()),
    }
}

/// Asks any broker which cluster this is, which also tells whether there is one.
pub(super) async fn cluster_id(worker: &WorkerConfig) -> Result<Option<String>, Failure> {
    let mut settings = worker.client_settings(ClientKind::Admin).as_map().clone();
    let servers = worker.bootstrap_servers.join(",");
    settings.insert("bootstrap.servers".to_owned(), servers.clone());
    let settings = ClientSettings::from_properties(&settings)?;
    check_resolvable(&worker.bootstrap_servers).await?;
    let limit = settings.default_api_timeout;
    let cluster = Cluster::new(settings, FramePool::new(CLUSTER_ID_POOL_BYTES));
    cluster.ready(limit).await.map_err(|error| {
        let error = with_causes(&error);
        format!(
            "Failed to connect to and describe Kafka cluster at {servers}. Check worker's broker \
             connection and security properties. ({error})"
        )
    })?;
    let id = cluster.cluster_id().map(|id| id.to_string());
    info!("Kafka cluster ID: {}", id.as_deref().unwrap_or("none"));
    Ok(id)
}

/// A name that nobody knows is a mistake in the file, which no waiting mends; as in Java, one good name is enough.
async fn check_resolvable(servers: &[String]) -> Result<(), Failure> {
    for server in servers {
        if tokio::net::lookup_host(server.as_str()).await.is_ok() {
            return Ok(());
        }
    }
    let listed = servers.join(",");
    Err(format!("No resolvable bootstrap urls given in bootstrap.servers: {listed}").into())
}

/// The error and what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// The signals that end a worker in order.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
