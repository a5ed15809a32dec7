//! What a consumer needs to know before it joins.

use std::sync::Arc;
use std::time::Duration;

use crate::group::cohort::CohortSettings;
use crate::group::{Assignor, GroupError, PROTOCOL_TYPE};

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
        if self.assignors.is_empty() {
            let reason = "partition.assignment.strategy names no assignor".to_owned();
            return Err(GroupError::Settings { reason });
        }
        Ok(())
    }

    /// What of it concerns membership alone.
    pub(super) fn cohort(&self) -> CohortSettings {
        CohortSettings {
            group_id: Arc::clone(&self.group_id),
            protocol_type: Arc::from(PROTOCOL_TYPE),
            instance_id: self.instance_id.clone(),
            session_timeout: self.session_timeout,
            rebalance_timeout: self.max_poll_interval,
            heartbeat_interval: self.heartbeat_interval,
            request_timeout: self.request_timeout,
            retry_backoff: self.retry_backoff,
            retry_backoff_max: self.retry_backoff_max,
            // A consumer may read on without a coordinator for as long as its session lasts.
            discovery_timeout: None,
        }
    }
}
