//! One consumer group's membership as a machine: requests and the time go in, answers come out.
//! It owns no socket, clock or randomness; the `coordinator` drives it.
//!
//! The classic protocol: members join, the joiners get a generation, the leader's assignment is
//! handed out at sync, heartbeats keep members alive. Split by event: [`join`], [`sync`],
//! [`membership`] (heartbeat, leave, commit) and [`rebalance`] (what those lead to).
//!
//! # Source
//! `org.apache.kafka.coordinator.group.classic.ClassicGroup` and `GroupMetadataManager`;
//! KIP-62 (rebalance timeout), KIP-345 (static members), KIP-394 (member id required),
//! KIP-559 (protocol in sync), KIP-814 (static leader skips the assignment).

pub(crate) mod join;
pub(crate) mod membership;
pub(crate) mod rebalance;
pub(crate) mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use join::JoinAnswer;
use sync::SyncAnswer;

/// A request that is answered later; the driver knows who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token(pub(crate) u64);

/// An answer that became ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Joined(Token, JoinAnswer),
    Synced(Token, SyncAnswer),
}

/// What bounds a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupLimits {
    pub(crate) members_max: usize,
    pub(crate) initial_delay: Duration,
    pub(crate) session_timeout_min: Duration,
    pub(crate) session_timeout_max: Duration,
}

/// Where a group is between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No members.
    Empty,
    /// Waiting for all members to join.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// Every member may have its assignment.
    Stable,
}

impl Phase {
    /// The state's name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// One consumer group.
#[derive(Debug)]
pub(crate) struct Group {
    limits: GroupLimits,
    phase: Phase,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Ids given out with `MemberIdRequired` that have not come back yet, and until when they may.
    pending: BTreeMap<String, Instant>,
    /// Member id of each static member's instance id.
    statics: BTreeMap<String, String>,
    join_deadline: Option<Instant>,
    /// Set while a new group collects its first members.
    initial_wait: Option<InitialWait>,
    sync_deadline: Option<Instant>,
}

#[derive(Debug)]
struct InitialWait {
    until_at_most: Instant,
    member_added: bool,
}

/// One member, seen by the group and by those who describe it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    session_timeout: Duration,
    rebalance_timeout: Duration,
    session_deadline: Instant,
    awaiting_join: Option<Token>,
    awaiting_sync: Option<Token>,
    synced: bool,
}

impl Member {
    /// What the member sent for `protocol`.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }

    fn touch(&mut self, now: Instant) {
        self.session_deadline = now + self.session_timeout;
    }

    /// A member whose request is being held cannot send heartbeats.
    fn is_held(&self) -> bool {
        self.awaiting_join.is_some() || self.awaiting_sync.is_some()
    }
}

impl Group {
    pub(crate) fn new(limits: GroupLimits) -> Self {
        Self {
            limits,
            phase: Phase::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            statics: BTreeMap::new(),
            join_deadline: None,
            initial_wait: None,
            sync_deadline: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    pub(crate) fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// Whether nothing would be lost by forgetting the group's membership.
    pub(crate) fn is_vacant(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    /// When [`Self::on_tick`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self
            .members
            .values()
            .filter(|m| !m.is_held())
            .map(|member| member.session_deadline);
        sessions
            .chain(self.pending.values().copied())
            .chain(self.join_deadline)
            .chain(self.sync_deadline)
            .min()
    }

    /// Time has passed: expire members and finish waits.
    pub(crate) fn on_tick(&mut self, now: Instant) -> Vec<Reply> {
        let mut replies = Vec::new();
        let pending_before = self.pending.len();
        self.pending.retain(|_, until| *until > now);
        if self.pending.len() < pending_before {
            self.try_complete_join(now, &mut replies);
        }
        let expired: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| !member.is_held() && member.session_deadline <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in expired {
            self.remove_member(&id, now, &mut replies);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now) {
            self.expire_unsynced(now, &mut replies);
        }
        if self.join_deadline.is_some_and(|deadline| deadline <= now) {
            self.on_join_deadline(now, &mut replies);
        }
        replies
    }

    /// The error for a request of an unknown or outdated member, if any.
    fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance_id) = instance_id {
            return match self.statics.get(instance_id) {
                None => Err(ResponseError::UnknownMemberId),
                Some(current) if current != member_id => Err(ResponseError::FencedInstanceId),
                Some(_) => Ok(()),
            };
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    /// Protocols that every member supports, `except` aside.
    fn common_protocols(&self, except: Option<&str>) -> Option<BTreeSet<&str>> {
        let mut others = self
            .members
            .iter()
            .filter(|(id, _)| Some(id.as_str()) != except);
        let (_, first) = others.next()?;
        let mut common: BTreeSet<&str> = first
            .protocols
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        for (_, member) in others {
            common.retain(|name| member.protocols.iter().any(|(other, _)| other == name));
        }
        Some(common)
    }
}

#[cfg(test)]
mod tests;
