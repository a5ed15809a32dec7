//! Drives the group machines: gives each held request a token, wakes them on time, delivers their
//! answers, and keeps the committed offsets. Transactions have their own half, in
//! [`transactions`].

pub(crate) mod transactions;

use std::collections::BTreeMap;
use std::time::Instant;

use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

use crate::config::BrokerConfig;
use crate::group::join::{JoinAnswer, JoinRequest};
use crate::group::sync::{SyncAnswer, SyncRequest};
use crate::group::{Group, GroupLimits, Reply, Token};
use crate::journal::{Committed, Entry};
pub(crate) use transactions::{Joining, Transactions};

/// Longest metadata string in an offset commit, as in Kafka (`offset.metadata.max.bytes`).
pub(crate) const METADATA_BYTES_MAX: usize = 4_096;

/// Every consumer group.
#[derive(Debug)]
pub(crate) struct Groups {
    by_id: BTreeMap<String, GroupEntry>,
    waiting: BTreeMap<Token, Waiter>,
    last_token: u64,
    limits: GroupLimits,
    groups_max: usize,
    offsets_max: usize,
}

/// A group's membership and its committed offsets by topic and partition.
#[derive(Debug)]
pub(crate) struct GroupEntry {
    pub(crate) machine: Group,
    pub(crate) offsets: BTreeMap<(String, i32), Committed>,
}

#[derive(Debug)]
enum Waiter {
    Join(oneshot::Sender<JoinAnswer>),
    Sync(oneshot::Sender<SyncAnswer>),
}

impl Groups {
    pub(crate) fn new(config: &BrokerConfig) -> Self {
        Self {
            by_id: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_token: 0,
            limits: GroupLimits {
                members_max: config.group_members_max,
                initial_delay: config.group_initial_rebalance_delay,
                session_timeout_min: config.group_session_timeout_min,
                session_timeout_max: config.group_session_timeout_max,
            },
            groups_max: config.groups_max,
            offsets_max: config.group_offsets_max,
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&GroupEntry> {
        self.by_id.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &GroupEntry)> {
        self.by_id.iter()
    }

    /// Starts a JoinGroup; the receiver gets the answer when the group has one.
    ///
    /// # Errors
    /// The group's name is not valid, or there are too many groups.
    pub(crate) fn join(
        &mut self,
        group: &str,
        request: JoinRequest,
        now: Instant,
    ) -> Result<oneshot::Receiver<JoinAnswer>, ResponseError> {
        let (sender, receiver) = oneshot::channel();
        self.entry(group)?;
        let token = self.wait(Waiter::Join(sender));
        if let Some(entry) = self.by_id.get_mut(group) {
            let replies = entry.machine.on_join(request, token, now);
            self.deliver(replies);
        }
        Ok(receiver)
    }

    /// Starts a SyncGroup; the receiver gets the answer when the assignment is there.
    ///
    /// # Errors
    /// An unknown group.
    pub(crate) fn sync(
        &mut self,
        group: &str,
        request: SyncRequest,
        now: Instant,
    ) -> Result<oneshot::Receiver<SyncAnswer>, ResponseError> {
        let (sender, receiver) = oneshot::channel();
        if !self.by_id.contains_key(group) {
            return Err(ResponseError::UnknownMemberId);
        }
        let token = self.wait(Waiter::Sync(sender));
        if let Some(entry) = self.by_id.get_mut(group) {
            let replies = entry.machine.on_sync(request, token, now);
            self.deliver(replies);
        }
        Ok(receiver)
    }

    /// # Errors
    /// What the member must know.
    pub(crate) fn heartbeat(
        &mut self,
        group: &str,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let entry = self
            .by_id
            .get_mut(group)
            .ok_or(ResponseError::UnknownMemberId)?;
        entry
            .machine
            .on_heartbeat(member_id, instance_id, generation, now)
    }

    /// # Errors
    /// An unknown member or group.
    pub(crate) fn leave(
        &mut self,
        group: &str,
        member_id: &str,
        instance_id: Option<&str>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let entry = self
            .by_id
            .get_mut(group)
            .ok_or(ResponseError::UnknownMemberId)?;
        let mut replies = Vec::new();
        let left = entry
            .machine
            .on_leave(member_id, instance_id, now, &mut replies);
        self.deliver(replies);
        left
    }

    /// Whether this member may commit offsets now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_commit(
        &mut self,
        group: &str,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if generation >= 0 && !self.by_id.contains_key(group) {
            return Err(ResponseError::IllegalGeneration);
        }
        self.entry(group)?
            .machine
            .on_commit(member_id, instance_id, generation, now)
    }

    /// Stores one committed offset.
    ///
    /// # Errors
    /// The metadata is too long, or the group holds too many offsets.
    pub(crate) fn commit(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
        committed: Committed,
    ) -> Result<(), ResponseError> {
        if committed.metadata.len() > METADATA_BYTES_MAX {
            return Err(ResponseError::OffsetMetadataTooLarge);
        }
        let offsets_max = self.offsets_max;
        let offsets = &mut self.entry(group)?.offsets;
        let key = (topic.to_owned(), partition);
        if offsets.len() >= offsets_max && !offsets.contains_key(&key) {
            return Err(ResponseError::PolicyViolation);
        }
        offsets.insert(key, committed);
        Ok(())
    }

    /// Removes a committed offset; false if there was none.
    pub(crate) fn delete_offset(&mut self, group: &str, topic: &str, partition: i32) -> bool {
        let entry = self.by_id.get_mut(group);
        entry.is_some_and(|e| e.offsets.remove(&(topic.to_owned(), partition)).is_some())
    }

    /// Removes what all groups committed for a deleted topic.
    pub(crate) fn forget_topic(&mut self, topic: &str) -> Vec<Entry> {
        let mut deleted = Vec::new();
        for (group, entry) in &mut self.by_id {
            entry.offsets.retain(|(name, partition), _| {
                if name == topic {
                    deleted.push(offset_deleted(group, name, *partition));
                }
                name != topic
            });
        }
        deleted
    }

    /// Removes a group without members.
    ///
    /// # Errors
    /// The group is unknown or has members.
    pub(crate) fn delete(&mut self, group: &str) -> Result<Vec<Entry>, ResponseError> {
        let entry = self
            .by_id
            .get(group)
            .ok_or(ResponseError::GroupIdNotFound)?;
        if !entry.machine.is_vacant() {
            return Err(ResponseError::NonEmptyGroup);
        }
        let removed = self.by_id.remove(group);
        let keys = removed
            .into_iter()
            .flat_map(|entry| entry.offsets.into_keys());
        Ok(keys
            .map(|(topic, partition)| offset_deleted(group, &topic, partition))
            .collect())
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.by_id
            .values()
            .filter_map(|entry| entry.machine.next_deadline())
            .min()
    }

    /// Time has passed. Groups that hold nothing any more are forgotten.
    pub(crate) fn tick(&mut self, now: Instant) {
        let mut replies = Vec::new();
        for entry in self.by_id.values_mut() {
            replies.extend(entry.machine.on_tick(now));
        }
        self.deliver(replies);
        self.by_id
            .retain(|_, entry| !entry.machine.is_vacant() || !entry.offsets.is_empty());
    }

    fn entry(&mut self, group: &str) -> Result<&mut GroupEntry, ResponseError> {
        if group.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        if !self.by_id.contains_key(group) && self.by_id.len() >= self.groups_max {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        Ok(self
            .by_id
            .entry(group.to_owned())
            .or_insert_with(|| GroupEntry {
                machine: Group::new(self.limits.clone()),
                offsets: BTreeMap::new(),
            }))
    }

    fn wait(&mut self, waiter: Waiter) -> Token {
        self.last_token += 1;
        let token = Token(self.last_token);
        self.waiting.insert(token, waiter);
        token
    }

    /// A waiter whose connection is gone just misses its answer; the member's session ends in time.
    fn deliver(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            match reply {
                Reply::Joined(token, answer) => {
                    if let Some(Waiter::Join(sender)) = self.waiting.remove(&token) {
                        let _ = sender.send(answer);
                    }
                }
                Reply::Synced(token, answer) => {
                    if let Some(Waiter::Sync(sender)) = self.waiting.remove(&token) {
                        let _ = sender.send(answer);
                    }
                }
            }
        }
    }
}

pub(crate) fn offset_deleted(group: &str, topic: &str, partition: i32) -> Entry {
    Entry::OffsetDeleted {
        group: group.to_owned(),
        topic: topic.to_owned(),
        partition,
    }
}
