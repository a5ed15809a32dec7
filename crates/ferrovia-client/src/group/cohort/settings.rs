//! What a member needs to know before it joins.

use std::sync::Arc;
use std::time::Duration;

use crate::group::GroupError;
use crate::net::backoff::Backoff;

/// The settings of one membership, named after Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortSettings {
    /// `group.id`.
    pub group_id: Arc<str>,
    /// The kind of group, such as `consumer` or `connect`. Members of different kinds refuse each other.
    pub protocol_type: Arc<str>,
    /// `group.instance.id`: a static member keeps its assignment over a restart (KIP-345).
    pub instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`: silence after which the group goes on without this member.
    pub session_timeout: Duration,
    /// `rebalance.timeout.ms`, of consumers `max.poll.interval.ms`: how long the group waits for this member to
    /// join once a round has begun, and so how long the owner may take to answer.
    pub rebalance_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`.
    pub retry_backoff_max: Duration,
    /// How long a member with an assignment may be without a coordinator before the assignment counts as lost;
    /// `None` leaves that to the session alone. Connect workers use `heartbeat.interval.ms`.
    pub discovery_timeout: Option<Duration>,
}

impl CohortSettings {
    pub(super) fn check(&self) -> Result<(), GroupError> {
        let refuse = |reason: &str| {
            Err(GroupError::Settings {
                reason: reason.to_owned(),
            })
        };
        if self.group_id.is_empty() {
            return refuse("group.id is empty");
        }
        if self.protocol_type.is_empty() {
            return refuse("the protocol type is empty");
        }
        if self.heartbeat_interval >= self.session_timeout {
            return refuse("heartbeat.interval.ms must be lower than session.timeout.ms");
        }
        Ok(())
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_backoff, self.retry_backoff_max)
    }

    /// The coordinator may hold a join back until the last member's rebalance timeout is over.
    pub(super) fn join_timeout(&self) -> Duration {
        self.request_timeout
            .max(self.rebalance_timeout.saturating_add(JOIN_TIMEOUT_LAPSE))
    }
}

/// A timeout in the protocol's milliseconds.
pub(super) fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

/// What Java allows for small delays on top.
const JOIN_TIMEOUT_LAPSE: Duration = Duration::from_secs(5);
