//! Membership: this worker's place among others, and who leads.
//!
//! What happens to it comes in `rounds`; what is done when the config topic cannot be read, in
//! `sync`.
//!
//! # Source
//! `WorkerCoordinator` of Kafka 4.2

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::HerderMachine;
use super::privileges::Privilege;
use super::rules::{ClusterRules, Rules};
use crate::membership::assignor::CooperativeAssignor;
use crate::membership::protocol::{Assignment, ConnectProtocol};
use crate::status::TaskId;
use crate::storage::config::ConfigSnapshot;

/// How often a worker tries to read the config topic before it gives its work up.
///
/// # Source
/// `DistributedHerder.BACKOFF_RETRIES`
pub(super) const BACKOFFS: u32 = 5;

/// This worker's place among others.
#[derive(Debug)]
pub(super) enum Group {
    /// There are no others.
    Alone,
    Member(Box<Member>),
}

/// A worker of a cluster.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) rules: ClusterRules,
    /// The protocol that the group works by.
    pub(super) current: ConnectProtocol,
    /// This member's id; empty while it is in no generation.
    pub(super) member_id: Arc<str>,
    /// The last generation that this member has got an assignment in.
    pub(super) generation: i32,
    /// What this member holds by the last round.
    pub(super) assignment: Option<Assignment>,
    /// Where what runs, as long as this member leads and has not been asked to join again.
    pub(super) owners: Option<Owners>,
    pub(super) assignor: CooperativeAssignor,
    pub(super) stage: Stage,
    /// When the leader wants another round.
    pub(super) scheduled: Option<Duration>,
    pub(super) backoffs_left: u32,
    /// Whether another round was asked for that has not begun.
    pub(super) is_rejoining: bool,
    /// Whether the group waits for this member to join, which has to stop something first.
    pub(super) are_offers_due: bool,
    /// The config offset behind the last record that called for a rebalance.
    pub(super) news_offset: i64,
    pub(super) has_settled_once: bool,
    pub(super) key: KeyState,
    /// Whether it may write as a leader.
    pub(super) privilege: Privilege,
    /// When the session key expires, as far as this leader knows.
    pub(super) next_key_look: Option<Duration>,
}

/// Whether a new session key is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    Known,
    Making,
    /// The last attempt failed; not before this time again.
    Failed(Duration),
}

/// The REST addresses of those who run what.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub(super) connectors: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) tasks: BTreeMap<TaskId, Arc<str>>,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Not asked to join yet, or waiting for the others.
    Joining,
    /// What may be given to others in the next round ends: everything, or what this worker has given up.
    Yielding { is_flushing: bool },
    /// What was revoked ends.
    Revoking {
        given: Assignment,
        is_flushing: bool,
    },
    /// The assignment knows more of the config topic than this worker.
    CatchingUp { until: Duration, rejoins: bool },
    /// Out of the group, because the config topic could not be read.
    Away { until: Duration },
    /// Out of the group, and reading.
    Reading { until: Duration },
    /// Everything that was assigned has been begun.
    Settled,
}

impl Group {
    pub(super) fn new(rules: &Rules) -> Self {
        let Some(rules) = rules.cluster.clone() else {
            return Self::Alone;
        };
        Self::Member(Box::new(Member {
            current: rules.protocol,
            member_id: Arc::from(""),
            generation: -1,
            assignment: None,
            owners: None,
            assignor: CooperativeAssignor::new(rules.rebalance_delay_max),
            stage: Stage::Joining,
            scheduled: None,
            backoffs_left: BACKOFFS,
            is_rejoining: false,
            are_offers_due: false,
            news_offset: ConfigSnapshot::NO_OFFSET,
            has_settled_once: false,
            key: KeyState::Known,
            privilege: Privilege::new(rules.has_transactional_leader),
            next_key_look: None,
            rules,
        }))
    }

    pub(super) fn has_settled_once(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.has_settled_once,
        }
    }

    pub(super) fn is_cooperative(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.current.is_cooperative(),
        }
    }

    /// The generation that statuses carry.
    pub(super) fn generation(&self) -> i32 {
        match self {
            Self::Alone => 0,
            Self::Member(member) => member.generation,
        }
    }

    pub(super) fn is_leader(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.is_leader(),
        }
    }

    pub(super) fn key_written(&mut self) {
        if let Self::Member(member) = self {
            member.key = KeyState::Known;
        }
    }

    pub(super) fn leader_url(&self) -> Option<Arc<str>> {
        let Self::Member(member) = self else {
            return None;
        };
        let assignment = member.assignment.as_ref()?;
        Some(&assignment.leader_url)
            .filter(|url| !url.is_empty())
            .cloned()
    }

    pub(super) fn owner_of_connector(&self, name: &str) -> Option<Arc<str>> {
        self.owners()?.connectors.get(name).cloned()
    }

    pub(super) fn owner_of_task(&self, id: &TaskId) -> Option<Arc<str>> {
        self.owners()?.tasks.get(id).cloned()
    }

    fn owners(&self) -> Option<&Owners> {
        match self {
            Self::Alone => None,
            Self::Member(member) => member.owners.as_ref(),
        }
    }
}

impl Member {
    pub(super) fn is_leader(&self) -> bool {
        let leader = self.assignment.as_ref().map(|held| &held.leader);
        !self.member_id.is_empty() && leader == Some(&self.member_id)
    }

    /// Whether this worker has left the group for a while; what it is still told by then is of before.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.stage, Stage::Away { .. } | Stage::Reading { .. })
    }

    /// Whether this member leads and has left somebody what is not configured any more. A leader that has not seen the
    /// last round, or saw one in which configurations did not match, takes nothing away as deleted (Java's leader stops
    /// there); in the next round it does.
    pub(super) fn has_strays(&self, config: &ConfigSnapshot) -> bool {
        let Some(owners) = self.owners.as_ref().filter(|_| self.is_leader()) else {
            return false;
        };
        let mut connectors = owners.connectors.keys();
        let mut tasks = owners.tasks.keys();
        connectors.any(|name| !config.contains(name)) || tasks.any(|id| !config.has_task(id))
    }

    fn is_settled(&self) -> bool {
        let may_lead = !self.is_leader() || self.privilege.permits();
        matches!(self.stage, Stage::Settled) && !self.is_rejoining && may_lead
    }
}

impl HerderMachine {
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.group, Group::Alone)
    }

    /// Whether it is known who leads and who has what, and nothing is about to change it.
    pub(super) fn is_settled(&self) -> bool {
        let settled = match &self.group {
            Group::Alone => true,
            Group::Member(member) => member.is_settled(),
        };
        settled && self.needs_rebalance.is_none()
    }
}
