//! What a fetch's answer means for each partition.

use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::TopicPartition;
use crate::fetch::machine::{Fault, FetchError, FetchMachine, Fetched, lane};
use crate::fetch::position::{Leader, OffsetReset, Position, Start};

/// A broker's answer to a fetch.
#[derive(Clone, Debug)]
pub struct FetchAnswer {
    /// An error of the whole request, or 0.
    pub error_code: i16,
    /// The session, 0 for none.
    pub session_id: i32,
    /// What it says of each partition; with a session, only those that have something to say.
    pub partitions: Vec<PartitionAnswer>,
}

/// What an answer says of one partition.
#[derive(Clone, Debug)]
pub struct PartitionAnswer {
    /// The partition.
    pub partition: TopicPartition,
    /// An error, or 0.
    pub error_code: i16,
    /// The offset after the last record that all replicas have.
    pub high_watermark: i64,
    /// The first offset that may be part of an open transaction.
    pub last_stable_offset: i64,
    /// The first offset of the log.
    pub log_start_offset: i64,
    /// The log and what we read part ways at this offset (KIP-320).
    pub diverging_offset: Option<i64>,
    /// A leader that the broker knows of, as (node, epoch) (KIP-951).
    pub current_leader: Option<(i32, i32)>,
    /// A follower to read from instead (KIP-392).
    pub preferred_replica: Option<i32>,
    /// Aborted transactions, as (producer id, first offset).
    pub aborted: Vec<(i64, i64)>,
    /// The records.
    pub records: Bytes,
}

impl FetchMachine {
    /// `node` has answered. What it brought is in the order of the answer; `jitter` is a random number in [0, 1).
    ///
    /// Where a partition cannot be read any further, [`take_fault`](Self::take_fault) tells why. The others are not
    /// affected, and it is not asked for again at once.
    pub fn on_answer(
        &mut self,
        node: i32,
        answer: FetchAnswer,
        now: Instant,
        jitter: f64,
    ) -> Vec<Fetched> {
        let backoff = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        let Some(lane) = self.lanes.get_mut(&node) else {
            return Vec::new();
        };
        match ResponseError::try_from_code(answer.error_code) {
            None => {
                lane.on_answer();
                lane.session.on_answer(answer.session_id);
            }
            Some(
                ResponseError::FetchSessionIdNotFound
                | ResponseError::InvalidFetchSessionEpoch
                | ResponseError::FetchSessionTopicIdError,
            ) => {
                lane.on_answer();
                lane.session.reset();
                return Vec::new();
            }
            Some(error) => {
                tracing::warn!(node, %error, "fetch was refused; trying again");
                lane.on_refused(now, backoff, jitter);
                self.metadata_asked = false;
                return Vec::new();
            }
        }
        let mut fetched = Vec::with_capacity(answer.partitions.len());
        for partition in answer.partitions {
            fetched.extend(self.on_partition(node, partition, now, jitter));
        }
        fetched
    }

    fn on_partition(
        &mut self,
        node: i32,
        answer: PartitionAnswer,
        now: Instant,
        jitter: f64,
    ) -> Option<Fetched> {
        let lane = self.lanes.get(&node)?;
        let asked = lane.session.asked(&answer.partition)?;
        let asked_offset = asked.offset;
        let is_current = self.position(&answer.partition) == Some(asked_offset);
        let position = self.positions.get_mut(&answer.partition)?;
        if !is_current || position.paused {
            return None;
        }
        let error = ResponseError::try_from_code(answer.error_code);
        let settled = match (error, answer.diverging_offset) {
            (Some(error), _) => Some(self.on_partition_error(node, error, &answer, now, jitter)),
            (None, Some(diverging)) => Some(self.on_truncated(&answer.partition, diverging)),
            (None, None) => None,
        };
        if let Some(settled) = settled {
            if let Err(error) = settled {
                self.on_fault(answer.partition, error, now, jitter);
            }
            return None;
        }
        let position = self.positions.get_mut(&answer.partition)?;
        position.failures = 0;
        position.retry_at = None;
        position.is_refused = false;
        if let Some(replica) = answer.preferred_replica {
            position.read_replica = Some(replica);
        }
        (!answer.records.is_empty()).then(|| Fetched {
            partition: answer.partition,
            records: answer.records,
            from_offset: asked_offset,
            high_watermark: answer.high_watermark,
            last_stable_offset: answer.last_stable_offset,
            aborted: answer.aborted,
        })
    }

    /// Keeps the first fault until it is told, and leaves the partition alone for a while.
    fn on_fault(
        &mut self,
        partition: TopicPartition,
        error: FetchError,
        now: Instant,
        jitter: f64,
    ) {
        let backoff = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        let Some(position) = self.positions.get_mut(&partition) else {
            return;
        };
        position.is_refused = true;
        let Position {
            retry_at, failures, ..
        } = position;
        lane::back_off(retry_at, failures, now, backoff, jitter);
        let offset = position.offset;
        self.fault.get_or_insert(Fault {
            partition,
            offset,
            error,
        });
    }

    fn on_partition_error(
        &mut self,
        node: i32,
        error: ResponseError,
        answer: &PartitionAnswer,
        now: Instant,
        jitter: f64,
    ) -> Result<(), FetchError> {
        let backoff = (self.settings.retry_backoff, self.settings.retry_backoff_max);
        let reset = self.settings.reset;
        let partition = &answer.partition;
        let Some(position) = self.positions.get_mut(partition) else {
            return Ok(());
        };
        match error {
            ResponseError::OffsetOutOfRange if position.read_replica == Some(node) => {
                // The follower lags: the leader decides (KIP-392).
                position.read_replica = None;
                return Ok(());
            }
            ResponseError::OffsetOutOfRange => return self.on_out_of_range(answer, reset),
            ResponseError::TopicAuthorizationFailed => {
                return Err(FetchError::TopicAuthorization {
                    topic: partition.topic.to_string(),
                });
            }
            ResponseError::CorruptMessage => {
                let (partition, offset) = (partition.clone(), position.offset);
                return Err(FetchError::Corrupt { partition, offset });
            }
            _ => {}
        }
        tracing::debug!(%partition, %error, "fetch failed for this partition; trying again");
        self.metadata_asked = false;
        position.read_replica = None;
        position.is_refused = false;
        match (answer.current_leader, position.leader) {
            (Some((leader, epoch)), Some(known)) if epoch > known.epoch => {
                position.leader = Some(Leader {
                    node: leader,
                    epoch,
                    ..known
                });
            }
            _ => {
                lane::back_off(
                    &mut position.retry_at,
                    &mut position.failures,
                    now,
                    backoff,
                    jitter,
                );
            }
        }
        Ok(())
    }

    fn on_out_of_range(
        &mut self,
        answer: &PartitionAnswer,
        reset: OffsetReset,
    ) -> Result<(), FetchError> {
        let Some(position) = self.positions.get_mut(&answer.partition) else {
            return Ok(());
        };
        let (partition, offset) = (&answer.partition, position.offset);
        if reset == OffsetReset::None {
            return Err(FetchError::OutOfRange {
                partition: partition.clone(),
                offset,
            });
        }
        tracing::warn!(
            %partition, offset, log_start_offset = answer.log_start_offset, high_watermark = answer.high_watermark,
            "offset is out of range; records may have been deleted before they were read; resetting by auto.offset.reset"
        );
        position.start(Start::Reset);
        Ok(())
    }

    fn on_truncated(
        &mut self,
        partition: &TopicPartition,
        diverging_offset: i64,
    ) -> Result<(), FetchError> {
        let reset = self.settings.reset;
        let Some(position) = self.positions.get_mut(partition) else {
            return Ok(());
        };
        let offset = position.offset;
        if reset == OffsetReset::None {
            let partition = partition.clone();
            return Err(FetchError::Truncated {
                partition,
                offset,
                diverging_offset,
            });
        }
        tracing::warn!(
            %partition, offset, diverging_offset,
            "the log was truncated below our position; reading on from the first offset that differs"
        );
        position.start(Start::At {
            offset: diverging_offset.min(offset),
            epoch: None,
        });
        Ok(())
    }
}
