//! What a herder goes by, from the worker's settings.

use std::sync::Arc;
use std::time::Duration;

use crate::config::SignatureConfig;
use crate::membership::protocol::ConnectProtocol;

/// What holds for every worker.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What statuses call this worker.
    pub worker_id: Arc<str>,
    /// How long tasks may take to stop (`task.shutdown.graceful.timeout.ms`).
    pub task_stop_timeout: Duration,
    /// Whether the topics that connectors use are tracked (`topic.tracking.enable`).
    pub tracks_topics: bool,
    /// Whether users may have them forgotten (`topic.tracking.allow.reset`).
    pub resets_topics: bool,
    /// What holds in a cluster; `None` for a worker that is alone.
    pub cluster: Option<ClusterRules>,
}

/// What holds for a worker of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterRules {
    /// Where other workers reach this one, with a slash at the end.
    pub url: Arc<str>,
    /// How rebalances are done (`connect.protocol`).
    pub protocol: ConnectProtocol,
    /// How long a worker that left is waited for (`scheduled.rebalance.max.delay.ms`).
    pub rebalance_delay_max: Duration,
    /// How long the config topic may take to be read (`worker.sync.timeout.ms`).
    pub sync_timeout: Duration,
    /// How long a worker stays out that could not read it (`worker.unsync.backoff.ms`).
    pub unsync_backoff: Duration,
    /// Whether sources are exactly once (`exactly.once.source.support=enabled`).
    pub gives_exactly_once: bool,
    /// Whether what only leaders write to the config topic is written in transactions
    /// (`exactly.once.source.support=preparing` or `enabled`).
    pub has_transactional_leader: bool,
    /// How workers sign what they ask of each other.
    pub signatures: SignatureConfig,
}
