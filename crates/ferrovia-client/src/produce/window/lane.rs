//! One partition's batches: those that wait, and the sequence numbers of those on their way.
//!
//! # Source
//! `org.apache.kafka.clients.producer.internals.TxnPartitionEntry`. There an epoch belongs to the
//! whole producer, here to a partition, as it does at the brokers while no transaction is involved.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{Batch, Numbering, REMEMBERED_BATCHES};
use crate::net::backoff::Backoff;
use crate::produce::error::ProduceError;
use crate::produce::stamp::{ProducerIdentity, Stamp, sequence_after};

#[derive(Debug)]
pub(super) struct Lane<T> {
    /// In order; batches that have left before and are to go again come first.
    pub(super) waiting: VecDeque<Batch<T>>,
    /// Batches in requests without an answer: their numbers, and how many were stamped before them.
    pub(super) on_the_way: BTreeMap<u64, u64>,
    pub(super) not_before: Option<Instant>,
    pub(super) backoff: Backoff,
    /// What the partition's batches failed with last, since one went through.
    pub(super) trouble: Option<ProduceError>,
    /// How often a batch was divided.
    pub(super) divisions: u64,
    /// Whom the partition's batches come from; `None` until one has left.
    pub(super) identity: Option<ProducerIdentity>,
    next_sequence: i32,
    /// Batches that were given a sequence number.
    stamped: u64,
    /// The sequence number behind the newest acknowledged record.
    acknowledged: i32,
    /// Whether the leader has taken a batch with these numbers. One that knows nothing of a producer
    /// takes any number for the first, so until then only one batch is on its way.
    is_known: bool,
    /// A batch that had left was given up. Until it is clear whether it is in the log, no new
    /// number is given out.
    pub(super) is_unresolved: bool,
    /// The log has a gap: the partition starts over when nothing is on its way any more.
    pub(super) has_gap: bool,
}

impl<T> Lane<T> {
    pub(super) fn new(retry_backoff: Duration, retry_backoff_max: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            on_the_way: BTreeMap::new(),
            not_before: None,
            backoff: Backoff::new(retry_backoff, retry_backoff_max),
            trouble: None,
            divisions: 0,
            identity: None,
            next_sequence: 0,
            stamped: 0,
            acknowledged: 0,
            is_known: false,
            is_unresolved: false,
            has_gap: false,
        }
    }

    /// Whether the first waiting batch may leave now.
    pub(super) fn may_depart(
        &self,
        numbering: Numbering,
        newest: Option<ProducerIdentity>,
        limit: usize,
        now: Instant,
    ) -> bool {
        let Some(first) = self.waiting.front() else {
            return false;
        };
        let is_first_try = numbering != Numbering::None && !self.is_known;
        let limit = if is_first_try { 1 } else { limit };
        if self.not_before.is_some_and(|at| at > now) || self.on_the_way.len() >= limit {
            return false;
        }
        if numbering == Numbering::None {
            return true;
        }
        if first.stamp.is_some() {
            // Of batches that go again only the oldest one does, until it is settled.
            return !self.has_gap && self.is_oldest(first.number);
        }
        // The leader has to remember the oldest batch when that goes again.
        let oldest = self.on_the_way.values().next();
        if oldest.is_some_and(|before| self.stamped - before >= REMEMBERED_BATCHES) {
            return false;
        }
        !self.is_unresolved && !self.has_gap && self.identity_for_new(newest).is_some()
    }

    /// The identity for a batch that has none. One that replaces the partition's own has to wait
    /// until nothing is on its way, or batches of both could be mixed up.
    fn identity_for_new(&self, newest: Option<ProducerIdentity>) -> Option<ProducerIdentity> {
        match (self.identity, newest) {
            (Some(own), Some(newest)) if own.id != newest.id => {
                self.on_the_way.is_empty().then_some(newest)
            }
            (own, newest) => own.or(newest),
        }
    }

    /// Takes out the first batch, with its number in it.
    pub(super) fn depart(
        &mut self,
        numbering: Numbering,
        newest: Option<ProducerIdentity>,
    ) -> Option<Batch<T>> {
        let needs_stamp = numbering != Numbering::None && self.waiting.front()?.stamp.is_none();
        let identity = if needs_stamp {
            Some(self.identity_for_new(newest)?)
        } else {
            None
        };
        let mut batch = self.waiting.pop_front()?;
        if let Some(identity) = identity {
            if self.identity.is_none_or(|own| own.id != identity.id) {
                self.start_over(Some(identity));
            }
            let mark = Stamp {
                identity,
                base_sequence: self.next_sequence,
                is_transactional: numbering == Numbering::Transactional,
            };
            self.next_sequence = sequence_after(self.next_sequence, batch.unsettled_records());
            batch.order = self.stamped;
            self.stamped += 1;
            batch.mark(mark);
        }
        batch.attempts = batch.attempts.saturating_add(1);
        self.on_the_way.insert(batch.number, batch.order);
        Some(batch)
    }

    /// Puts a batch back to where it came from.
    pub(super) fn take_back(&mut self, batch: Batch<T>) {
        let place = self
            .waiting
            .partition_point(|other| other.number < batch.number);
        self.waiting.insert(place, batch);
    }

    /// Whether no unsettled batch is older.
    pub(super) fn is_oldest(&self, number: u64) -> bool {
        let older_waits = self.waiting.front().is_some_and(|it| it.number < number);
        let gone = self.on_the_way.keys().next();
        let older_is_gone = gone.is_some_and(|it| *it < number);
        !older_waits && !older_is_gone
    }

    /// Notes that what left of a batch is in the log. Answers may come out of order, after a loss.
    pub(super) fn acknowledge(&mut self, batch: &Batch<T>) {
        if let Some(mark) = batch.stamp {
            self.is_known = true;
            let end = sequence_after(mark.base_sequence, batch.records);
            // Sequence numbers wrap, so which one is ahead shows in their distance.
            let ahead = end.wrapping_sub(self.acknowledged) & i32::MAX;
            if ahead < SEQUENCES_APART_MAX {
                self.acknowledged = end;
            }
        }
    }

    /// Looks whether what is known by now shows a gap, and starts over if there is one.
    /// Tells whether a new producer id is needed for that.
    pub(super) fn resolve(&mut self) -> bool {
        let has_sent_ones = self.waiting.front().is_some_and(|it| it.stamp.is_some());
        if !self.on_the_way.is_empty() {
            return false;
        }
        if self.is_unresolved && !has_sent_ones {
            self.is_unresolved = false;
            self.has_gap |= self.acknowledged != self.next_sequence;
        }
        if !self.has_gap {
            return false;
        }
        let Some(own) = self.identity else {
            return false;
        };
        let next = own
            .epoch
            .checked_add(1)
            .map(|epoch| ProducerIdentity { epoch, ..own });
        self.start_over(next);
        next.is_none()
    }

    /// Numbers begin at 0 again, also those of batches that are to go again.
    fn start_over(&mut self, identity: Option<ProducerIdentity>) {
        self.identity = identity;
        self.next_sequence = 0;
        self.acknowledged = 0;
        self.is_known = false;
        self.is_unresolved = false;
        self.has_gap = false;
        for batch in &mut self.waiting {
            batch.stamp = None;
        }
    }
}

/// Unsettled records are far fewer than this, so a larger distance is one backwards.
const SEQUENCES_APART_MAX: i32 = 1 << 30;
