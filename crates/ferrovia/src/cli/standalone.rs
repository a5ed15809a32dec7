//! `connect-standalone`: one worker that keeps everything to itself.
//!
//! # Source
//! `ConnectStandalone` of Kafka 4.2

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ferrovia_worker::config::{ConnectorFile, StandaloneConfig};
use ferrovia_worker::herder::HerderHandle;
use ferrovia_worker::logging::Loggers;
use ferrovia_worker::rest::RestServer;
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::worker::Worker;
use tracing::{error, info};

use super::Exit;
use super::worker::{self, Failure, Signals, with_causes};
use crate::plugins::BuiltIn;

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

/// Runs a worker until it is told to stop.
pub(super) fn run(arguments: &Arguments, loggers: Loggers) -> Exit {
    worker::run(work(arguments, loggers))
}

async fn work(arguments: &Arguments, loggers: Loggers) -> Result<Exit, Failure> {
    let begun = Instant::now();
    // Before anything runs, so that no signal finds the process without them.
    let mut signals = Signals::new()?;
    let file = Path::new(&arguments.worker);
    let config = worker::configure(file, StandaloneConfig::from_settings, |it| &it.worker)?;
    let offset_file = config.offset_file;
    let config = Arc::new(config.worker);
    let cluster_id = tokio::select! {
        id = worker::cluster_id(&config) => id?,
        exit = signals.next() => return Ok(exit),
    };
    let rest = RestServer::bind(&config.rest)
        .await?
        .with_loggers(loggers.clone());
    let advertised = rest.advertised_url().clone();
    let listening = rest.urls().join(", ");
    info!("REST server listening at {listening}, advertising URL {advertised}");
    let offsets = match OffsetStore::file(&offset_file) {
        Ok(offsets) => offsets,
        Err(failure) => {
            error!("Failed to start Connect: {failure}");
            return Ok(Exit::Connector);
        }
    };
    let catalog = Arc::new(BuiltIn::new());
    let mut running =
        Worker::standalone(config, offsets, advertised.worker_id(), catalog, loggers)?;
    info!(
        "Kafka Connect worker initialization took {}ms",
        begun.elapsed().as_millis()
    );

    info!("Kafka Connect starting");
    running.serve(rest, cluster_id);
    info!("REST resources initialized; server is started and ready to handle requests");
    info!("Kafka Connect started");

    let exit = tokio::select! {
        exit = create_then_wait(running.herder(), &arguments.connectors) => exit,
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
