//! A standalone worker inside this process, for the commands that measure and show.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_worker::config::connector_file::InitialState;
use ferrovia_worker::config::{ConnectorFile, StandaloneConfig, WorkerConfig};
use ferrovia_worker::herder::{HerderHandle, StandaloneHerder};
use ferrovia_worker::status::State;
use ferrovia_worker::task::metrics::SinkTaskCounts;
use ferrovia_worker::task::runner::{TaskMetrics, ThreadedRunner};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::plugins::BuiltIn;

/// A worker that runs. It must be made and stopped inside a `LocalSet`.
#[derive(Debug)]
pub(crate) struct LocalWorker {
    pub(crate) herder: HerderHandle,
    pub(crate) config: Arc<WorkerConfig>,
    metrics: TaskMetrics,
    herding: JoinHandle<()>,
}

impl LocalWorker {
    /// Starts a worker with these settings, written as in its properties file.
    pub(crate) fn start(settings: BTreeMap<String, String>, id: &str) -> Result<Self, Failure> {
        let config = StandaloneConfig::from_settings(settings)
            .map_err(Failure::of)?
            .worker;
        let config = Arc::new(config);
        let runner = ThreadedRunner::start(Arc::clone(&config)).map_err(Failure::of)?;
        let metrics = runner.metrics();
        let stop_timeout = config.task_shutdown_graceful_timeout;
        let (herder, handle) = StandaloneHerder::new(
            id.to_owned(),
            runner,
            Arc::new(BuiltIn::new()),
            stop_timeout,
        );
        let herding = tokio::task::spawn_local(herder.run());
        Ok(Self {
            herder: handle,
            config,
            metrics,
            herding,
        })
    }

    /// Makes a connector with these settings.
    pub(crate) async fn create(&self, settings: BTreeMap<String, String>) -> Result<(), Failure> {
        let name = settings.get("name").cloned().unwrap_or_default();
        let file = ConnectorFile {
            name,
            settings,
            initial_state: InitialState::Running,
        };
        self.herder.create(file).await.map_err(Failure::of)?;
        self.herder.ready().await.map_err(Failure::of)
    }

    /// The counters of all tasks, added up.
    pub(crate) fn counts(&self) -> SinkTaskCounts {
        let mut sum = SinkTaskCounts::default();
        for (_, counts) in self.metrics.counts() {
            sum += counts;
        }
        sum
    }

    /// An error if the connector or a task of it has failed.
    pub(crate) async fn check(&self, connector: &str) -> Result<(), Failure> {
        let status = self.herder.status(connector).await.map_err(Failure::of)?;
        let tasks = status.tasks.iter().map(|(_, task)| task);
        let mut all = std::iter::once(&status.connector).chain(tasks);
        match all.find(|status| status.state == State::Failed) {
            Some(failed) => Err(Failure::saying(failed.trace.replace('\n', ": "))),
            None => Ok(()),
        }
    }

    /// Commits, closes and stops everything.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.herder.stop().await.map_err(Failure::of)?;
        self.herding.await.map_err(Failure::of)
    }
}
