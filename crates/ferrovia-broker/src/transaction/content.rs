//! What a transaction takes in: partitions, groups, and the offsets committed for them.

use std::time::Instant;

use kafka_protocol::ResponseError;

use super::{Phase, ProducerKey, Transaction};
use crate::journal::Committed;

/// What adding to a transaction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It was in already.
    Already,
    Added {
        /// This was the first: the transaction has begun.
        began: bool,
    },
}

impl Transaction {
    /// The producer is going to write to a partition.
    ///
    /// # Errors
    /// See [`Self::verify`].
    pub(crate) fn on_partition(
        &mut self,
        producer: ProducerKey,
        topic: &str,
        partition: i32,
        now: Instant,
    ) -> Result<Joined, ResponseError> {
        self.check(producer)?;
        let key = (topic.to_owned(), partition);
        if self.is_ongoing() && self.contents.partitions.contains(&key) {
            return Ok(Joined::Already);
        }
        let began = self.begin(now);
        self.contents.partitions.insert(key);
        Ok(Joined::Added { began })
    }

    /// The producer is going to commit offsets of a group.
    ///
    /// # Errors
    /// See [`Self::verify`].
    pub(crate) fn on_group(
        &mut self,
        producer: ProducerKey,
        group: &str,
        now: Instant,
    ) -> Result<Joined, ResponseError> {
        self.check(producer)?;
        if self.is_ongoing() && self.contents.groups.contains(group) {
            return Ok(Joined::Already);
        }
        let began = self.begin(now);
        self.contents.groups.insert(group.to_owned());
        Ok(Joined::Added { began })
    }

    /// Whether the producer may write to a partition.
    ///
    /// # Errors
    /// `InvalidProducerIdMapping` and `ProducerFenced` for anyone but the owner,
    /// `ConcurrentTransactions` while a transaction is ending, `TransactionAbortable` if the
    /// partition has not been added.
    pub(crate) fn verify(
        &self,
        producer: ProducerKey,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        self.check(producer)?;
        let key = (topic.to_owned(), partition);
        self.is_in(self.contents.partitions.contains(&key))
    }

    /// Whether the producer may commit offsets of a group.
    ///
    /// # Errors
    /// See [`Self::verify`].
    pub(crate) fn verify_group(
        &self,
        producer: ProducerKey,
        group: &str,
    ) -> Result<(), ResponseError> {
        self.check(producer)?;
        self.is_in(self.contents.groups.contains(group))
    }

    /// Takes an offset of a group in that has been verified; at most `offsets_max` of them.
    ///
    /// # Errors
    /// `PolicyViolation` above the limit.
    pub(crate) fn on_offset(
        &mut self,
        key: (String, String, i32),
        committed: Committed,
        offsets_max: usize,
    ) -> Result<(), ResponseError> {
        let offsets = &mut self.contents.offsets;
        if offsets.len() >= offsets_max && !offsets.contains_key(&key) {
            return Err(ResponseError::PolicyViolation);
        }
        offsets.insert(key, committed);
        Ok(())
    }

    pub(crate) fn is_ongoing(&self) -> bool {
        self.standing.phase == Phase::Ongoing
    }

    fn is_in(&self, contained: bool) -> Result<(), ResponseError> {
        if self.is_ongoing() && contained {
            Ok(())
        } else {
            Err(ResponseError::TransactionAbortable)
        }
    }

    fn begin(&mut self, now: Instant) -> bool {
        if self.is_ongoing() {
            return false;
        }
        self.standing.phase = Phase::Ongoing;
        self.started = Some(now);
        true
    }
}
