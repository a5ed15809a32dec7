//! What users ask of the herder, and its answers. REST and the command line use nothing else, through a
//! [`HerderHandle`](super::HerderHandle).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::validation::GivenSettings;
use crate::config::InitialState;
use crate::status::{Status, TaskId};

/// Which way a connector copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectorKind {
    /// From Kafka.
    Sink,
    /// To Kafka.
    Source,
    /// The class is not known here.
    Unknown,
}

impl ConnectorKind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Unknown => "unknown",
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

/// The topics that a connector's tasks have used since it was made or its list was reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTopics {
    /// The connector.
    pub connector: Arc<str>,
    /// The topics.
    pub topics: BTreeSet<String>,
}

/// Where a connector stands in one partition of what it reads.
///
/// Both are JSON objects: `{"kafka_topic":…,"kafka_partition":…}` and `{"kafka_offset":…}` of sinks, whatever the
/// connector wrote of sources.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorOffset {
    /// The partition; `null` is refused by those who read it.
    pub partition: serde_json::Value,
    /// The offset; `null` where it is to be forgotten.
    pub offset: serde_json::Value,
}

/// Something that users, or other workers, want changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// Make a connector that does not exist.
    Create {
        /// Its name, trimmed.
        name: String,
        /// Its settings as given.
        settings: GivenSettings,
        /// The state to begin in; `None` leaves it to the herder, which lets it run.
        initial_state: Option<InitialState>,
    },
    /// Make a connector, or give it these settings.
    Put {
        /// Its name.
        name: String,
        /// Its settings as given.
        settings: GivenSettings,
    },
    /// Change some settings of a connector; those without a value are removed.
    Patch {
        /// Its name.
        name: String,
        /// The settings.
        patch: GivenSettings,
    },
    /// Remove a connector.
    Delete(String),
    /// Keep the tasks and let them wait.
    Pause(String),
    /// Run again.
    Resume(String),
    /// Remove the tasks and keep the connector.
    Stop(String),
    /// Restart the connector alone, at the worker that has it.
    Restart(String),
    /// Restart the connector, its tasks, or those that failed.
    RestartMany {
        /// The connector.
        name: String,
        /// Only what has failed.
        only_failed: bool,
        /// Tasks too.
        include_tasks: bool,
    },
    /// Restart a task at the worker that has it.
    RestartTask {
        /// The connector.
        connector: String,
        /// The task's number as given; no task has a negative one.
        task: i32,
    },
    /// Forget which topics the connector has used.
    ResetTopics(String),
    /// Set the offsets of a stopped connector.
    AlterOffsets {
        /// The connector.
        name: String,
        /// The offsets.
        offsets: Vec<ConnectorOffset>,
    },
    /// Forget the offsets of a stopped connector.
    ResetOffsets(String),
    /// Another worker made the tasks of its connector.
    PutTasks {
        /// The connector.
        name: String,
        /// The settings of each task.
        tasks: Vec<BTreeMap<String, String>>,
        /// What says that a worker of this cluster asks.
        signature: Signature,
    },
    /// Another worker wants older instances of the connector's tasks to be fenced.
    Fence {
        /// The connector.
        name: String,
        /// What says that a worker of this cluster asks.
        signature: Signature,
    },
    /// Set the level of loggers on all workers.
    LogLevel {
        /// The loggers: a name and all below it.
        namespace: String,
        /// The level's name, in upper case.
        level: String,
    },
}

/// What a worker signs its requests with (KIP-507): the headers as they came, and what they were made for.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// `X-Connect-Authorization`, in base64.
    pub authorization: Option<String>,
    /// `X-Connect-Request-Signature-Algorithm`.
    pub algorithm: Option<String>,
    /// The body that was signed.
    pub body: Vec<u8>,
}

/// What came of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The connector as it is now.
    Connector {
        /// The connector.
        info: ConnectorInfo,
        /// Whether it was made.
        is_new: bool,
    },
    /// What is going to be restarted, and all else as it is.
    Restarting(ConnectorStatus),
    /// A text for the user.
    Message(String),
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
    /// It was tried and refused, and will be refused again.
    #[error("{0}")]
    Refused(String),
    /// It must not be done.
    #[error("{0}")]
    Forbidden(String),
    /// It cannot be done just now.
    #[error("{0}")]
    Conflict(String),
    /// The worker has not come so far yet.
    #[error("{0}")]
    Unavailable(String),
    /// Another worker has to do it.
    #[error("{reason}")]
    Elsewhere {
        /// Why not this one.
        reason: String,
        /// The other worker's REST address, if it is known.
        url: Option<Arc<str>>,
    },
    /// The worker is about to end.
    #[error("The worker is shutting down")]
    Stopping,
    /// No answer came in time.
    #[error("Request timed out{}", .0.as_deref().map(|stage| format!(". {stage}")).unwrap_or_default())]
    TimedOut(
        /// What the worker was busy with, in a sentence.
        Option<String>,
    ),
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
            Self::Refused(text) => Self::Refused(map(&text)),
            Self::Forbidden(text) => Self::Forbidden(map(&text)),
            Self::Conflict(text) => Self::Conflict(map(&text)),
            Self::Unavailable(text) => Self::Unavailable(map(&text)),
            Self::Elsewhere { reason, url } => Self::Elsewhere {
                reason: map(&reason),
                url,
            },
            Self::Stopping | Self::TimedOut(_) => self,
        }
    }
}
