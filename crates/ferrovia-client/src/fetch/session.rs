//! A fetch session: what a broker remembers of our requests, so that each need only name what changed.
//!
//! # Source
//! KIP-227; `org.apache.kafka.clients.FetchSessionHandler`

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::TopicPartition;

/// What is asked of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionAsk {
    /// The topic's id, nil where it is unknown.
    pub topic_id: Uuid,
    /// The first offset wanted.
    pub offset: i64,
    /// The leader epoch that we know, or -1.
    pub leader_epoch: i32,
    /// The epoch of the record before `offset`, or -1.
    pub fetched_epoch: i32,
    /// The most bytes wanted of this partition.
    pub bytes_max: i32,
}

/// One request of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRequest {
    /// The session, 0 to open one.
    pub session_id: i32,
    /// The request's number in the session, 0 to open one.
    pub session_epoch: i32,
    /// Partitions that are new or ask for something else than before.
    pub changed: Vec<(TopicPartition, PartitionAsk)>,
    /// Partitions that are no longer wanted.
    pub forgotten: Vec<(TopicPartition, Uuid)>,
}

/// The session with one broker.
#[derive(Debug, Default)]
pub struct FetchSession {
    id: i32,
    epoch: i32,
    known: BTreeMap<TopicPartition, PartitionAsk>,
}

impl FetchSession {
    /// The request that makes the broker's view equal to `wanted`.
    pub fn request(&mut self, wanted: BTreeMap<TopicPartition, PartitionAsk>) -> SessionRequest {
        let is_full = self.epoch == 0;
        let forgotten = if is_full {
            Vec::new()
        } else {
            self.forgotten(&wanted)
        };
        let changed = wanted
            .iter()
            .filter(|(partition, ask)| is_full || self.known.get(*partition) != Some(*ask))
            .map(|(partition, ask)| (partition.clone(), *ask))
            .collect();
        self.known = wanted;
        SessionRequest {
            session_id: self.id,
            session_epoch: self.epoch,
            changed,
            forgotten,
        }
    }

    /// A partition whose topic has another id now is forgotten under the old one.
    fn forgotten(
        &self,
        wanted: &BTreeMap<TopicPartition, PartitionAsk>,
    ) -> Vec<(TopicPartition, Uuid)> {
        let is_gone = |partition: &TopicPartition, ask: &PartitionAsk| {
            wanted
                .get(partition)
                .is_none_or(|now| now.topic_id != ask.topic_id)
        };
        self.known
            .iter()
            .filter(|(partition, ask)| is_gone(partition, ask))
            .map(|(partition, ask)| (partition.clone(), ask.topic_id))
            .collect()
    }

    /// The broker took the request and answered with this session id; 0 when it keeps no session for us.
    pub fn on_answer(&mut self, session_id: i32) {
        self.id = session_id;
        // What was asked stays known: the answer is about that.
        self.epoch = match session_id {
            0 => 0,
            // After the largest number comes 1: 0 would open a new session.
            _ => self.epoch.checked_add(1).unwrap_or(1),
        };
    }

    /// The session is lost, or a request may have been: begin with a full request.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The partitions that the broker answers for, by the last request.
    pub fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, &PartitionAsk)> {
        self.known.iter()
    }

    /// What the last request asked of `partition`.
    pub fn asked(&self, partition: &TopicPartition) -> Option<&PartitionAsk> {
        self.known.get(partition)
    }
}

#[cfg(test)]
mod tests;
