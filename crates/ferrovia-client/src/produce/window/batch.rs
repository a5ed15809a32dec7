//! A batch in the window. One that its leader finds too large is divided: it keeps its place and its
//! sequence numbers, and its parts leave one after another.
//!
//! # Source
//! `org.apache.kafka.clients.producer.internals.ProducerBatch`. There the parts are batches of their
//! own, of which several may be on their way.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use crate::produce::error::ProduceError;
use crate::produce::message::{Part, Produced};
use crate::produce::stamp::{Stamp, record_count, sequence_after, stamp};

/// A batch, or what is left of it, and what its sender wants back with it.
#[derive(Debug)]
pub(in crate::produce) struct Batch<T> {
    /// What goes next: all of it, or the next part.
    pub(in crate::produce) bytes: Bytes,
    /// Records in `bytes`.
    pub(in crate::produce) records: i32,
    pub(in crate::produce) ticket: T,
    /// Its place among all batches.
    pub(super) number: u64,
    pub(super) created: Instant,
    pub(super) attempts: u32,
    /// How many batches of its partition were stamped before it.
    pub(super) order: u64,
    /// What `bytes` left with; kept until the batch is settled or its partition starts over.
    pub(super) stamp: Option<Stamp>,
    /// The place of the first of its records.
    first: i32,
    /// The parts behind `bytes`, with their records.
    rest: VecDeque<(Bytes, i32)>,
    /// What became of the parts before.
    settled: Vec<Part>,
}

impl<T> Batch<T> {
    pub(super) fn new(bytes: Bytes, records: i32, ticket: T, number: u64, now: Instant) -> Self {
        Self {
            bytes,
            records,
            ticket,
            number,
            created: now,
            attempts: 0,
            order: 0,
            stamp: None,
            first: 0,
            rest: VecDeque::new(),
            settled: Vec::new(),
        }
    }

    /// Records whose fate is open.
    pub(super) fn unsettled_records(&self) -> i32 {
        self.rest
            .iter()
            .fold(self.records, |sum, (_, records)| sum + records)
    }

    /// Gives what goes next these numbers.
    pub(super) fn mark(&mut self, mark: Stamp) {
        self.bytes = stamp(std::mem::take(&mut self.bytes), mark);
        self.stamp = Some(mark);
    }

    /// Replaces what was to go next by two parts that have the same records. Neither counts as tried.
    /// Whether they are what they have to be.
    pub(super) fn divide(&mut self, [bytes, second]: [Bytes; 2]) -> bool {
        let (Ok(records), Ok(others)) = (record_count(&bytes), record_count(&second)) else {
            return false;
        };
        if records.checked_add(others) != Some(self.records) {
            return false;
        }
        self.rest.push_front((second, others));
        self.go_next(bytes, records);
        true
    }

    /// Notes what became of what left, and goes on to the next part. Gives the outcome back where
    /// there is none.
    pub(super) fn pass(
        &mut self,
        outcome: Result<Produced, ProduceError>,
    ) -> Option<Result<Produced, ProduceError>> {
        let Some((bytes, records)) = self.rest.pop_front() else {
            return Some(outcome);
        };
        let first = self.first;
        self.settled.push(Part { first, outcome });
        self.first += self.records;
        if let Some(mark) = &mut self.stamp {
            mark.base_sequence = sequence_after(mark.base_sequence, self.records);
        }
        self.go_next(bytes, records);
        None
    }

    /// What became of the batch, with the outcome of all whose fate was open.
    pub(in crate::produce) fn into_parts(
        self,
        outcome: Result<Produced, ProduceError>,
    ) -> (T, Vec<Part>) {
        let first = self.first;
        let mut parts = self.settled;
        parts.push(Part { first, outcome });
        (self.ticket, parts)
    }

    /// How many records it has had.
    #[cfg(test)]
    pub(super) fn end(&self) -> i32 {
        self.first + self.unsettled_records()
    }

    fn go_next(&mut self, bytes: Bytes, records: i32) {
        self.bytes = bytes;
        self.records = records;
        self.attempts = 0;
        if let Some(mark) = self.stamp {
            self.mark(mark);
        }
    }
}
