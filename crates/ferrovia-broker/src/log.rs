//! One partition's log: batches in, the same bytes out.
//!
//! A batch is stored exactly as the producer sent it, except for its base offset and leader epoch,
//! which lie outside the checksum. The index (one small entry per batch) is always in memory; the
//! bytes are in memory too, or in [`segments`] on disk.

pub(crate) mod batch;
pub(crate) mod marker;
mod producers;
mod segments;
mod transactions;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;

use crate::error::BrokerError;
use batch::BatchHeader;
use marker::{Marker, Outcome};
pub(crate) use producers::{ActiveProducer, Start};
use producers::{Admission, Producers};
use segments::Segments;
pub(crate) use transactions::Aborted;
use transactions::PartitionTransactions;

/// The only leader epoch there is: leadership never changes on a single node.
pub(crate) const LEADER_EPOCH: i32 = 0;

/// One partition's log.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    start_offset: i64,
    end_offset: i64,
    batches: VecDeque<StoredBatch>,
    bytes: u64,
    producers: Producers,
    transactions: PartitionTransactions,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Memory,
    Disk(Segments),
}

#[derive(Debug)]
struct StoredBatch {
    base_offset: i64,
    last_offset: i64,
    max_timestamp: i64,
    size: u32,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Bytes),
    Disk { segment: i64, position: u64 },
}

/// Where an appended batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) log_start_offset: i64,
    /// Nothing was written: the producer had sent this batch before.
    pub(crate) duplicate: bool,
}

/// Batches read from the log.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) records: Vec<Bytes>,
    /// The offset after them.
    pub(crate) end_offset: i64,
}

/// An offset found by its timestamp; both are -1 when there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOffset {
    pub(crate) timestamp: i64,
    pub(crate) offset: i64,
}

impl TimedOffset {
    pub(crate) const NONE: Self = Self {
        timestamp: -1,
        offset: -1,
    };
}

impl PartitionLog {
    pub(crate) fn in_memory() -> Self {
        Self {
            start_offset: 0,
            end_offset: 0,
            batches: VecDeque::new(),
            bytes: 0,
            producers: Producers::default(),
            transactions: PartitionTransactions::default(),
            storage: Storage::Memory,
        }
    }

    /// Opens the log in a folder, recovering what is there and cutting off a torn end.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(crate) fn on_disk(folder: PathBuf, segment_bytes: u64) -> Result<Self, BrokerError> {
        let mut log = Self::in_memory();
        let segments = Segments::open(folder, segment_bytes, |found, segment, position| {
            if log.batches.is_empty() {
                log.start_offset = found.header.base_offset;
            }
            let place = Place::Disk { segment, position };
            log.remember(&found.header, found.outcome, place);
        })?;
        if let Some(base) = segments
            .first_base_offset()
            .filter(|_| log.batches.is_empty())
        {
            log.start_offset = base;
            log.end_offset = base;
        }
        log.storage = Storage::Disk(segments);
        Ok(log)
    }

    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset after the last record: also the high watermark.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The offset before which every transaction has ended.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        let unstable = self.transactions.first_unstable();
        unstable.map_or(self.end_offset, |first| first.max(self.start_offset))
    }

    /// Aborted transactions with an offset in `from..until`.
    pub(crate) fn aborted(&self, from: i64, until: i64) -> Vec<Aborted> {
        self.transactions.aborted(from, until)
    }

    /// Producers with an open transaction, and where it begins.
    pub(crate) fn open_transactions(&self) -> &BTreeMap<i64, i64> {
        self.transactions.open()
    }

    /// Every idempotent producer remembered, by id.
    pub(crate) fn producers(&self) -> impl Iterator<Item = ActiveProducer> {
        self.producers.active()
    }

    /// Bytes held, on disk or in memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends one record batch, whose checksum has been verified by [`batch::validate`] and whose
    /// transaction, if it names one, by the coordinator.
    ///
    /// # Errors
    /// The Kafka error for the producer.
    pub(crate) fn append(
        &mut self,
        header: &BatchHeader,
        records: &Bytes,
        start: Start,
    ) -> Result<Appended, ResponseError> {
        if let Admission::Duplicate { base_offset } = self.producers.admit(header, start)? {
            return Ok(Appended {
                base_offset,
                log_start_offset: self.start_offset,
                duplicate: true,
            });
        }
        if !header.is_transactional() && self.transactions.is_open(header.producer_id) {
            return Err(ResponseError::InvalidTxnState);
        }
        let base_offset = self.store(header, records, None)?;
        Ok(Appended {
            base_offset,
            log_start_offset: self.start_offset,
            duplicate: false,
        })
    }

    /// Appends the marker that ends a producer's transaction here.
    ///
    /// # Errors
    /// `KafkaStorageError` when the disk fails.
    pub(crate) fn end_transaction(&mut self, marker: &Marker) -> Result<(), ResponseError> {
        let batch = marker.batch();
        let header = BatchHeader::read(&batch).ok_or(ResponseError::UnknownServerError)?;
        self.store(&header, &batch, Some(marker.outcome)).map(drop)
    }

    fn store(
        &mut self,
        header: &BatchHeader,
        records: &Bytes,
        outcome: Option<Outcome>,
    ) -> Result<i64, ResponseError> {
        let header = BatchHeader {
            base_offset: self.end_offset,
            ..*header
        };
        let mut stored = BytesMut::from(records.as_ref());
        batch::place(&mut stored, header.base_offset, LEADER_EPOCH);
        let stored = stored.freeze();
        let place = match &mut self.storage {
            Storage::Memory => Place::Memory(stored),
            Storage::Disk(segments) => {
                let (segment, position) =
                    segments
                        .append(header.base_offset, &stored)
                        .map_err(|error| {
                            tracing::error!(%error, "cannot append to a partition log");
                            ResponseError::KafkaStorageError
                        })?;
                Place::Disk { segment, position }
            }
        };
        self.remember(&header, outcome, place);
        Ok(header.base_offset)
    }

    /// Takes over a stored batch, just written or found at start.
    fn remember(&mut self, header: &BatchHeader, outcome: Option<Outcome>, place: Place) {
        self.producers.record(header);
        match outcome {
            Some(outcome) => self.transactions.end(header, outcome),
            None => self.transactions.record(header),
        }
        self.push(header, place);
    }

    fn push(&mut self, header: &BatchHeader, place: Place) {
        self.end_offset = header.last_offset() + 1;
        self.bytes += u64::from(header.size);
        self.batches.push_back(StoredBatch {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            max_timestamp: header.max_timestamp,
            size: header.size,
            place,
        });
    }

    /// Drops the oldest batches (on disk: whole segments) until at most `bytes_max` are left; the
    /// newest batch or segment stays.
    pub(crate) fn retain(&mut self, bytes_max: u64) {
        match &mut self.storage {
            Storage::Memory => {
                while self.bytes > bytes_max && self.batches.len() > 1 {
                    self.drop_oldest();
                }
            }
            Storage::Disk(segments) => {
                if self.bytes <= bytes_max {
                    return;
                }
                let Some(first_kept) = segments.drop_oldest(self.bytes - bytes_max) else {
                    return;
                };
                while self
                    .batches
                    .front()
                    .is_some_and(|batch| batch.base_offset < first_kept)
                {
                    self.drop_oldest();
                }
            }
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.bytes -= u64::from(batch.size);
            self.start_offset = batch.last_offset + 1;
            self.transactions.forget_before(self.start_offset);
        }
    }

    /// Whole batches from the one holding `offset`, at most `bytes_max` of them together, but at
    /// least one if `at_least_one`. Empty at the end of the log.
    ///
    /// # Errors
    /// `OffsetOutOfRange`, or `KafkaStorageError` when the disk fails.
    pub(crate) fn read(
        &self,
        offset: i64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<Vec<Bytes>, ResponseError> {
        let slice = self.read_until(offset, i64::MAX, bytes_max, at_least_one)?;
        Ok(slice.records)
    }

    /// As [`Self::read`], but only batches that begin before the offset `until`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_until(
        &self,
        offset: i64,
        until: i64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<Slice, ResponseError> {
        if offset < self.start_offset || offset > self.end_offset {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let range = self.select(offset, until, bytes_max, at_least_one);
        let last = self.batches.range(range.clone()).next_back();
        let end_offset = last.map_or(offset, |last| last.last_offset + 1);
        let records = match &self.storage {
            Storage::Memory => self
                .batches
                .range(range)
                .filter_map(|batch| match &batch.place {
                    Place::Memory(bytes) => Some(bytes.clone()),
                    Place::Disk { .. } => None,
                })
                .collect(),
            Storage::Disk(segments) => self.read_disk(segments, range)?,
        };
        Ok(Slice {
            records,
            end_offset,
        })
    }

    fn select(
        &self,
        offset: i64,
        until: i64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Range<usize> {
        let first = self
            .batches
            .partition_point(|batch| batch.last_offset < offset);
        let mut size = 0usize;
        let mut end = first;
        for batch in self.batches.range(first..) {
            size = size.saturating_add(usize::try_from(batch.size).unwrap_or(usize::MAX));
            let too_large = size > bytes_max && !(at_least_one && end == first);
            if batch.base_offset >= until || too_large {
                break;
            }
            end += 1;
        }
        first..end
    }

    /// Neighbouring batches of one segment are read in one call.
    fn read_disk(
        &self,
        segments: &Segments,
        range: Range<usize>,
    ) -> Result<Vec<Bytes>, ResponseError> {
        let mut runs: Vec<(i64, u64, u64)> = Vec::new();
        for batch in self.batches.range(range) {
            let Place::Disk { segment, position } = batch.place else {
                continue;
            };
            match runs.last_mut() {
                Some((last, start, size)) if *last == segment && *start + *size == position => {
                    *size += u64::from(batch.size);
                }
                _ => runs.push((segment, position, u64::from(batch.size))),
            }
        }
        runs.into_iter()
            .map(|(segment, position, size)| segments.read(segment, position, size))
            .collect::<Result<_, _>>()
            .map_err(|error| {
                tracing::error!(%error, "cannot read a partition log");
                ResponseError::KafkaStorageError
            })
    }

    /// The first record at or after `timestamp` (milliseconds). Inside a compressed batch the
    /// answer is the batch's first offset: this broker never decompresses, and an earlier offset
    /// only makes a consumer read a little more.
    pub(crate) fn offset_for_time(&self, timestamp: i64) -> TimedOffset {
        let Some(index) = self
            .batches
            .iter()
            .position(|batch| batch.max_timestamp >= timestamp)
        else {
            return TimedOffset::NONE;
        };
        self.find_record(index, |record| record >= timestamp)
    }

    /// The first record that has the highest timestamp in the log.
    pub(crate) fn max_timestamp(&self) -> TimedOffset {
        let newest = self.batches.iter().map(|batch| batch.max_timestamp).max();
        newest.map_or(TimedOffset::NONE, |newest| self.offset_for_time(newest))
    }

    fn find_record(&self, index: usize, matches: impl Fn(i64) -> bool) -> TimedOffset {
        let Some(batch) = self.batches.get(index) else {
            return TimedOffset::NONE;
        };
        let fallback = TimedOffset {
            timestamp: batch.max_timestamp,
            offset: batch.base_offset,
        };
        let Ok(parts) = self.read(batch.base_offset, 0, true) else {
            return fallback;
        };
        let Some(bytes) = parts.first() else {
            return fallback;
        };
        batch::record_times(bytes)
            .find(|(_, timestamp)| matches(*timestamp))
            .map_or(fallback, |(delta, timestamp)| TimedOffset {
                timestamp,
                offset: batch.base_offset + delta,
            })
    }
}

#[cfg(test)]
mod tests;
