//! Takes what a broker sent: walks the batch headers, says where to read on, and asks for more before any record is
//! looked at, so that the broker is busy while the task is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ferrovia_client::fetch::{Fetched, Fetcher};
use ferrovia_pipeline::batch::{BatchError, batches};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::{Delivery, SinkBatch};
use ferrovia_pipeline::topic::TopicPartition;

use crate::task::sink::commit::CommitPosition;
use crate::task::sink::decode::Visibility;
use crate::task::sink::partition;

/// What one partition's bytes turned out to hold.
struct Walked {
    /// Where to read on.
    next: CommitPosition,
    records: u64,
    bytes: u64,
}

/// What a task has read and not yet put, and how far behind its partitions are.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// Where each partition stands once the batch at hand is put.
    taken: BTreeMap<TopicPartition, CommitPosition>,
    /// Records that each partition holds beyond that.
    lag: BTreeMap<TopicPartition, i64>,
    topics: SeenTopics,
}

/// The topics of which records came.
#[derive(Debug, Default)]
struct SeenTopics {
    known: BTreeSet<Arc<str>>,
    /// Those that were not told yet.
    untold: Vec<Arc<str>>,
}

impl SeenTopics {
    fn see(&mut self, topic: &Arc<str>) {
        if !self.known.contains(topic) {
            self.known.insert(Arc::clone(topic));
            self.untold.push(Arc::clone(topic));
        }
    }
}

impl Intake {
    /// Fills `batch` and moves the positions. Answers how many records and bytes came.
    ///
    /// # Errors
    /// [`ConnectError::Corrupt`] when the bytes are no record batches. The positions of that partition and of those
    /// behind it do not move.
    pub(super) fn take(
        &mut self,
        fetched: Vec<Fetched>,
        read_committed: bool,
        fetcher: &mut Fetcher,
        batch: &mut SinkBatch,
    ) -> Result<(u64, u64), ConnectError> {
        let (mut records, mut bytes) = (0, 0);
        for fetched in fetched {
            let client_partition = fetched.partition.clone();
            let partition = partition::from_client(&client_partition);
            let high_watermark = fetched.high_watermark;
            let walked = walk(&partition, fetched, read_committed, batch)?;
            records += walked.records;
            bytes += walked.bytes;
            if walked.records > 0 {
                self.topics.see(&partition.topic);
            }
            fetcher.advance(&client_partition, walked.next.offset, walked.next.epoch);
            self.lag.insert(
                partition.clone(),
                (high_watermark - walked.next.offset).max(0),
            );
            self.taken.insert(partition, walked.next);
        }
        Ok((records, bytes))
    }

    /// The batch was put: where each partition of it stands now.
    pub(super) fn take_positions(&mut self) -> BTreeMap<TopicPartition, CommitPosition> {
        std::mem::take(&mut self.taken)
    }

    /// The topics, as the brokers call them, of which records came for the first time since
    /// [`forget_topics`](Self::forget_topics).
    ///
    /// # Source
    /// `WorkerSinkTask.convertAndTransformRecord`, `recordActiveTopic`
    pub(super) fn take_new_topics(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.topics.untold)
    }

    /// From now on all topics are new again: a user may have reset the list of those that are known.
    pub(super) fn forget_topics(&mut self) {
        self.topics.known.clear();
    }

    /// `partition` is gone, or is read anew.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.taken.remove(partition);
        self.lag.remove(partition);
    }

    /// Records that the partitions hold beyond the last one read.
    pub(super) fn lag(&self) -> i64 {
        self.lag.values().sum()
    }
}

fn walk(
    partition: &TopicPartition,
    fetched: Fetched,
    read_committed: bool,
    batch: &mut SinkBatch,
) -> Result<Walked, ConnectError> {
    let from_offset = fetched.from_offset;
    let mut walked = Walked {
        next: CommitPosition {
            offset: from_offset,
            epoch: None,
        },
        records: 0,
        bytes: 0,
    };
    let invalid = |offset: i64, source: BatchError| ConnectError::Corrupt {
        partition: partition.clone(),
        offset,
        source,
    };
    let mut visibility = Visibility::new(read_committed, fetched.aborted);
    for raw in batches(fetched.records) {
        let raw = raw.map_err(|source| invalid(walked.next.offset, source))?;
        let header = raw.header();
        if header.next_offset() <= walked.next.offset {
            // Wholly before the position: a broker may begin with the batch before.
            continue;
        }
        let epoch = Some(header.partition_leader_epoch).filter(|epoch| *epoch >= 0);
        let is_shown = visibility
            .shows(&raw)
            .map_err(|source| invalid(header.base_offset, source))?;
        // Whatever the batch repeats of earlier ones is not shown again.
        let from_offset = walked.next.offset;
        walked.next = CommitPosition {
            offset: header.next_offset(),
            epoch,
        };
        walked.bytes += raw.bytes().len() as u64;
        if is_shown {
            walked.records += u64::try_from(header.record_count).unwrap_or(0);
            batch.push(Delivery {
                partition: partition.clone(),
                batch: raw,
                from_offset,
            });
        }
    }
    if walked.next.offset == from_offset {
        return Err(ConnectError::failed(format!(
            "Failed to make progress reading messages at {partition}={from_offset}. Received a non-empty fetch response \
             from the server, but no complete records were found."
        )));
    }
    Ok(walked)
}
