//! From one generation to the next: collecting the members, choosing the protocol, and removing
//! those who did not come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::join::{JoinAnswer, JoinedMember};
use super::sync::SyncAnswer;
use super::{Group, InitialWait, Phase, Reply};

impl Group {
    /// Starts collecting members for a new generation, or goes on doing so.
    pub(super) fn prepare_rebalance(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        if self.phase != Phase::PreparingRebalance {
            self.release_syncs(ResponseError::RebalanceInProgress, replies);
            let first_generation = self.phase == Phase::Empty;
            self.phase = Phase::PreparingRebalance;
            self.sync_deadline = None;
            self.join_deadline = Some(now + self.rebalance_timeout());
            if first_generation && !self.limits.initial_delay.is_zero() {
                self.initial_wait = Some(InitialWait {
                    until_at_most: now + self.rebalance_timeout(),
                    member_added: false,
                });
                self.join_deadline = Some(now + self.limits.initial_delay);
            }
        }
        self.try_complete_join(now, replies);
    }

    /// Ends the wait early once everybody is here.
    pub(super) fn try_complete_join(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        let complete = self.phase == Phase::PreparingRebalance
            && self.initial_wait.is_none()
            && self.pending.is_empty()
            && self
                .members
                .values()
                .all(|member| member.awaiting_join.is_some());
        if complete {
            self.complete_join(now, replies);
        }
    }

    pub(super) fn on_join_deadline(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        if let Some(wait) = &mut self.initial_wait {
            let left = wait.until_at_most.saturating_duration_since(now);
            if wait.member_added && !left.is_zero() {
                wait.member_added = false;
                self.join_deadline = Some(now + left.min(self.limits.initial_delay));
                return;
            }
        }
        self.complete_join(now, replies);
    }

    fn complete_join(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        self.initial_wait = None;
        self.join_deadline = None;
        // Static members keep their place until their session ends, whether they rejoined or not.
        self.members
            .retain(|_, m| m.awaiting_join.is_some() || m.instance_id.is_some());
        if !self.members.is_empty() && self.members.values().all(|m| m.awaiting_join.is_none()) {
            self.join_deadline = Some(now + self.rebalance_timeout());
            return;
        }
        self.elect_leader();
        self.generation = self.generation.wrapping_add(1).max(1);
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.protocol = None;
            return;
        }
        self.phase = Phase::CompletingRebalance;
        self.protocol = self.select_protocol();
        self.sync_deadline = Some(now + self.rebalance_timeout());
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.assignment = Bytes::new();
            member.synced = false;
            let Some(token) = member.awaiting_join.take() else {
                continue;
            };
            member.touch(now);
            replies.push(Reply::Joined(token, self.joined(&id)));
        }
    }

    /// The leader stays if it joined; otherwise the first member who did takes over.
    fn elect_leader(&mut self) {
        let joined = |id: &String| {
            self.members
                .get(id)
                .is_some_and(|m| m.awaiting_join.is_some())
        };
        if !self.leader.as_ref().is_some_and(joined) {
            self.leader = self.members.keys().find(|id| joined(id)).cloned();
        }
    }

    /// The answer that tells `id` about the current generation.
    pub(super) fn joined(&self, id: &str) -> JoinAnswer {
        let is_leader = self.leader.as_deref() == Some(id);
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|(member_id, member)| JoinedMember {
            id: member_id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(protocol),
        });
        JoinAnswer {
            error: None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            member_id: id.to_owned(),
            members: if is_leader {
                members.collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Each member votes for the protocol it likes best among those that all support.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let common = self.common_protocols(None)?;
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member
                .protocols
                .iter()
                .find(|(name, _)| common.contains(name.as_str()));
            if let Some((name, _)) = choice {
                *votes.entry(name).or_default() += 1;
            }
        }
        let winner = votes.into_iter().max_by_key(|(_, count)| *count);
        winner.map(|(name, _)| name.to_owned())
    }

    /// Takes a member out of the group and rebalances the rest.
    pub(super) fn remove_member(&mut self, id: &str, now: Instant, replies: &mut Vec<Reply>) {
        if !self.forget_member(id, replies) {
            return;
        }
        match self.phase {
            Phase::Stable | Phase::CompletingRebalance => self.prepare_rebalance(now, replies),
            Phase::PreparingRebalance => self.try_complete_join(now, replies),
            Phase::Empty => {}
        }
    }

    fn forget_member(&mut self, id: &str, replies: &mut Vec<Reply>) -> bool {
        let Some(member) = self.members.remove(id) else {
            return false;
        };
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        if let Some(token) = member.awaiting_join {
            let answer = JoinAnswer::refused(ResponseError::UnknownMemberId, id);
            replies.push(Reply::Joined(token, answer));
        }
        if let Some(token) = member.awaiting_sync {
            let answer = SyncAnswer::refused(ResponseError::UnknownMemberId);
            replies.push(Reply::Synced(token, answer));
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        true
    }

    /// Members that joined the generation but never asked for their assignment are gone.
    pub(super) fn expire_unsynced(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        self.sync_deadline = None;
        let late: Vec<String> = self
            .members
            .iter()
            .filter(|(_, m)| !m.synced)
            .map(|(id, _)| id.clone())
            .collect();
        let mut removed = false;
        for id in late {
            removed |= self.forget_member(&id, replies);
        }
        if removed {
            self.prepare_rebalance(now, replies);
        }
    }

    fn release_syncs(&mut self, error: ResponseError, replies: &mut Vec<Reply>) {
        for member in self.members.values_mut() {
            if let Some(token) = member.awaiting_sync.take() {
                replies.push(Reply::Synced(token, SyncAnswer::refused(error)));
            }
        }
    }

    fn rebalance_timeout(&self) -> Duration {
        self.members
            .values()
            .map(|m| m.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }
}
