//! Where a partition is read: its leader, its offset, and what keeps it from being read now.

use std::time::{Duration, Instant};

use uuid::Uuid;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At an offset, with the leader epoch of the record before it where that is known (KIP-320).
    At {
        /// The first offset to read.
        offset: i64,
        /// The epoch of the last record that was read.
        epoch: Option<i32>,
    },
    /// Where `auto.offset.reset` says.
    Reset,
}

/// Where to read when there is no offset, or none that exists (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At the first record that is not older than this.
    ByDuration(Duration),
    /// Nowhere: it is an error.
    None,
}

/// The broker to read a partition from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The leader's node id.
    pub node: i32,
    /// The leader's epoch, or -1.
    pub epoch: i32,
    /// The topic's id; nil when the broker has none.
    pub topic_id: Uuid,
}

/// What a partition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has no offset; `asked` while the brokers have been asked for one.
    Reset { asked: bool },
    /// It can be read.
    Ready,
}

/// A partition that is being read.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) phase: Phase,
    /// The offset to fetch next; meaningless while the phase is a reset.
    pub(super) offset: i64,
    /// The epoch of the last batch that was walked.
    pub(super) epoch: Option<i32>,
    pub(super) leader: Option<Leader>,
    /// A follower that the leader told us to read from (KIP-392).
    pub(super) read_replica: Option<i32>,
    pub(super) paused: bool,
    pub(super) retry_at: Option<Instant>,
    pub(super) failures: u32,
    /// Its broker answers, but does not give its records: another leader would not either.
    pub(super) is_refused: bool,
}

impl Position {
    pub(super) fn new(start: Start) -> Self {
        let mut position = Self {
            phase: Phase::Reset { asked: false },
            offset: -1,
            epoch: None,
            leader: None,
            read_replica: None,
            paused: false,
            retry_at: None,
            failures: 0,
            is_refused: false,
        };
        position.start(start);
        position
    }

    /// Begins anew at `start`.
    pub(super) fn start(&mut self, start: Start) {
        self.retry_at = None;
        self.failures = 0;
        self.is_refused = false;
        match start {
            Start::At { offset, epoch } => {
                self.phase = Phase::Ready;
                self.offset = offset;
                self.epoch = epoch;
            }
            Start::Reset => {
                self.phase = Phase::Reset { asked: false };
                self.epoch = None;
            }
        }
    }

    /// The node to fetch from now, if the partition can be fetched.
    pub(super) fn fetchable_from(&self, now: Instant) -> Option<i32> {
        let waits = self.retry_at.is_some_and(|at| at > now);
        if self.phase != Phase::Ready || self.paused || waits {
            return None;
        }
        self.node()
    }

    /// The node that answers for this partition.
    pub(super) fn node(&self) -> Option<i32> {
        self.read_replica
            .or_else(|| self.leader.map(|leader| leader.node))
    }
}
