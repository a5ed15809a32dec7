//! Decides what to fetch next and what an answer means. It has no clock, socket or task of its own.
//!
//! Positions move only by [`FetchMachine::advance`]: the machine hands out fetched bytes, its owner walks the batches
//! and says where to read on. An answer for a position that has moved since it was asked for is dropped, so seeking
//! and revoking need no care for what is in flight.

mod answer;
mod lane;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::TopicPartition;
use crate::fetch::position::{Leader, OffsetReset, Phase, Position, Start};
use crate::fetch::session::{PartitionAsk, SessionRequest};
use crate::settings::{AutoOffsetReset, ConsumerSettings, IsolationLevel};

pub use answer::{FetchAnswer, PartitionAnswer};
use lane::Lane;

/// The consumer settings that shape fetching; names and defaults are Kafka's.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// `fetch.min.bytes`
    pub bytes_min: i32,
    /// `fetch.max.bytes`
    pub bytes_max: i32,
    /// `max.partition.fetch.bytes`
    pub partition_bytes_max: i32,
    /// `fetch.max.wait.ms`
    pub wait_max_ms: i32,
    /// `isolation.level`
    pub isolation: IsolationLevel,
    /// `auto.offset.reset`
    pub reset: OffsetReset,
    /// `client.rack`
    pub rack: String,
    /// `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`
    pub retry_backoff_max: Duration,
}

impl FetchSettings {
    /// The part of a consumer's settings that shapes fetching.
    pub fn of(consumer: &ConsumerSettings) -> Self {
        let bytes = |size: u32| i32::try_from(size).unwrap_or(i32::MAX);
        Self {
            bytes_min: bytes(consumer.fetch_min_bytes),
            bytes_max: bytes(consumer.fetch_max_bytes),
            partition_bytes_max: bytes(consumer.max_partition_fetch_bytes),
            wait_max_ms: i32::try_from(consumer.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            isolation: consumer.isolation_level,
            reset: match consumer.auto_offset_reset {
                AutoOffsetReset::Earliest => OffsetReset::Earliest,
                AutoOffsetReset::Latest => OffsetReset::Latest,
                AutoOffsetReset::ByDuration(age) => OffsetReset::ByDuration(age),
                AutoOffsetReset::None => OffsetReset::None,
            },
            rack: consumer.client.client_rack.to_string(),
            retry_backoff: consumer.client.retry_backoff,
            retry_backoff_max: consumer.client.retry_backoff_max,
        }
    }
}

/// The bytes that were fetched from one partition.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The partition.
    pub partition: TopicPartition,
    /// Record batches as the broker stores them; the last may be cut short, the first may begin before `from_offset`.
    pub records: Bytes,
    /// The offset that was asked for.
    pub from_offset: i64,
    /// The offset after the last record that all replicas have.
    pub high_watermark: i64,
    /// The offset of the first record of an open transaction, or the high watermark.
    pub last_stable_offset: i64,
    /// Aborted transactions within the records, as (producer id, first offset), in no certain order.
    pub aborted: Vec<(i64, i64)>,
}

/// Something the driver has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchAction {
    /// Open a connection to this node and report it.
    Connect {
        /// The node.
        node: i32,
    },
    /// Look up where these partitions begin, end, or reach a time.
    FindOffsets {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// Which offset of each.
        reset: OffsetReset,
    },
    /// Refresh the metadata: a leader is unknown or has moved.
    RefreshMetadata,
}

/// Why a partition cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The offset does not exist and `auto.offset.reset` is `none`.
    #[error(
        "offset {offset} of partition {partition} is out of range and auto.offset.reset is none"
    )]
    OutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was asked for.
        offset: i64,
    },
    /// No offset is known and `auto.offset.reset` is `none`.
    #[error("no offset is committed for partition {partition} and auto.offset.reset is none")]
    NoOffset {
        /// The partition.
        partition: TopicPartition,
    },
    /// The log was cut back below our position, and `auto.offset.reset` is `none`.
    #[error(
        "the log of partition {partition} was truncated to offset {diverging_offset}, before our offset {offset}, \
         and auto.offset.reset is none"
    )]
    Truncated {
        /// The partition.
        partition: TopicPartition,
        /// Our position.
        offset: i64,
        /// The first offset that differs from what was read.
        diverging_offset: i64,
    },
    /// The principal may not read the topic.
    #[error("not authorized to access topics: [{topic}]")]
    TopicAuthorization {
        /// The topic.
        topic: String,
    },
    /// The broker found its own copy of the records damaged.
    #[error(
        "encountered corrupt message when fetching offset {offset} for topic-partition {partition}"
    )]
    Corrupt {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was asked for.
        offset: i64,
    },
}

/// The positions of all partitions of one consumer, and its fetch sessions.
#[derive(Debug)]
pub struct FetchMachine {
    settings: FetchSettings,
    positions: BTreeMap<TopicPartition, Position>,
    lanes: BTreeMap<i32, Lane>,
    metadata_asked: bool,
    fault: Option<Fault>,
}

/// Why a partition could not be read at an offset.
#[derive(Debug)]
struct Fault {
    partition: TopicPartition,
    offset: i64,
    error: FetchError,
}

impl FetchMachine {
    /// A machine that reads nothing yet.
    pub fn new(settings: FetchSettings) -> Self {
        Self {
            settings,
            positions: BTreeMap::new(),
            lanes: BTreeMap::new(),
            metadata_asked: false,
            fault: None,
        }
    }

    /// Reads `partition` too, or anew, from `start`.
    pub fn assign(&mut self, partition: TopicPartition, start: Start) {
        let leader = self
            .positions
            .get(&partition)
            .and_then(|known| known.leader);
        self.positions.insert(
            partition,
            Position {
                leader,
                ..Position::new(start)
            },
        );
        self.metadata_asked = false;
    }

    /// No longer reads `partition`.
    pub fn unassign(&mut self, partition: &TopicPartition) {
        self.positions.remove(partition);
    }

    /// Reads `partition` from `start`, keeping its pause.
    pub fn seek(&mut self, partition: &TopicPartition, start: Start) {
        if let Some(position) = self.positions.get_mut(partition) {
            position.start(start);
        }
    }

    /// Stops or resumes fetching of `partition`; its position stays.
    pub fn set_paused(&mut self, partition: &TopicPartition, paused: bool) {
        if let Some(position) = self.positions.get_mut(partition) {
            position.paused = paused;
        }
    }

    /// Everything before `next_offset` has been taken over; the last batch had leader epoch `epoch`.
    pub fn advance(&mut self, partition: &TopicPartition, next_offset: i64, epoch: Option<i32>) {
        if let Some(position) = self.positions.get_mut(partition)
            && next_offset > position.offset
        {
            position.offset = next_offset;
            position.epoch = epoch.or(position.epoch);
        }
    }

    /// The offset that is fetched next, once one is known.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        let position = self.positions.get(partition)?;
        (position.phase == Phase::Ready).then_some(position.offset)
    }

    /// The partitions that are read.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.positions.keys()
    }

    /// New metadata: `leader_of` knows the leaders. Epochs never go back; a topic with a new id is a new topic.
    pub fn on_metadata(&mut self, leader_of: impl Fn(&TopicPartition) -> Option<Leader>) {
        self.metadata_asked = false;
        for (partition, position) in &mut self.positions {
            let Some(new) = leader_of(partition) else {
                continue;
            };
            match position.leader {
                Some(old) if is_recreated(old, new) => {
                    tracing::warn!(%partition, "topic was deleted and created again; its offsets start anew");
                    position.start(Start::Reset);
                }
                Some(old) if old.topic_id == new.topic_id && new.epoch < old.epoch => continue,
                Some(old) if old == new => continue,
                _ => {}
            }
            position.leader = Some(new);
            position.read_replica = None;
            position.retry_at = None;
        }
    }

    /// A connection to `node` is there.
    pub fn on_connected(&mut self, node: i32) {
        self.lane(node).on_connected();
    }

    /// The connection to `node` could not be opened, or broke; `jitter` is a random number in [0, 1).
    pub fn on_disconnected(&mut self, node: i32, now: Instant, jitter: f64) {
        let backoff = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        self.lane(node).on_disconnected(now, backoff, jitter);
        self.metadata_asked = false;
        // Another node may lead by now.
        for position in self
            .positions
            .values_mut()
            .filter(|p| p.node() == Some(node))
        {
            position.read_replica = None;
        }
    }

    /// Where `partition` is to be read, or that the look-up failed and is to be tried again.
    pub fn on_offset_found(
        &mut self,
        partition: &TopicPartition,
        found: Option<Start>,
        now: Instant,
        jitter: f64,
    ) {
        let backoff = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        let Some(position) = self.positions.get_mut(partition) else {
            return;
        };
        if position.phase != (Phase::Reset { asked: true }) {
            return;
        }
        match found {
            Some(start) => position.start(start),
            None => {
                position.phase = Phase::Reset { asked: false };
                lane::back_off(
                    &mut position.retry_at,
                    &mut position.failures,
                    now,
                    backoff,
                    jitter,
                );
                self.metadata_asked = false;
            }
        }
    }

    /// What is to be done now, apart from fetching.
    ///
    /// # Errors
    /// [`FetchError::NoOffset`] when a partition has no offset and may not be given one.
    pub fn actions(&mut self, now: Instant) -> Result<Vec<FetchAction>, FetchError> {
        let mut actions = Vec::new();
        let resets = self.take_resets(now)?;
        if !resets.is_empty() {
            let reset = self.settings.reset;
            actions.push(FetchAction::FindOffsets {
                partitions: resets,
                reset,
            });
        }
        let nodes: BTreeSet<i32> = self
            .positions
            .values()
            .filter_map(|position| position.fetchable_from(now))
            .collect();
        for node in nodes {
            if self.lane(node).wants_connection(now) {
                actions.push(FetchAction::Connect { node });
            }
        }
        let is_lost = |position: &Position| {
            let waits = position.retry_at.is_some_and(|at| at > now);
            position.leader.is_none() || (waits && !position.is_refused)
        };
        let is_broken = |lane: &Lane| lane.is_backing_off(now);
        if !self.metadata_asked
            && (self.positions.values().any(is_lost) || self.lanes.values().any(is_broken))
        {
            self.metadata_asked = true;
            actions.push(FetchAction::RefreshMetadata);
        }
        Ok(actions)
    }

    /// Why a partition could not be read, told once. One that is no longer read there tells nothing.
    ///
    /// The partition is asked for again after a pause, and may then tell the same once more.
    pub fn take_fault(&mut self) -> Option<FetchError> {
        let fault = self.fault.take()?;
        let is_current = self.position(&fault.partition) == Some(fault.offset);
        is_current.then_some(fault.error)
    }

    fn take_resets(&mut self, now: Instant) -> Result<Vec<TopicPartition>, FetchError> {
        let mut resets = Vec::new();
        for (partition, position) in &mut self.positions {
            let waits = position.retry_at.is_some_and(|at| at > now);
            if position.phase != (Phase::Reset { asked: false }) || waits {
                continue;
            }
            if self.settings.reset == OffsetReset::None {
                return Err(FetchError::NoOffset {
                    partition: partition.clone(),
                });
            }
            position.phase = Phase::Reset { asked: true };
            resets.push(partition.clone());
        }
        Ok(resets)
    }

    /// The nodes that can be sent a fetch now, each with the most bytes that its answer can hold.
    pub fn idle_nodes(&self, now: Instant) -> Vec<(i32, u64)> {
        let mut wanted: BTreeMap<i32, u64> = BTreeMap::new();
        for position in self.positions.values() {
            if let Some(node) = position.fetchable_from(now)
                && self.lanes.get(&node).is_some_and(Lane::is_idle)
            {
                *wanted.entry(node).or_default() +=
                    u64::from(self.settings.partition_bytes_max.unsigned_abs());
            }
        }
        let most = u64::from(self.settings.bytes_max.unsigned_abs());
        wanted
            .into_iter()
            .map(|(node, bytes)| (node, bytes.min(most)))
            .collect()
    }

    /// The fetch to send to `node` now; `None` when there is nothing to ask or one is in flight.
    pub fn begin_fetch(&mut self, node: i32, now: Instant) -> Option<SessionRequest> {
        let wanted: BTreeMap<TopicPartition, PartitionAsk> = self
            .positions
            .iter()
            .filter(|(_, position)| position.fetchable_from(now) == Some(node))
            .filter_map(|(partition, position)| Some((partition.clone(), self.ask(position)?)))
            .collect();
        let lane = self.lanes.get_mut(&node).filter(|lane| lane.is_idle())?;
        if wanted.is_empty() {
            return None;
        }
        Some(lane.begin_fetch(wanted))
    }

    /// What the session with `node` asks for, by the last request.
    pub fn asked(&self, node: i32) -> impl Iterator<Item = (&TopicPartition, &PartitionAsk)> {
        self.lanes
            .get(&node)
            .into_iter()
            .flat_map(|lane| lane.session.partitions())
    }

    fn ask(&self, position: &Position) -> Option<PartitionAsk> {
        let leader = position.leader?;
        Some(PartitionAsk {
            topic_id: leader.topic_id,
            offset: position.offset,
            leader_epoch: leader.epoch,
            fetched_epoch: position.epoch.unwrap_or(-1),
            bytes_max: self.settings.partition_bytes_max,
        })
    }

    /// When [`actions`](Self::actions) should be asked again although nothing has happened since it was asked at `now`.
    ///
    /// What was due then is in its answer, or waits for something else: for a partition that is read from the node, or for
    /// a connection.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let positions = self
            .positions
            .values()
            .filter_map(|position| position.retry_at);
        positions
            .chain(self.lanes.values().filter_map(Lane::retry_at))
            .filter(|at| *at > now)
            .min()
    }

    fn lane(&mut self, node: i32) -> &mut Lane {
        self.lanes.entry(node).or_default()
    }
}

/// Whether a topic was deleted and created again: both ids are known and differ.
fn is_recreated(old: Leader, new: Leader) -> bool {
    !old.topic_id.is_nil() && !new.topic_id.is_nil() && old.topic_id != new.topic_id
}

#[cfg(test)]
mod tests;
