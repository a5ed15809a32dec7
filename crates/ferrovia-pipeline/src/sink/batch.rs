//! What one `put` hands over: fetched record batches, opened one at a time while they are in the core's cache.

use std::sync::Arc;

use crate::batch::{Inflater, RawBatch, RecordRef};
use crate::error::ConnectError;
use crate::plan::Plan;
use crate::sink::SinkRecord;
use crate::topic::{Offsets, TopicPartition};

/// The records of one [`put`](crate::sink::SinkTask::put): whole record batches of one or more partitions, in offset
/// order within each. A handle: delivering it again costs nothing.
#[derive(Debug)]
pub struct SinkBatch {
    deliveries: Vec<Delivery>,
    plan: Arc<Plan>,
    inflater: Inflater,
    checks_crc: bool,
    corrupt: bool,
    shown: Shown,
}

/// What a task was shown of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Records.
    pub records: u64,
    /// Bytes of their keys and values, before converters.
    pub bytes: u64,
}

/// A record batch of one partition, as the broker stores it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it was read from.
    pub partition: TopicPartition,
    /// The batch.
    pub batch: RawBatch,
    /// The first offset to deliver: a batch may begin before the position that was asked for.
    pub from_offset: i64,
}

impl SinkBatch {
    /// An empty batch; the worker fills and empties it again and again.
    pub fn new(plan: Arc<Plan>, inflater: Inflater, checks_crc: bool) -> Self {
        Self {
            deliveries: Vec::new(),
            plan,
            inflater,
            checks_crc,
            corrupt: false,
            shown: Shown::default(),
        }
    }

    /// Adds a delivery.
    pub fn push(&mut self, delivery: Delivery) {
        self.deliveries.push(delivery);
    }

    /// Lets go of everything, once it was put.
    pub fn clear(&mut self) {
        self.deliveries.clear();
        self.corrupt = false;
        self.shown = Shown::default();
    }

    /// Lets go of partitions that were taken away.
    pub fn retain(&mut self, mut keep: impl FnMut(&TopicPartition) -> bool) {
        self.deliveries.retain(|delivery| keep(&delivery.partition));
    }

    /// Whether there is nothing to put: the call only tells that time has passed.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    /// What the last call of [`for_each`](Self::for_each) or [`deliveries`](Self::deliveries) has shown.
    pub fn shown(&self) -> Shown {
        self.shown
    }

    /// Whether a batch turned out to be invalid while it was read, whatever the task made of that.
    pub fn found_corrupt(&self) -> bool {
        self.corrupt
    }

    /// The offset after the last record, by partition.
    pub fn next_offsets(&self) -> Offsets {
        let mut offsets = Offsets::new();
        for delivery in &self.deliveries {
            let next = delivery
                .batch
                .header()
                .next_offset()
                .max(delivery.from_offset);
            match offsets.get(&delivery.partition) {
                Some(known) if known >= next => {}
                _ => offsets.set(delivery.partition.clone(), next),
            }
        }
        offsets
    }

    /// The batches as the broker stores them, for tasks that take [`InputForm::Batches`](super::InputForm::Batches).
    ///
    /// # Errors
    /// [`ConnectError::Corrupt`] when a batch fails its checksum; hand it on.
    pub fn deliveries(&mut self) -> Result<&[Delivery], ConnectError> {
        if self.checks_crc {
            for delivery in &self.deliveries {
                if let Err(source) = delivery.batch.verify_crc() {
                    self.corrupt = true;
                    return Err(delivery.corrupt(source));
                }
            }
        }
        self.shown = Shown::default();
        for delivery in &self.deliveries {
            // A batch may hold fewer records after compaction, but never more than it claims.
            let header = delivery.batch.header();
            self.shown.records += u64::try_from(header.record_count).unwrap_or(0);
            self.shown.bytes += delivery.batch.bytes().len() as u64;
        }
        Ok(&self.deliveries)
    }

    /// Shows each record in turn.
    ///
    /// # Errors
    /// [`ConnectError::Corrupt`] when a batch is invalid, and what `show` returns; hand both on.
    #[inline]
    pub fn for_each(
        &mut self,
        mut show: impl FnMut(&SinkRecord<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let Self {
            deliveries,
            plan,
            inflater,
            checks_crc,
            corrupt,
            shown,
        } = self;
        *shown = Shown::default();
        for delivery in deliveries.iter() {
            if *checks_crc {
                delivery.batch.verify_crc().map_err(|source| {
                    *corrupt = true;
                    delivery.corrupt(source)
                })?;
            }
            delivery.for_each(plan, inflater, corrupt, shown, &mut show)?;
        }
        Ok(())
    }
}

impl Delivery {
    #[inline]
    fn for_each(
        &self,
        plan: &Plan,
        inflater: &mut Inflater,
        corrupt: &mut bool,
        shown: &mut Shown,
        show: &mut impl FnMut(&SinkRecord<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let mut invalid = |source| {
            *corrupt = true;
            self.corrupt(source)
        };
        let timestamp_type = self.batch.header().timestamp_type();
        // Counted apart, so that the loop keeps both in registers.
        let mut count = Shown::default();
        let opened = inflater.open(&self.batch).map_err(&mut invalid)?;
        for record in opened.records() {
            let record: RecordRef<'_> = record.map_err(&mut invalid)?;
            if record.offset < self.from_offset {
                continue;
            }
            count.records += 1;
            let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
            count.bytes += size(record.key) + size(record.value);
            show(&SinkRecord {
                partition: &self.partition,
                timestamp_type,
                record,
                plan,
            })?;
        }
        shown.records += count.records;
        shown.bytes += count.bytes;
        Ok(())
    }

    fn corrupt(&self, source: crate::batch::BatchError) -> ConnectError {
        let offset = self.batch.header().base_offset;
        ConnectError::Corrupt {
            partition: self.partition.clone(),
            offset,
            source,
        }
    }
}
