//! `connect-standalone`: one worker that keeps everything to itself.
//!
//! # Source
//! `ConnectStandalone`, `AbstractConnectCli` and `Connect` of Kafka 4.2: the order of steps, exit codes and the log lines
//! that people wait for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ferrovia_client::cluster::Cluster;
use ferrovia_client::{ClientSettings, FramePool};
use ferrovia_pipeline::config::ConfigError;
use ferrovia_worker::config::worker::{ClientKind, WorkerConfig};
use ferrovia_worker::config::{ConnectorFile, StandaloneConfig, properties};
use ferrovia_worker::herder::{ConnectorCatalog, HerderHandle};
use ferrovia_worker::rest::RestServer;
use ferrovia_worker::standalone::StandaloneWorker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;
use tracing::{error, info, warn};

use super::Exit;
use crate::logging;
use crate::plugins::BuiltIn;

/// Buffers that the connection for the cluster's id may keep.
const CLUSTER_ID_POOL_BYTES: usize = 256 * 1024;

/// Which files to read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The worker's settings, as Java properties.
    // Not a path to clap, which would refuse an empty one.
    #[arg(value_name = "worker.properties")]
    worker: OsString,
    /// Connectors to run, each as Java properties or JSON.
    #[arg(value_name = "connector.properties")]
    connectors: Vec<PathBuf>,
}

/// An error that ends the process, as one line of the log.
type Failure = Box<dyn std::error::Error>;

/// Runs a worker until it is told to stop.
pub(super) fn run(arguments: &Arguments) -> Exit {
    match prepare_and_run(arguments) {
        Ok(exit) => exit,
        Err(failure) => {
            error!("Stopping due to error: {}", with_causes(failure.as_ref()));
            Exit::Configuration
        }
    }
}

fn prepare_and_run(arguments: &Arguments) -> Result<Exit, Failure> {
    info!("Kafka Connect worker initializing ...");
    let begun = Instant::now();
    let config = configure(Path::new(&arguments.worker))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let exit = LocalSet::new().block_on(&runtime, work(config, &arguments.connectors, begun))?;
    // What still runs had its time to stop.
    runtime.shutdown_background();
    Ok(exit)
}

fn configure(file: &Path) -> Result<StandaloneConfig, Failure> {
    // As in Java, an empty name is an empty file.
    let settings = match file.as_os_str().is_empty() {
        true => BTreeMap::new(),
        false => properties::load(file)?,
    };
    let config = StandaloneConfig::from_settings(settings)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    check_converters(&config.worker, &BuiltIn::new())?;
    let unknown = config.worker.unknown_keys();
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

async fn work(
    config: StandaloneConfig,
    files: &[PathBuf],
    begun: Instant,
) -> Result<Exit, Failure> {
    // Before anything runs, so that no signal finds the process without them.
    let mut signals = Signals::new()?;
    let worker = Arc::new(config.worker);
    let cluster_id = tokio::select! {
        id = cluster_id(&worker) => id?,
        exit = signals.next() => return Ok(exit),
    };
    let rest = RestServer::bind(&worker.rest).await?;
    let rest = rest.with_loggers(logging::loggers());
    let advertised = rest.advertised_url().clone();
    let listening = rest.urls().join(", ");
    info!("REST server listening at {listening}, advertising URL {advertised}");
    let catalog = Arc::new(BuiltIn::new());
    let mut running = StandaloneWorker::start(worker, advertised.worker_id(), catalog)?;
    info!(
        "Kafka Connect worker initialization took {}ms",
        begun.elapsed().as_millis()
    );

    info!("Kafka Connect starting");
    running.serve(rest, cluster_id);
    info!("REST resources initialized; server is started and ready to handle requests");
    info!("Kafka Connect started");

    let exit = tokio::select! {
        exit = create_then_wait(running.herder(), files) => exit,
        exit = signals.next() => exit,
    };

    info!("Kafka Connect stopping");
    running.stop().await;
    info!("Kafka Connect stopped");
    Ok(exit)
}

/// Makes the connectors of the command line, then waits for ever. Returns only where one cannot be made.
async fn create_then_wait(herder: &HerderHandle, files: &[PathBuf]) -> Exit {
    for file in files {
        if let Err(failure) = create(herder, file).await {
            error!(
                "Stopping after connector error: {}",
                with_causes(failure.as_ref())
            );
            return Exit::Connector;
        }
    }
    match herder.ready().await {
        Ok(()) => std::future::pending().await,
        Err(_) => Exit::Connector,
    }
}

async fn create(herder: &HerderHandle, file: &Path) -> Result<(), Failure> {
    let described = ConnectorFile::load(file)?;
    let name = described.name.clone();
    match herder.create(described).await {
        Ok(()) => {
            info!("Created connector {name}");
            Ok(())
        }
        Err(error) => {
            error!("Failed to create connector for {}", file.display());
            Err(format!("{}: {error}", file.display()).into())
        }
    }
}

/// Asks any broker which cluster this is, which also tells whether there is one.
async fn cluster_id(worker: &WorkerConfig) -> Result<Option<String>, Failure> {
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
fn with_causes(error: &dyn std::error::Error) -> String {
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
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
