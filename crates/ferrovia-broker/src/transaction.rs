//! One transactional id: who may use it, the transaction in progress, and how it ends. A machine
//! without IO and clock; [`crate::coordinator`] drives it, writes the markers and keeps the time.
//!
//! Ending takes two steps: first the decision stands (`Prepare…`, noted in the journal), then the
//! markers are written and [`Transaction::complete`] closes it. Between the two, every request is
//! told `ConcurrentTransactions`.
//!
//! # Source
//! KIP-98, KIP-360, KIP-890;
//! `org.apache.kafka.coordinator.transaction.{TransactionMetadata, TransactionState}`,
//! `kafka.coordinator.transaction.TransactionCoordinator`.

mod content;
mod end;
mod identity;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;

use crate::journal::Committed;
use crate::log::marker::Outcome;

pub(crate) use content::Joined;
pub(crate) use end::End;
pub(crate) use identity::Init;

/// No producer id, or no epoch, on the wire and here.
const NONE: i16 = -1;

/// The epoch after which a producer gets a new id: one more is left for the broker to fence with.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// A producer id and its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerKey {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// Where a transactional id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Empty,
    Ongoing,
    Prepare(Outcome),
    Complete(Outcome),
}

impl Phase {
    /// Every phase, in the order of Kafka's numbers for them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Empty,
        Self::Ongoing,
        Self::Prepare(Outcome::Commit),
        Self::Prepare(Outcome::Abort),
        Self::Complete(Outcome::Commit),
        Self::Complete(Outcome::Abort),
    ];

    /// The name that Kafka's tools show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::Prepare(Outcome::Commit) => "PrepareCommit",
            Self::Prepare(Outcome::Abort) => "PrepareAbort",
            Self::Complete(Outcome::Commit) => "CompleteCommit",
            Self::Complete(Outcome::Abort) => "CompleteAbort",
        }
    }
}

/// How a transaction is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The producer keeps its epoch.
    One,
    /// The epoch rises with every transaction (KIP-890).
    Two,
}

/// What is kept of a transactional id besides the contents of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) producer: ProducerKey,
    /// The epoch before, as far as its owner may ask again with it; else -1.
    pub(crate) last_epoch: i16,
    /// The producer id before this one; -1 if there was none.
    pub(crate) previous_id: i64,
    /// The producer id that takes over once the transaction is complete; -1 if it stays.
    pub(crate) next_id: i64,
    pub(crate) timeout: Duration,
    pub(crate) phase: Phase,
    /// How the last transaction was ended.
    pub(crate) protocol: Protocol,
}

/// What a transaction holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) partitions: BTreeSet<(String, i32)>,
    /// Groups whose offsets the transaction may commit.
    pub(crate) groups: BTreeSet<String>,
    /// Offsets by group, topic and partition: they count once the transaction is committed.
    pub(crate) offsets: BTreeMap<(String, String, i32), Committed>,
}

/// One transactional id.
#[derive(Debug)]
pub(crate) struct Transaction {
    standing: Standing,
    contents: Contents,
    /// When the ongoing transaction began.
    started: Option<Instant>,
}

impl Transaction {
    /// A transactional id seen for the first time; its first epoch is still to be granted.
    pub(crate) fn new(producer_id: i64) -> Self {
        Self {
            standing: Standing {
                producer: ProducerKey {
                    id: producer_id,
                    epoch: NONE,
                },
                last_epoch: NONE,
                previous_id: NONE.into(),
                next_id: NONE.into(),
                timeout: Duration::ZERO,
                phase: Phase::Empty,
                protocol: Protocol::One,
            },
            contents: Contents::default(),
            started: None,
        }
    }

    /// A transactional id as the journal knows it. The timeout of an ongoing transaction begins anew.
    pub(crate) fn restored(standing: Standing, contents: Contents, now: Instant) -> Self {
        let started = (standing.phase == Phase::Ongoing).then_some(now);
        Self {
            standing,
            contents,
            started,
        }
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(crate) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// When the ongoing transaction is to be aborted.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.started?.checked_add(self.standing.timeout)
    }

    /// Whether `producer` is who owns this id now.
    fn check_owner(&self, producer: ProducerKey) -> Result<(), ResponseError> {
        let owner = self.standing.producer;
        if producer.id != owner.id {
            Err(ResponseError::InvalidProducerIdMapping)
        } else if producer.epoch != owner.epoch {
            Err(ResponseError::ProducerFenced)
        } else {
            Ok(())
        }
    }

    /// Whether the owner may change the transaction now.
    fn check(&self, producer: ProducerKey) -> Result<(), ResponseError> {
        self.check_owner(producer)?;
        match self.standing.phase {
            Phase::Prepare(_) => Err(ResponseError::ConcurrentTransactions),
            _ => Ok(()),
        }
    }

    fn is_exhausted(&self) -> bool {
        self.standing.producer.epoch >= LAST_EPOCH
    }
}

#[cfg(test)]
mod tests;
