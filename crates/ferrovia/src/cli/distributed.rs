//! `connect-distributed`: one worker of a cluster.
//!
//! # Source
//! `ConnectDistributed` of Kafka 4.2

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ferrovia_worker::config::DistributedConfig;
use ferrovia_worker::logging::Loggers;
use ferrovia_worker::rest::RestServer;
use ferrovia_worker::worker::Worker;
use tracing::{error, info};

use super::Exit;
use super::worker::{self, Failure, Signals};
use crate::plugins::BuiltIn;

/// Which file to read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The worker's settings, as Java properties.
    // Not a path to clap, which would refuse an empty one.
    #[arg(value_name = "worker.properties")]
    worker: OsString,
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
    let config = worker::configure(file, DistributedConfig::from_settings, |it| &it.worker)?;
    let cluster_id = tokio::select! {
        id = worker::cluster_id(&config.worker) => id?,
        exit = signals.next() => return Ok(exit),
    };
    let rest = RestServer::bind(&config.worker.rest)
        .await?
        .with_loggers(loggers.clone());
    let listening = rest.urls().join(", ");
    let advertised = rest.advertised_url();
    info!("REST server listening at {listening}, advertising URL {advertised}");
    info!("Kafka Connect starting");
    let catalog = Arc::new(BuiltIn::new());
    let mut running = Worker::distributed(config, &rest, catalog, loggers)?;
    info!(
        "Kafka Connect worker initialization took {}ms",
        begun.elapsed().as_millis()
    );
    running.serve(rest, cluster_id);
    info!("REST resources initialized; server is started and ready to handle requests");
    running.herder().ready().await?;
    info!("Kafka Connect started");

    tokio::select! {
        exit = signals.next() => {
            info!("Kafka Connect stopping");
            running.stop().await;
            info!("Kafka Connect stopped");
            Ok(exit)
        }
        reason = running.failed() => {
            error!("Uncaught exception in herder work thread, exiting: {reason}");
            Ok(Exit::Usage)
        }
    }
}
