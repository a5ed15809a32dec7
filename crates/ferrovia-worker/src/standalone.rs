//! A worker that is alone: its threads, its herder and, where wanted, its REST interface, put together.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

use crate::config::WorkerConfig;
use crate::herder::machine::Rules;
use crate::herder::offsets::SinkOffsets;
use crate::herder::{ConnectorCatalog, ConnectorValidator, Herder, HerderHandle, HerderParts};
use crate::logging::Loggers;
use crate::rest::RestServer;
use crate::task::runner::{TaskMetrics, ThreadedRunner};

/// A standalone worker that runs. It lives inside a `LocalSet` on the thread that made it, which is its control thread.
#[derive(Debug)]
pub struct StandaloneWorker {
    herder: HerderHandle,
    metrics: TaskMetrics,
    herding: JoinHandle<Result<(), String>>,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl StandaloneWorker {
    /// Starts the data threads and the herder, without a connector yet. `worker_id` is what statuses show.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(
        config: Arc<WorkerConfig>,
        worker_id: String,
        catalog: Arc<dyn ConnectorCatalog>,
    ) -> io::Result<Self> {
        let rules = Rules {
            worker_id: worker_id.into(),
            task_stop_timeout: config.task_shutdown_graceful_timeout,
            tracks_topics: config.topic_tracking_enable,
            resets_topics: config.topic_tracking_allow_reset,
            cluster: None,
        };
        for (key, meant) in config.misspelt_keys() {
            tracing::warn!("The configuration '{key}' is not known; did you mean '{meant}'?");
        }
        let validator = Arc::new(ConnectorValidator::new(catalog, Arc::clone(&config)));
        let offsets = SinkOffsets::new(Arc::clone(&config), Arc::clone(&validator));
        let runner = ThreadedRunner::start(config)?;
        let metrics = runner.metrics();
        let (herder, handle) = Herder::new(HerderParts {
            rules,
            runner,
            validator,
            offsets,
            loggers: Loggers::default(),
            cluster: None,
        });
        Ok(Self {
            herder: handle,
            metrics,
            herding: spawn_local(herder.run()),
            serving: None,
        })
    }

    /// Serves REST from now on.
    pub fn serve(&mut self, rest: RestServer, kafka_cluster_id: Option<String>) {
        let (stop, stopping) = watch::channel(false);
        let task = spawn_local(rest.serve(self.herder.clone(), kafka_cluster_id, stopping));
        self.serving = Some(Serving { stop, task });
    }

    /// The way to the herder.
    pub fn herder(&self) -> &HerderHandle {
        &self.herder
    }

    /// The counters of all tasks.
    pub fn metrics(&self) -> &TaskMetrics {
        &self.metrics
    }

    /// Ends REST, then all tasks and connectors: they commit what they have written, or their time runs out.
    pub async fn stop(self) {
        if let Some(Serving { stop, task }) = self.serving {
            tracing::info!("Stopping REST server");
            // A server that nobody can stop any more has ended, and so has a task that cannot be joined.
            let _ = stop.send(true);
            let _ = task.await;
        }
        let _ = self.herder.stop().await;
        let _ = self.herding.await;
    }
}
