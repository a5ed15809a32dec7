//! Which batch is sent next, and what an answer means for it. No IO, no clock.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::message::{Answer, Produced};
use crate::cluster::MetadataView;
use crate::error::ClientError;
use crate::net::backoff::Backoff;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// The limits of a window.
#[derive(Debug, Clone)]
pub(super) struct WindowSettings {
    pub(super) requests_per_node: usize,
    /// A request takes no further batch above this size.
    pub(super) request_bytes: usize,
    pub(super) retry_backoff: Duration,
    pub(super) retry_backoff_max: Duration,
    pub(super) delivery_timeout: Duration,
}

/// Batches that wait, in order per partition. `T` is handed back with each batch.
#[derive(Debug)]
pub(super) struct Window<T> {
    settings: WindowSettings,
    queues: BTreeMap<TopicPartition, Queue<T>>,
    requests: BTreeMap<i32, usize>,
    /// The partition served last, so that all get their turn.
    last_served: Option<TopicPartition>,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<Batch<T>>,
    is_on_its_way: bool,
    not_before: Option<Instant>,
    backoff: Backoff,
}

/// A batch and what its sender wants back with it.
#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) bytes: Bytes,
    pub(super) ticket: T,
    deadline: Instant,
}

/// One request: at most one batch per partition.
#[derive(Debug)]
pub(super) struct Dispatch<T> {
    pub(super) node_id: i32,
    pub(super) batches: BTreeMap<TopicPartition, Batch<T>>,
}

/// Batches whose outcome is known.
pub(super) type Done<T> = Vec<(Batch<T>, Result<Produced, ClientError>)>;

/// What an answer settled.
#[derive(Debug)]
pub(super) struct Settled<T> {
    pub(super) done: Done<T>,
    /// Whether a leader was not where the metadata says.
    pub(super) needs_refresh: bool,
}

impl<T> Window<T> {
    pub(super) fn new(settings: WindowSettings) -> Self {
        Self {
            settings,
            queues: BTreeMap::new(),
            requests: BTreeMap::new(),
            last_served: None,
        }
    }

    /// Takes a batch behind those of its partition.
    pub(super) fn push(
        &mut self,
        partition: TopicPartition,
        bytes: Bytes,
        ticket: T,
        now: Instant,
    ) {
        let deadline = now + self.settings.delivery_timeout;
        let (first, limit) = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        let queue = self.queues.entry(partition).or_insert_with(|| Queue {
            waiting: VecDeque::new(),
            is_on_its_way: false,
            not_before: None,
            backoff: Backoff::new(first, limit),
        });
        queue.waiting.push_back(Batch {
            bytes,
            ticket,
            deadline,
        });
    }

    /// The next request that may be sent, if there is one.
    pub(super) fn next_dispatch(
        &mut self,
        view: &MetadataView,
        now: Instant,
    ) -> Option<Dispatch<T>> {
        let mut chosen = None;
        let mut bytes = 0_usize;
        let mut batches = BTreeMap::new();
        for partition in self.ready(now) {
            let Some(leader) = view.leader(&partition) else {
                continue;
            };
            let open = self.requests.get(&leader).copied().unwrap_or(0);
            if open >= self.settings.requests_per_node || chosen.is_some_and(|id| id != leader) {
                continue;
            }
            let Some(queue) = self.queues.get_mut(&partition) else {
                continue;
            };
            let size = queue.waiting.front().map_or(0, |batch| batch.bytes.len());
            if chosen.is_some() && bytes.saturating_add(size) > self.settings.request_bytes {
                continue;
            }
            let Some(batch) = queue.waiting.pop_front() else {
                continue;
            };
            queue.is_on_its_way = true;
            chosen = Some(leader);
            bytes = bytes.saturating_add(size);
            self.last_served = Some(partition.clone());
            batches.insert(partition, batch);
        }
        let node_id = chosen?;
        *self.requests.entry(node_id).or_default() += 1;
        Some(Dispatch { node_id, batches })
    }

    /// Partitions with something to send, beginning after the one served last.
    fn ready(&self, now: Instant) -> Vec<TopicPartition> {
        let is_ready = |queue: &Queue<T>| {
            let is_due = queue.not_before.is_none_or(|at| at <= now);
            !queue.is_on_its_way && !queue.waiting.is_empty() && is_due
        };
        let (after, before) = match &self.last_served {
            Some(last) => (
                (Bound::Excluded(last), Bound::Unbounded),
                Some((Bound::Unbounded, Bound::Included(last))),
            ),
            None => ((Bound::Unbounded, Bound::Unbounded), None),
        };
        let after = self.queues.range::<TopicPartition, _>(after);
        let before = before
            .into_iter()
            .flat_map(|range| self.queues.range::<TopicPartition, _>(range));
        let ready = after.chain(before).filter(|(_, queue)| is_ready(queue));
        ready.map(|(partition, _)| partition.clone()).collect()
    }

    /// Settles a request. Batches that may succeed later go back to the front of their queue.
    pub(super) fn on_answer(
        &mut self,
        dispatch: Dispatch<T>,
        outcome: Result<Answer, ClientError>,
        now: Instant,
        random: f64,
    ) -> Settled<T> {
        if let Some(open) = self.requests.get_mut(&dispatch.node_id) {
            *open = open.saturating_sub(1);
        }
        let mut settled = Settled {
            done: Vec::new(),
            needs_refresh: false,
        };
        for (partition, batch) in dispatch.batches {
            let outcome = outcome_of(&partition, &outcome);
            let Some(queue) = self.queues.get_mut(&partition) else {
                continue;
            };
            queue.is_on_its_way = false;
            match outcome {
                Err(error) if error.is_retriable() => {
                    settled.needs_refresh |= error.is_connection_lost()
                        || error.code().is_some_and(ErrorCode::needs_metadata_refresh);
                    if now >= batch.deadline {
                        let error = gave_up(self.settings.delivery_timeout, &error.to_string());
                        settled.done.push((batch, Err(error)));
                    } else {
                        queue.not_before = Some(now + queue.backoff.next(random));
                        queue.waiting.push_front(batch);
                    }
                }
                outcome => {
                    queue.backoff.reset();
                    queue.not_before = None;
                    settled.done.push((batch, outcome));
                }
            }
        }
        settled
    }

    /// Gives up on batches that have waited too long.
    pub(super) fn expire(&mut self, now: Instant) -> Done<T> {
        let mut done = Vec::new();
        for (partition, queue) in &mut self.queues {
            while queue
                .waiting
                .front()
                .is_some_and(|batch| batch.deadline <= now)
            {
                let Some(batch) = queue.waiting.pop_front() else {
                    break;
                };
                let last = format!("{partition} took no batch in that time");
                done.push((batch, Err(gave_up(self.settings.delivery_timeout, &last))));
            }
        }
        done
    }

    /// When to look again although nothing happened: at the end of a backoff or of a patience.
    /// A backoff that is over does not count: its batch waits for a leader or a free request.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        let idle = self.queues.values().filter(|queue| !queue.is_on_its_way);
        let moments = idle.filter_map(|queue| {
            let deadline = queue.waiting.front()?.deadline;
            let backoff_ends = queue.not_before.filter(|at| *at > now);
            Some(backoff_ends.map_or(deadline, |at| at.min(deadline)))
        });
        moments.min()
    }
}

fn outcome_of(
    partition: &TopicPartition,
    outcome: &Result<Answer, ClientError>,
) -> Result<Produced, ClientError> {
    let missing = Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let answer = outcome.as_ref().map_err(Clone::clone)?;
    answer
        .get(partition)
        .copied()
        .unwrap_or(missing)
        .map_err(|code| ClientError::PartitionRefused {
            api: "Produce",
            partition: partition.clone(),
            code,
        })
}

fn gave_up(timeout: Duration, last: &str) -> ClientError {
    ClientError::GaveUp {
        operation: "Produce",
        timeout,
        last: last.into(),
    }
}

#[cfg(test)]
mod tests;
