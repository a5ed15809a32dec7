//! A whole worker: its threads, its herder and, where wanted, its REST interface, put together.

mod cluster;

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

pub use self::cluster::StartError;
use crate::config::{DistributedConfig, WorkerConfig};
use crate::herder::cluster::Opening;
use crate::herder::machine::{ClusterRules, Rules};
use crate::herder::offsets::ConnectorOffsets;
use crate::herder::validation::InCluster;
use crate::herder::{ConnectorCatalog, ConnectorValidator, Herder, HerderHandle, HerderParts};
use crate::logging::Loggers;
use crate::rest::RestServer;
use crate::storage::offsets::OffsetStore;
use crate::task::runner::{TaskMetrics, ThreadedRunner};

/// A worker that runs. It lives inside a `LocalSet` on the thread that made it, which is its control thread.
#[derive(Debug)]
pub struct Worker {
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

impl Worker {
    /// Starts a worker that is alone: the data threads and the herder, without a connector yet. `worker_id` is what
    /// statuses show, and `offsets` is where those of sources are kept.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn standalone(
        config: Arc<WorkerConfig>,
        offsets: OffsetStore,
        worker_id: String,
        catalog: Arc<dyn ConnectorCatalog>,
        loggers: Loggers,
    ) -> io::Result<Self> {
        let rules = rules(&config, &worker_id, None);
        Self::start(config, rules, catalog, loggers, offsets, None)
    }

    /// Starts a worker of a cluster: it opens and reads the cluster's topics, joins its group and takes its share of the
    /// work. Users are answered from the start; what cannot be opened [fails](Self::failed) the worker. Other workers reach
    /// it at the address that `rest` advertises.
    ///
    /// # Errors
    /// [`StartError`]: a client's setting is wrong, or the operating system refuses a thread.
    pub fn distributed(
        config: DistributedConfig,
        rest: &RestServer,
        catalog: Arc<dyn ConnectorCatalog>,
        loggers: Loggers,
    ) -> Result<Self, StartError> {
        let offsets = OffsetStore::topic(&config)?;
        let opening = cluster::opening(&config, offsets.clone(), rest)?;
        let advertised = rest.advertised_url();
        let gives_exactly_once = config.exactly_once_source.is_enabled();
        let of_cluster = ClusterRules {
            url: advertised.to_string().into(),
            protocol: config.protocol,
            rebalance_delay_max: config.rebalance_delay_max,
            sync_timeout: config.sync_timeout,
            unsync_backoff: config.unsync_backoff,
            gives_exactly_once,
            has_transactional_leader: config.exactly_once_source.has_transactional_leader(),
            signatures: config.signatures,
        };
        let worker = Arc::new(config.worker);
        let rules = rules(&worker, &advertised.worker_id(), Some(of_cluster));
        let of_validation = InCluster {
            group: config.group_id,
            gives_exactly_once,
        };
        let cluster = Some((of_validation, opening));
        let started = Self::start(worker, rules, catalog, loggers, offsets, cluster);
        Ok(started?)
    }

    fn start(
        config: Arc<WorkerConfig>,
        rules: Rules,
        catalog: Arc<dyn ConnectorCatalog>,
        loggers: Loggers,
        source_offsets: OffsetStore,
        cluster: Option<(InCluster, Opening)>,
    ) -> io::Result<Self> {
        for (key, meant) in config.misspelt_keys() {
            tracing::warn!("The configuration '{key}' is not known; did you mean '{meant}'?");
        }
        let validator = ConnectorValidator::new(catalog, Arc::clone(&config));
        let exactly_once_group = cluster
            .as_ref()
            .filter(|(cluster, _)| cluster.gives_exactly_once)
            .map(|(cluster, _)| cluster.group.clone());
        let (validator, cluster) = match cluster {
            Some((cluster, opening)) => (validator.in_cluster(cluster), Some(opening)),
            None => (validator, None),
        };
        let validator = Arc::new(validator);
        let offsets = ConnectorOffsets::new(
            Arc::clone(&config),
            Arc::clone(&validator),
            source_offsets.clone(),
        );
        let mut runner = ThreadedRunner::start(config, source_offsets.clone())?;
        if let Some(group) = exactly_once_group {
            runner = runner.exactly_once(group);
        }
        let metrics = runner.metrics();
        let (herder, handle) = Herder::new(HerderParts {
            rules,
            runner,
            validator,
            offsets,
            source_offsets,
            loggers,
            cluster,
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

    /// Resolves when the herder has ended by itself, with the reason.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn failed(&mut self) -> String {
        match (&mut self.herding).await {
            Ok(Err(reason)) => reason,
            Ok(Ok(())) => "the herder has ended".to_owned(),
            Err(error) => error.to_string(),
        }
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

fn rules(config: &WorkerConfig, worker_id: &str, cluster: Option<ClusterRules>) -> Rules {
    Rules {
        worker_id: worker_id.into(),
        task_stop_timeout: config.task_shutdown_graceful_timeout,
        tracks_topics: config.topic_tracking_enable,
        resets_topics: config.topic_tracking_allow_reset,
        cluster,
    }
}
