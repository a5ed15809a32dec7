//! What users ask of the herder, and its answers. REST and the command line use nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::validation::{ConfigInfos, GivenSettings, KeyInfo};
use crate::config::ConnectorFile;
use crate::plugins::Plugin;
use crate::status::{Status, TaskId};

/// Requests that wait for the herder. Whoever comes when so many wait, waits too.
pub const REQUESTS_MAX: usize = 256;
/// How long an answer may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// Which way a connector copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectorKind {
    /// From Kafka.
    Sink,
    /// To Kafka.
    Source,
}

impl ConnectorKind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
        }
    }
}

/// A connector as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Its settings as written.
    pub config: BTreeMap<String, String>,
    /// Its tasks by number.
    pub tasks: Vec<TaskId>,
    /// Which way it copies.
    pub kind: ConnectorKind,
}

/// A task as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Which one.
    pub id: TaskId,
    /// Its settings.
    pub config: BTreeMap<String, String>,
}

/// How a connector and its tasks are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The connector's own status.
    pub connector: Status,
    /// Those of its tasks by number.
    pub tasks: Vec<(TaskId, Status)>,
    /// Which way it copies.
    pub kind: ConnectorKind,
}

/// All that is shown about one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorOverview {
    /// What is configured.
    pub info: ConnectorInfo,
    /// How it is doing, once that is known.
    pub status: Option<ConnectorStatus>,
}

/// Why a request is refused. The texts are Java's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HerderError {
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// What is to be made exists.
    #[error("{0}")]
    AlreadyExists(String),
    /// Settings cannot be read at all.
    #[error("{0}")]
    Config(String),
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
    /// The worker is about to end.
    #[error("The worker is shutting down")]
    Stopping,
    /// No answer came in time.
    #[error("Request timed out")]
    TimedOut,
}

impl HerderError {
    /// Settings cannot be read for this reason.
    pub fn config(reason: impl ToString) -> Self {
        Self::Config(reason.to_string())
    }

    /// The same with another text, where it has one of its own.
    #[must_use]
    pub fn map_text(self, map: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::NotFound(text) => Self::NotFound(map(&text)),
            Self::BadRequest(text) => Self::BadRequest(map(&text)),
            Self::AlreadyExists(text) => Self::AlreadyExists(map(&text)),
            Self::Config(text) => Self::Config(map(&text)),
            Self::Failed(text) => Self::Failed(map(&text)),
            Self::Stopping | Self::TimedOut => self,
        }
    }
}

pub(super) type Reply<T> = oneshot::Sender<T>;

/// A request with the way back for its answer.
#[derive(Debug)]
pub(super) enum Request {
    Overview(Reply<Vec<ConnectorOverview>>),
    Info(String, Reply<Result<ConnectorInfo, HerderError>>),
    Tasks(String, Reply<Result<Vec<TaskInfo>, HerderError>>),
    Status(String, Reply<Result<ConnectorStatus, HerderError>>),
    TaskStatus(TaskId, Reply<Option<Status>>),
    Create(ConnectorFile, Reply<Result<ConnectorInfo, HerderError>>),
    Plugins(Reply<Vec<Plugin>>),
    PluginConfig(String, String, Reply<Result<Vec<KeyInfo>, HerderError>>),
    Validate(GivenSettings, Reply<Result<ConfigInfos, HerderError>>),
    Ready(Reply<()>),
    IsReady(Reply<bool>),
    Stop(Reply<()>),
}

/// Sends requests to the herder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HerderHandle {
    requests: mpsc::Sender<Request>,
}

impl HerderHandle {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Request>) {
        let (requests, queue) = mpsc::channel(REQUESTS_MAX);
        (Self { requests }, queue)
    }

    /// All connectors by name.
    ///
    /// # Errors
    /// [`HerderError::Stopping`] or [`HerderError::TimedOut`], as with every request.
    pub async fn overview(&self) -> Result<Vec<ConnectorOverview>, HerderError> {
        self.ask(Request::Overview, REQUEST_TIMEOUT).await
    }

    /// One connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where there is no such connector.
    pub async fn info(&self, name: &str) -> Result<ConnectorInfo, HerderError> {
        self.ask(
            |reply| Request::Info(name.to_owned(), reply),
            REQUEST_TIMEOUT,
        )
        .await?
    }

    /// The tasks of one connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where there is no such connector.
    pub async fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, HerderError> {
        self.ask(
            |reply| Request::Tasks(name.to_owned(), reply),
            REQUEST_TIMEOUT,
        )
        .await?
    }

    /// How a connector is doing.
    ///
    /// # Errors
    /// [`HerderError::NotFound`] where nothing is known of such a connector.
    pub async fn status(&self, name: &str) -> Result<ConnectorStatus, HerderError> {
        self.ask(
            |reply| Request::Status(name.to_owned(), reply),
            REQUEST_TIMEOUT,
        )
        .await?
    }

    /// How a task is doing; `None` where nothing is known of it.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn task_status(&self, id: TaskId) -> Result<Option<Status>, HerderError> {
        self.ask(|reply| Request::TaskStatus(id, reply), REQUEST_TIMEOUT)
            .await
    }

    /// Makes a connector and waits until its tasks were begun.
    ///
    /// # Errors
    /// Any but [`HerderError::NotFound`]: the settings are bad, the name is taken, or the connector does not start.
    pub async fn create(&self, file: ConnectorFile) -> Result<ConnectorInfo, HerderError> {
        self.ask(|reply| Request::Create(file, reply), REQUEST_TIMEOUT)
            .await?
    }

    /// All plugins, by kind and class.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn plugins(&self) -> Result<Vec<Plugin>, HerderError> {
        self.ask(Request::Plugins, REQUEST_TIMEOUT).await
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
        self.ask(request, REQUEST_TIMEOUT).await?
    }

    /// All about a connector's settings, without making it.
    ///
    /// # Errors
    /// See [`validate`](super::ConnectorValidator::validate).
    pub async fn validate(&self, settings: GivenSettings) -> Result<ConfigInfos, HerderError> {
        self.ask(|reply| Request::Validate(settings, reply), REQUEST_TIMEOUT)
            .await?
    }

    /// Says that all connectors of the command line exist: from now on the worker is healthy.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn ready(&self) -> Result<(), HerderError> {
        self.ask(Request::Ready, REQUEST_TIMEOUT).await
    }

    /// Whether the worker has come up, if the herder answers within `timeout`.
    ///
    /// # Errors
    /// As [`overview`](Self::overview).
    pub async fn is_ready(&self, timeout: Duration) -> Result<bool, HerderError> {
        self.ask(Request::IsReady, timeout).await
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

    async fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> Request,
        timeout: Duration,
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
            .unwrap_or(Err(HerderError::TimedOut))
    }
}
