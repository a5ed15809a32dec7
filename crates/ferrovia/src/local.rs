//! A standalone worker inside this process, for the commands that measure and show.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_worker::config::connector_file::InitialState;
use ferrovia_worker::config::{ConnectorFile, StandaloneConfig, WorkerConfig};
use ferrovia_worker::logging::Loggers;
use ferrovia_worker::rest::RestServer;
use ferrovia_worker::status::State;
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::task::metrics::SinkTaskCounts;
use ferrovia_worker::worker::Worker;

use crate::failure::Failure;
use crate::plugins::BuiltIn;

/// A worker with one connector. It must be made and stopped inside a `LocalSet`.
#[derive(Debug)]
pub(crate) struct LocalWorker {
    config: Arc<WorkerConfig>,
    worker: Worker,
}

impl LocalWorker {
    /// Starts a worker with these settings, written as in its properties file.
    pub(crate) fn start(settings: BTreeMap<String, String>, id: &str) -> Result<Self, Failure> {
        let config = StandaloneConfig::from_settings(settings)
            .map_err(Failure::of)?
            .worker;
        let config = Arc::new(config);
        let catalog = Arc::new(BuiltIn::new());
        let worker = Worker::standalone(
            Arc::clone(&config),
            OffsetStore::in_memory(),
            id.to_owned(),
            catalog,
            Loggers::detached(),
        );
        Ok(Self {
            config,
            worker: worker.map_err(Failure::of)?,
        })
    }

    /// Serves REST at the configured listener and answers its URL.
    pub(crate) async fn serve(&mut self) -> Result<String, Failure> {
        let rest = RestServer::bind(&self.config.rest)
            .await
            .map_err(Failure::of)?;
        let url = rest.advertised_url().to_string();
        self.worker.serve(rest, None);
        Ok(url)
    }

    /// Makes a connector with these settings.
    pub(crate) async fn create(&self, settings: BTreeMap<String, String>) -> Result<(), Failure> {
        let name = settings.get("name").cloned().unwrap_or_default();
        let file = ConnectorFile {
            name,
            settings,
            initial_state: InitialState::Running,
        };
        self.worker
            .herder()
            .create(file)
            .await
            .map_err(Failure::of)?;
        self.worker.herder().ready().await.map_err(Failure::of)
    }

    /// The counters of all tasks, added up.
    pub(crate) fn counts(&self) -> SinkTaskCounts {
        let mut sum = SinkTaskCounts::default();
        for (_, counts) in self.worker.metrics().counts() {
            sum += counts;
        }
        sum
    }

    /// An error if the connector or a task of it has failed.
    pub(crate) async fn check(&self, connector: &str) -> Result<(), Failure> {
        let status = self
            .worker
            .herder()
            .status(connector)
            .await
            .map_err(Failure::of)?;
        let tasks = status.tasks.iter().map(|(_, task)| task);
        let mut all = std::iter::once(&status.connector).chain(tasks);
        match all.find(|status| status.state == State::Failed) {
            Some(failed) => Err(Failure::saying(failed.trace.replace('\n', ": "))),
            None => Ok(()),
        }
    }

    /// Commits, closes and stops everything.
    pub(crate) async fn stop(self) {
        self.worker.stop().await;
    }
}
