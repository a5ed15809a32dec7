//! Errors of the client, each with its policy: retry, look around again, or give up.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Why a request did not get a good answer. Cheap to clone, as one lost connection fails many calls.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientError {
    /// The name in an address has no IP address. Someone may have to correct a name.
    #[error("cannot resolve {address} ({reason})")]
    Resolve {
        /// `host:port` as it was given.
        address: Arc<str>,
        /// What the resolver said.
        reason: Arc<str>,
    },
    /// No connection could be made to any of the address's IP addresses.
    #[error("cannot reach {address} ({reason})")]
    Connect {
        /// `host:port` as it was given.
        address: Arc<str>,
        /// What the last attempt ended with.
        reason: Arc<str>,
    },
    /// The connection ended before the answer was there.
    #[error("connection to {address} closed: {reason}")]
    Closed {
        /// The broker.
        address: Arc<str>,
        /// Who ended it and why.
        reason: CloseReason,
    },
    /// As many requests as a connection takes wait for their answers.
    #[error("{address} has {limit} requests to answer before this one")]
    Busy {
        /// The broker.
        address: Arc<str>,
        /// Open requests.
        limit: usize,
    },
    /// The whole answer was not there in time.
    #[error("{api} to {address} not answered within {} ms", timeout.as_millis())]
    Timeout {
        /// The request.
        api: &'static str,
        /// The broker.
        address: Arc<str>,
        /// How long the client waited.
        timeout: Duration,
    },
    /// Broker and client have no version of the request in common.
    #[error("{address} offers {api} {}, this client speaks {} to {}", range_text(*offered), spoken.0, spoken.1)]
    NoCommonVersion {
        /// The request.
        api: &'static str,
        /// The broker.
        address: Arc<str>,
        /// Oldest and newest version of the broker, if it knows the request at all.
        offered: Option<(i16, i16)>,
        /// Oldest and newest version of this client.
        spoken: (i16, i16),
    },
    /// The answer is not what the protocol prescribes.
    #[error("malformed {api} v{version} response from {address}: {reason}")]
    Malformed {
        /// The request.
        api: &'static str,
        /// The version in use.
        version: i16,
        /// The broker.
        address: Arc<str>,
        /// The field that is wrong, and how.
        reason: Arc<str>,
    },
    /// The request has no encoding: a mistake of this client or an over-long text.
    #[error("cannot encode {api} v{version}: {reason}")]
    Encode {
        /// The request.
        api: &'static str,
        /// The version in use.
        version: i16,
        /// The field that does not fit.
        reason: Arc<str>,
    },
    /// The broker refused the request.
    #[error("{api} refused by {address}: {code}{}", detail_text(detail.as_deref()))]
    Refused {
        /// The request.
        api: &'static str,
        /// The broker.
        address: Arc<str>,
        /// Kafka's error code.
        code: ErrorCode,
        /// The broker's own words, where it sent some.
        detail: Option<Arc<str>>,
    },
    /// The broker refused one partition of a request.
    #[error("{api} refused for {partition}: {code}")]
    PartitionRefused {
        /// The request.
        api: &'static str,
        /// The partition.
        partition: TopicPartition,
        /// Kafka's error code.
        code: ErrorCode,
    },
    /// The metadata names no leader for the partition (yet).
    #[error("no leader known for {partition}")]
    NoLeader {
        /// The partition.
        partition: TopicPartition,
    },
    /// The metadata does not name this broker (any more).
    #[error("broker {node_id} is not in the cluster's metadata")]
    UnknownNode {
        /// The broker's id.
        node_id: i32,
    },
    /// No broker could be reached. Holds the last reason.
    #[error("no broker is reachable, the last one tried said: {last}")]
    NoBroker {
        /// The last attempt's error.
        last: Arc<str>,
    },
    /// The operation's own time limit passed; `last` is what stood in the way.
    #[error("{operation} gave up after {} ms: {last}", timeout.as_millis())]
    GaveUp {
        /// What was tried.
        operation: &'static str,
        /// For how long.
        timeout: Duration,
        /// The last attempt's error.
        last: Arc<str>,
    },
}

impl ClientError {
    /// Whether the same request may succeed later, perhaps on another connection or broker.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Closed { .. }
            | Self::Busy { .. }
            | Self::Timeout { .. }
            | Self::NoLeader { .. }
            | Self::UnknownNode { .. }
            | Self::NoBroker { .. } => true,
            Self::Refused { code, .. } | Self::PartitionRefused { code, .. } => code.is_retriable(),
            Self::NoCommonVersion { .. }
            | Self::Malformed { .. }
            | Self::Encode { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// The error code, where a broker sent one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } | Self::PartitionRefused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the connection is of no further use.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        matches!(
            self,
            Self::Resolve { .. }
                | Self::Connect { .. }
                | Self::Closed { .. }
                | Self::Timeout { .. }
                | Self::UnknownNode { .. }
                | Self::NoBroker { .. }
        )
    }
}

/// Who ended a connection and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The broker closed it.
    #[error("the broker closed it")]
    ByPeer,
    /// The operating system reported a fault.
    #[error("{0}")]
    Io(Arc<str>),
    /// Nothing was sent for `connections.max.idle.ms`.
    #[error("idle for too long")]
    Idle,
    /// An answer was overdue; nothing behind it can arrive either.
    #[error("{api} was not answered in time")]
    Overdue {
        /// The overdue request.
        api: &'static str,
    },
    /// The peer announced a frame that cannot be one.
    #[error("it announced a frame of {length} bytes (the limit is {limit}){hint}")]
    FrameLength {
        /// The announced length.
        length: i32,
        /// The largest frame this client takes.
        limit: usize,
        /// What the peer may be instead of a Kafka broker.
        hint: &'static str,
    },
    /// The answer belongs to another request, or to none.
    #[error("answer {received} came where {} was due", due_text(*expected))]
    Correlation {
        /// The id in the answer.
        received: i32,
        /// The id of the oldest open request.
        expected: Option<i32>,
    },
    /// The last handle went away, or the runtime it ran on did.
    #[error("the client dropped it")]
    Dropped,
}

fn range_text(range: Option<(i16, i16)>) -> String {
    match range {
        Some((min, max)) => format!("{min} to {max}"),
        None => "not at all".to_owned(),
    }
}

fn detail_text(detail: Option<&str>) -> String {
    detail.map(|text| format!(": {text}")).unwrap_or_default()
}

fn due_text(expected: Option<i32>) -> String {
    expected.map_or_else(|| "none".to_owned(), |id| id.to_string())
}
