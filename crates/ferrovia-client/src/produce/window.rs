//! The window of batches on their way: which ones may go next, and what an answer means for them.
//!
//! A machine: no socket, no clock, no randomness of its own. Without idempotence a partition has
//! one batch on its way at a time. With it, several may be: brokers check the sequence numbers that
//! a batch gets when it first leaves and keeps until its fate is known, so neither order nor number
//! suffers when batches are sent again.
//!
//! # Source
//! `Sender`, `RecordAccumulator.shouldStopDrainBatchesForPartition` and the partition book-keeping
//! of `TransactionManager`

mod batch;
mod lane;
mod settle;

pub(super) use self::batch::Batch;
pub(super) use self::settle::{Done, Retry};

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use self::lane::Lane;
use super::error::ProduceError;
use super::stamp::ProducerIdentity;
use crate::cluster::MetadataView;
use crate::settings::{Compression, Divider};
use crate::topic_partition::TopicPartition;

/// Limits of a window.
#[derive(Debug, Clone)]
pub(super) struct WindowSettings {
    /// Requests on their way to one broker.
    pub(super) requests_per_node: usize,
    /// Bytes of the batches in one request. A single batch may be larger.
    pub(super) request_bytes: usize,
    /// How often a batch is sent again.
    pub(super) retries: u32,
    pub(super) retry_backoff: Duration,
    pub(super) retry_backoff_max: Duration,
    pub(super) delivery_timeout: Duration,
    pub(super) numbering: Numbering,
    /// Divides what a leader finds too large.
    pub(super) divider: Option<Divider>,
    pub(super) compression: Compression,
}

/// What batches are numbered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbering {
    /// Batches leave as they came.
    None,
    /// A broker takes each batch once. After a gap the partition starts over in a new epoch.
    Idempotent,
    /// The same; after a gap the transaction has failed.
    Transactional,
}

/// Batches that wait, in order per partition. `T` is handed back with each batch.
#[derive(Debug)]
pub(super) struct Window<T> {
    settings: WindowSettings,
    identity: Option<ProducerIdentity>,
    lanes: BTreeMap<TopicPartition, Lane<T>>,
    /// The partitions where batches wait; all others need no look.
    busy: BTreeSet<TopicPartition>,
    requests: BTreeMap<i32, usize>,
    /// Batches whose outcome is not known.
    unsettled: usize,
    next_number: u64,
    /// The partition served last, so that all get their turn.
    last_served: Option<TopicPartition>,
}

/// One request: at most one batch per partition.
#[derive(Debug)]
pub(super) struct Dispatch<T> {
    pub(super) node_id: i32,
    pub(super) batches: BTreeMap<TopicPartition, Batch<T>>,
}

/// Where batches may go at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlook<'a> {
    pub(super) view: &'a MetadataView,
    /// Brokers with a connection.
    pub(super) connected: &'a BTreeSet<i32>,
    /// The partitions of the transaction; `None` where all may be sent to.
    pub(super) admitted: Option<&'a BTreeSet<TopicPartition>>,
}

impl<T> Window<T> {
    pub(super) fn new(settings: WindowSettings) -> Self {
        Self {
            settings,
            identity: None,
            lanes: BTreeMap::new(),
            busy: BTreeSet::new(),
            requests: BTreeMap::new(),
            unsettled: 0,
            next_number: 0,
            last_served: None,
        }
    }

    /// Takes a batch behind those of its partition.
    pub(super) fn push(
        &mut self,
        partition: TopicPartition,
        bytes: Bytes,
        records: i32,
        ticket: T,
        now: Instant,
    ) {
        let settings = &self.settings;
        if !self.busy.contains(&partition) {
            self.busy.insert(partition.clone());
        }
        let lane = self
            .lanes
            .entry(partition)
            .or_insert_with(|| Lane::new(settings.retry_backoff, settings.retry_backoff_max));
        let batch = Batch::new(bytes, records, ticket, self.next_number, now);
        lane.waiting.push_back(batch);
        self.next_number += 1;
        self.unsettled += 1;
    }

    /// Whether every batch has been settled.
    pub(super) fn is_empty(&self) -> bool {
        self.unsettled == 0
    }

    /// Whether a batch waits for a producer id.
    pub(super) fn needs_identity(&self) -> bool {
        let wants = |lane: &Lane<T>| lane.identity.is_none();
        self.settings.numbering == Numbering::Idempotent
            && self.identity.is_none()
            && self.busy_lanes().any(|(_, lane)| wants(lane))
    }

    /// Takes the identity that a broker gave out. Partitions use it from their next new batch on.
    pub(super) fn set_identity(&mut self, identity: ProducerIdentity) {
        self.identity = Some(identity);
    }

    /// Starts all partitions over with this identity, between transactions.
    pub(super) fn start_over(&mut self, identity: ProducerIdentity) {
        assert!(
            self.is_empty(),
            "a producer starts over between transactions"
        );
        self.lanes.clear();
        self.identity = Some(identity);
    }

    /// The next request that may be sent, if there is one.
    pub(super) fn next_dispatch(
        &mut self,
        outlook: Outlook<'_>,
        now: Instant,
    ) -> Option<Dispatch<T>> {
        let mut chosen = None;
        let mut bytes = 0_usize;
        let mut batches = BTreeMap::new();
        for partition in self.ready(outlook.admitted, now) {
            let Some(leader) = outlook.view.leader(&partition) else {
                continue;
            };
            let open = self.requests.get(&leader).copied().unwrap_or(0);
            let is_other = chosen.is_some_and(|id| id != leader);
            let is_full = open >= self.settings.requests_per_node;
            if is_other || is_full || !outlook.connected.contains(&leader) {
                continue;
            }
            let Some(lane) = self.lanes.get_mut(&partition) else {
                continue;
            };
            let size = lane.waiting.front().map_or(0, |batch| batch.bytes.len());
            if chosen.is_some() && bytes.saturating_add(size) > self.settings.request_bytes {
                continue;
            }
            let Some(batch) = lane.depart(self.settings.numbering, self.identity) else {
                continue;
            };
            if lane.waiting.is_empty() {
                self.busy.remove(&partition);
            }
            chosen = Some(leader);
            bytes = bytes.saturating_add(size);
            self.last_served = Some(partition.clone());
            batches.insert(partition, batch);
        }
        let node_id = chosen?;
        *self.requests.entry(node_id).or_default() += 1;
        Some(Dispatch { node_id, batches })
    }

    /// Brokers that have something to get and no connection yet.
    pub(super) fn unconnected(&self, outlook: Outlook<'_>, now: Instant) -> BTreeSet<i32> {
        let ready = self.ready(outlook.admitted, now).into_iter();
        ready
            .filter_map(|partition| outlook.view.leader(&partition))
            .filter(|leader| !outlook.connected.contains(leader))
            .collect()
    }

    /// Partitions with something to send, beginning after the one served last.
    fn ready(
        &self,
        admitted: Option<&BTreeSet<TopicPartition>>,
        now: Instant,
    ) -> Vec<TopicPartition> {
        let limit = match self.settings.numbering {
            Numbering::None => 1,
            _ => self.settings.requests_per_node,
        };
        let (after, before) = match &self.last_served {
            Some(last) => (
                (Bound::Excluded(last), Bound::Unbounded),
                Some((Bound::Unbounded, Bound::Included(last))),
            ),
            None => ((Bound::Unbounded, Bound::Unbounded), None),
        };
        let after = self.busy.range::<TopicPartition, _>(after);
        let before = before
            .into_iter()
            .flat_map(|range| self.busy.range::<TopicPartition, _>(range));
        let may_depart =
            |lane: &Lane<T>| lane.may_depart(self.settings.numbering, self.identity, limit, now);
        after
            .chain(before)
            .filter(|partition| {
                self.lanes.get(*partition).is_some_and(may_depart)
                    && admitted.is_none_or(|admitted| admitted.contains(*partition))
            })
            .cloned()
            .collect()
    }

    fn busy_lanes(&self) -> impl Iterator<Item = (&TopicPartition, &Lane<T>)> {
        let lanes = &self.lanes;
        self.busy.iter().filter_map(|it| lanes.get_key_value(it))
    }

    /// Forgets partitions where nothing waits any more.
    fn tidy_busy(&mut self) {
        let lanes = &self.lanes;
        self.busy
            .retain(|it| lanes.get(it).is_some_and(|lane| !lane.waiting.is_empty()));
    }

    /// Gives up what waits. Without `with_sent_ones`, what has left before stays until its fate is
    /// known.
    pub(super) fn drop_waiting(&mut self, error: &ProduceError, with_sent_ones: bool) -> Done<T> {
        let mut done = Vec::new();
        for lane in self.lanes.values_mut() {
            let is_kept = |batch: &Batch<T>| batch.stamp.is_some() && !with_sent_ones;
            let sent = lane.waiting.partition_point(is_kept);
            for batch in lane.waiting.drain(sent..) {
                done.push((batch, Err(error.clone())));
            }
        }
        self.unsettled -= done.len();
        self.tidy_busy();
        done
    }

    /// When to look again although nothing happened: at the end of a backoff or of a patience.
    /// A backoff that is over does not count: its batch waits for a leader or a free request.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        let moments = self.busy_lanes().filter_map(|(_, lane)| {
            let deadline = lane.waiting.front()?.created + self.settings.delivery_timeout;
            let backoff_ends = lane.not_before.filter(|at| *at > now);
            Some(backoff_ends.map_or(deadline, |at| at.min(deadline)))
        });
        moments.min()
    }
}

/// Batches of one producer that a partition's leader remembers, to know them again.
const REMEMBERED_BATCHES: u64 = 5;

#[cfg(test)]
mod simulation;
#[cfg(test)]
pub(super) mod tests;
