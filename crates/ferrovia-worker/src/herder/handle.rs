//! The way to the herder: requests go in by a queue, answers come back one by one.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::request::{
    ActiveTopics, Change, ConnectorInfo, ConnectorOffset, ConnectorOverview, ConnectorStatus,
    HerderError, Outcome, TaskInfo,
};
use super::stage::Stages;
use super::validation::{ConfigInfos, GivenSettings, KeyInfo};
use crate::config::ConnectorFile;
use crate::plugins::Plugin;
use crate::status::{Status, TaskId};

/// Requests that wait for the herder. Whoever comes when so many wait, waits too.
const REQUESTS_MAX: usize = 256;
/// How long an answer may take.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) type Reply<T> = oneshot::Sender<T>;

/// A request with the way back for its answer.
#[derive(Debug)]
pub(super) enum Request {
    Overview(Reply<Vec<ConnectorOverview>>),
    Info(String, Reply<Result<ConnectorInfo, HerderError>>),
    Tasks(String, Reply<Result<Vec<TaskInfo>, HerderError>>),
    Status(String, Reply<Result<ConnectorStatus, HerderError>>),
    TaskStatus(TaskId, Reply<Option<Status>>),
    Topics(String, Reply<ActiveTopics>),
    Offsets(String, Reply<Result<Vec<ConnectorOffset>, HerderError>>),
    Plugins(Reply<Vec<Plugin>>),
    PluginConfig(String, String, Reply<Result<Vec<KeyInfo>, HerderError>>),
    Validate(GivenSettings, Reply<Result<ConfigInfos, HerderError>>),
    Change(Change, Reply<Result<Outcome, HerderError>>),
    Ready(Reply<()>),
    IsReady(Reply<bool>),
    Stop(Reply<()>),
}

/// Sends requests to the herder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HerderHandle {
    requests: mpsc::Sender<Request>,
    stages: Stages,
}

impl HerderHandle {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Request>) {
        let (requests, queue) = mpsc::channel(REQUESTS_MAX);
        let stages = Stages::default();
        (Self { requests, stages }, queue)
    }

    /// Where the herder says what it is busy with.
    pub(super) fn stages(&self) -> &Stages {
        &self.stages
    }

    /// What the herder is busy with, or was last, in a sentence; `None` where nothing takes it long.
    pub fn stage(&self) -> Option<String> {
        self.stages.summary()
    }

    /// All connectors by name.
    ///
    /// # Errors
    /// [`HerderError::Stopping`] or [`HerderError::TimedOut`], as with every request.
    pub async fn overview(&self) -> Result<Vec<ConnectorOverview>, HerderError> {
        self.ask(Request::Overview).await
    }

    /// One connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where there is no such connector.
    pub async fn info(&self, name: &str) -> Result<ConnectorInfo, HerderError> {
        self.ask(|reply| Request::Info(name.to_owned(), reply))
            .await?
    }

    /// The tasks of one connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where there is no such connector.
    pub async fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, HerderError> {
        self.ask(|reply| Request::Tasks(name.to_owned(), reply))
            .await?
    }

    /// How a connector is doing.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where nothing is known of such a connector.
    pub async fn status(&self, name: &str) -> Result<ConnectorStatus, HerderError> {
        self.ask(|reply| Request::Status(name.to_owned(), reply))
            .await?
    }

    /// How a task is doing; `None` where nothing is known of it.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn task_status(&self, id: TaskId) -> Result<Option<Status>, HerderError> {
        self.ask(|reply| Request::TaskStatus(id, reply)).await
    }

    /// The topics that a connector has used; none where there is no such connector.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn topics(&self, name: &str) -> Result<ActiveTopics, HerderError> {
        self.ask(|reply| Request::Topics(name.to_owned(), reply))
            .await
    }

    /// Where a connector stands in what it reads.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where there is no such connector, [`HerderError::Failed`] where the offsets cannot be
    /// read.
    pub async fn offsets(&self, name: &str) -> Result<Vec<ConnectorOffset>, HerderError> {
        self.ask(|reply| Request::Offsets(name.to_owned(), reply))
            .await?
    }

    /// Changes something, and waits until that is written where all workers see it.
    ///
    /// # Errors
    /// Any; [`HerderError::Elsewhere`] where another worker has to be asked.
    pub async fn change(&self, change: Change) -> Result<Outcome, HerderError> {
        self.ask(|reply| Request::Change(change, reply)).await?
    }

    /// Makes the connector of a file.
    ///
    /// # Errors
    /// Any but [`HerderError::NotFound`]: the settings are bad, the name is taken, or the connector does not start.
    pub async fn create(&self, file: ConnectorFile) -> Result<(), HerderError> {
        let settings = file.settings.into_iter();
        let change = Change::Create {
            name: file.name,
            settings: settings.map(|(key, value)| (key, Some(value))).collect(),
            initial_state: Some(file.initial_state),
        };
        self.change(change).await.map(drop)
    }

    /// All plugins, by kind and class.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn plugins(&self) -> Result<Vec<Plugin>, HerderError> {
        self.ask(Request::Plugins).await
    }

    /// The definitions of a plugin's settings, in a version or range of versions.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] for an unknown plugin, [`HerderError::BadRequest`] for a version that it has not.
    pub async fn plugin_config(
        &self,
        name: &str,
        version: &str,
    ) -> Result<Vec<KeyInfo>, HerderError> {
        let request = |reply| Request::PluginConfig(name.to_owned(), version.to_owned(), reply);
        self.ask(request).await?
    }

    /// All about a connector's settings, without making it.
    ///
    /// # Errors
    /// See [`validate`](super::ConnectorValidator::validate).
    pub async fn validate(&self, settings: GivenSettings) -> Result<ConfigInfos, HerderError> {
        self.ask(|reply| Request::Validate(settings, reply)).await?
    }

    /// Says that all connectors of the command line exist: from now on the worker is healthy.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn ready(&self) -> Result<(), HerderError> {
        self.ask(Request::Ready).await
    }

    /// Whether the worker has come up, if the herder answers within `timeout`.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn is_ready(&self, timeout: Duration) -> Result<bool, HerderError> {
        self.ask_within(timeout, Request::IsReady).await
    }

    /// Stops all tasks and connectors and waits until they have stopped or their time is over.
    ///
    /// # Errors
    /// [`HerderError::Stopping`] if the herder has ended already.
    pub async fn stop(&self) -> Result<(), HerderError> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::Stop(reply))
            .await
            .map_err(|_| HerderError::Stopping)?;
        answer.await.map_err(|_| HerderError::Stopping)
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, HerderError> {
        self.ask_within(REQUEST_TIMEOUT, request).await
    }

    async fn ask_within<T>(
        &self,
        timeout: Duration,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, HerderError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.requests
                .send(request(reply))
                .await
                .map_err(|_| HerderError::Stopping)?;
            answer.await.map_err(|_| HerderError::Stopping)
        };
        tokio::time::timeout(timeout, asked)
            .await
            .unwrap_or_else(|_| Err(HerderError::TimedOut(self.stage())))
    }
}
