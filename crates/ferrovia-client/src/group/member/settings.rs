//! What a member needs to know before it joins.

use std::sync::Arc;
use std::time::Duration;

use crate::group::{Assignor, GroupError};
use crate::net::backoff::Backoff;

/// The settings of one member, named after Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSettings {
    /// `group.id`.
    pub group_id: Arc<str>,
    /// `group.instance.id`: a static member keeps its partitions over a restart (KIP-345).
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`: silence after which the group goes on without this member.
    pub session_timeout: Duration,
    /// `max.poll.interval.ms`: how long the owner may take between two polls, and to revoke partitions.
    pub max_poll_interval: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`.
    pub retry_backoff_max: Duration,
    /// `partition.assignment.strategy`, most wanted first.
    pub assignors: Vec<Assignor>,
    /// `client.rack`.
    pub rack: Option<Arc<str>>,
}

impl MemberSettings {
    pub(super) fn check(&self) -> Result<(), GroupError> {
        let refuse = |reason: &str| {
            Err(GroupError::Settings {
                reason: reason.to_owned(),
            })
        };
        if self.group_id.is_empty() {
            return refuse("group.id is empty");
        }
        if self.assignors.is_empty() {
            return refuse("partition.assignment.strategy names no assignor");
        }
        if self.heartbeat_interval >= self.session_timeout {
            return refuse("heartbeat.interval.ms must be lower than session.timeout.ms");
        }
        Ok(())
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_backoff, self.retry_backoff_max)
    }

    /// The coordinator may hold a join back until the last member's `max.poll.interval.ms` is over.
    pub(super) fn join_timeout(&self) -> Duration {
        self.request_timeout
            .max(self.max_poll_interval.saturating_add(JOIN_TIMEOUT_LAPSE))
    }
}

/// A timeout in the protocol's milliseconds.
pub(super) fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

/// What Java allows for small delays on top.
const JOIN_TIMEOUT_LAPSE: Duration = Duration::from_secs(5);
