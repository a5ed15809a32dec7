//! What one `put` hands over: fetched record batches, opened one at a time while they are in the core's cache.

use crate::batch::{BatchError, Inflater, RawBatch, RecordRef};
use crate::error::ConnectError;
use crate::errors::{BadRecord, ErrorLog};
use crate::plan::Plan;
use crate::sink::SinkRecord;
use crate::sink::faults::{Bad, Cursor, Faults};
use crate::sink::record::Content;
use crate::topic::{Offsets, TopicPartition};

/// The records of one [`put`](crate::sink::SinkTask::put): whole record batches of one or more partitions, in offset
/// order within each. A handle: delivering it again costs nothing.
///
/// Where many records turn out bad, it is put in parts, so that what has to be told of them stays bounded.
#[derive(Debug)]
pub struct SinkBatch {
    deliveries: Vec<Delivery>,
    plan: Plan,
    inflater: Inflater,
    faults: Faults,
    checks_crc: bool,
    spoiled: bool,
    shown: Shown,
    /// Where the part at hand begins.
    begin: Cursor,
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
    pub fn new(plan: Plan, inflater: Inflater, errors: ErrorLog, checks_crc: bool) -> Self {
        Self {
            deliveries: Vec::new(),
            plan,
            inflater,
            faults: Faults::new(errors),
            checks_crc,
            spoiled: false,
            shown: Shown::default(),
            begin: Cursor::default(),
        }
    }

    /// Adds a delivery.
    pub fn push(&mut self, delivery: Delivery) {
        self.deliveries.push(delivery);
    }

    /// Lets go of everything, once it was put.
    pub fn clear(&mut self) {
        self.deliveries.clear();
        self.spoiled = false;
        self.shown = Shown::default();
        self.begin_anew();
    }

    /// Lets go of partitions that were taken away.
    pub fn retain(&mut self, mut keep: impl FnMut(&TopicPartition) -> bool) {
        // What stays is put from its beginning: places of the parts before have no meaning any more.
        self.begin_anew();
        self.deliveries.retain(|delivery| keep(&delivery.partition));
    }

    fn begin_anew(&mut self) {
        self.begin = Cursor::default();
        self.faults.begin_anew();
    }

    /// For the worker: whether a task may take the batches unopened.
    pub fn keeps_batches(&self) -> bool {
        self.plan.keeps_batches()
    }

    /// Whether there is nothing to put: the call only tells that time has passed.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    /// How many bytes the batches have, as the broker stores them.
    pub fn size(&self) -> u64 {
        self.deliveries
            .iter()
            .map(|delivery| delivery.batch.bytes().len() as u64)
            .sum()
    }

    /// What the last call of [`for_each`](Self::for_each) or [`deliveries`](Self::deliveries) has shown.
    pub fn shown(&self) -> Shown {
        self.shown
    }

    /// For the worker: whether a batch turned out to be invalid, whatever the task made of the error.
    pub fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// For the worker: the part at hand was put. Answers whether there is another.
    pub fn next_part(&mut self) -> bool {
        let Some(end) = self.faults.take_end() else {
            return false;
        };
        self.begin = end;
        true
    }

    /// For the worker: the offset after the last record up to the end of the part at hand, by partition, where that is not
    /// the end of the batch.
    pub fn part_offsets(&self) -> Option<Offsets> {
        let end = self.faults.end()?;
        let mut offsets = next_offsets(self.deliveries.iter().take(end.delivery));
        if let Some(delivery) = self.deliveries.get(end.delivery) {
            offsets.set(
                delivery.partition.clone(),
                end.offset.max(delivery.from_offset),
            );
        }
        Some(offsets)
    }

    /// For the worker: takes the error of the record that the part at hand ends before, if it was bad and must not be
    /// skipped.
    pub fn take_failure(&mut self) -> Option<ConnectError> {
        self.faults.take_failure()
    }

    /// For the worker: takes the bad records that the last call has met.
    pub fn take_bad_records(&mut self) -> Vec<BadRecord> {
        self.faults.take()
    }

    /// For the worker: what went wrong, if the part at hand begins with so many bad records that they count as an outage.
    /// The same part has to be put again.
    pub fn take_outage(&mut self) -> Option<String> {
        self.faults.take_outage()
    }

    /// For the worker: what went wrong, if the first record of the part at hand failed in a step that wants to be tried
    /// again. The same part has to be put again.
    pub fn take_retry(&mut self) -> Option<String> {
        self.faults.take_retry()
    }

    /// For the worker: that record has been tried often enough.
    pub fn give_up_retry(&mut self) {
        self.faults.give_up();
    }

    /// For the worker: the part at hand comes again, so that what was bad in it is forgotten.
    pub fn forget_bad_records(&mut self) {
        self.faults.forget();
    }

    /// The offset after the last record, by partition.
    pub fn next_offsets(&self) -> Offsets {
        next_offsets(self.deliveries.iter())
    }

    /// The batches as the broker stores them, for tasks that take [`InputForm::Batches`](super::InputForm::Batches).
    ///
    /// # Errors
    /// [`ConnectError::Corrupt`] when a batch fails its checksum; hand it on.
    pub fn deliveries(&mut self) -> Result<&[Delivery], ConnectError> {
        if self.checks_crc {
            for delivery in &self.deliveries {
                if let Err(source) = delivery.batch.verify_crc() {
                    return Err(delivery.spoil(&mut self.spoiled, source));
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

    /// Shows each record in turn, up to the first that is bad and must not be skipped: what comes before it is put and
    /// committed, so that nothing comes twice when the task begins again, and then the worker fails the task.
    ///
    /// # Errors
    /// [`ConnectError::Corrupt`] when a batch is invalid, and what `show` returns; hand both on.
    #[inline]
    pub fn for_each(
        &mut self,
        mut show: impl FnMut(&SinkRecord<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        self.shown = Shown::default();
        self.faults.begin_part();
        let is_lazy = self.plan.is_lazy();
        for index in self.begin.delivery..self.deliveries.len() {
            if is_lazy {
                self.show_lazily(index, &mut show)?;
            } else {
                self.show_converted(index, &mut show)?;
            }
            if self.faults.end().is_some() {
                break;
            }
        }
        Ok(())
    }

    /// The loop of plans without a step that could fail: nothing is done per record that nobody asks for.
    #[inline]
    fn show_lazily(
        &mut self,
        index: usize,
        show: &mut impl FnMut(&SinkRecord<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let Self {
            deliveries,
            plan,
            inflater,
            checks_crc,
            spoiled,
            shown,
            ..
        } = self;
        let Some(delivery) = deliveries.get(index) else {
            return Ok(());
        };
        let timestamp_type = delivery.batch.header().timestamp_type();
        // Counted apart, so that the loop keeps both in registers.
        let mut count = Shown::default();
        let opened = delivery
            .open(inflater, *checks_crc)
            .map_err(|source| delivery.spoil(spoiled, source))?;
        for record in opened.records() {
            let record: RecordRef<'_> = record.map_err(|source| delivery.spoil(spoiled, source))?;
            if record.offset < delivery.from_offset {
                continue;
            }
            count.add(&record);
            let content = Content::Lazy(plan);
            show(&SinkRecord {
                partition: &delivery.partition,
                timestamp_type,
                record,
                content,
            })?;
        }
        shown.records += count.records;
        shown.bytes += count.bytes;
        Ok(())
    }

    /// The loop of all other plans: a record that cannot be converted or transformed is told apart before the sink sees
    /// it.
    fn show_converted(
        &mut self,
        index: usize,
        show: &mut impl FnMut(&SinkRecord<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let Self {
            deliveries,
            plan,
            inflater,
            faults,
            checks_crc,
            spoiled,
            shown,
            begin,
        } = self;
        let Some(delivery) = deliveries.get(index) else {
            return Ok(());
        };
        let partition = &delivery.partition;
        let timestamp_type = delivery.batch.header().timestamp_type();
        let opened = delivery
            .open(inflater, *checks_crc)
            .map_err(|source| delivery.spoil(spoiled, source))?;
        let mut from_offset = delivery.from_offset;
        if index == begin.delivery {
            from_offset = from_offset.max(begin.offset);
        }
        for record in opened.records() {
            let record: RecordRef<'_> = record.map_err(|source| delivery.spoil(spoiled, source))?;
            if record.offset < from_offset {
                continue;
            }
            match plan.apply(partition, timestamp_type, &record) {
                Ok(converted) => {
                    faults.on_good();
                    shown.add(&record);
                    let Some(converted) = converted else {
                        continue;
                    };
                    let content = Content::Converted(&converted);
                    show(&SinkRecord {
                        partition,
                        timestamp_type,
                        record,
                        content,
                    })?;
                }
                Err(failure) => {
                    let at = Cursor {
                        delivery: index,
                        offset: record.offset,
                    };
                    let bad = Bad {
                        at,
                        partition,
                        timestamp_type,
                        record: &record,
                        failure,
                    };
                    faults.on_bad(bad, shown);
                    if faults.end().is_some() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The offset after the last record of these, by partition.
fn next_offsets<'a>(deliveries: impl Iterator<Item = &'a Delivery>) -> Offsets {
    let mut offsets = Offsets::new();
    for delivery in deliveries {
        let next = delivery.batch.header().next_offset();
        let next = next.max(delivery.from_offset);
        match offsets.get(&delivery.partition) {
            Some(known) if known >= next => {}
            _ => offsets.set(delivery.partition.clone(), next),
        }
    }
    offsets
}

impl Shown {
    #[inline]
    pub(super) fn add(&mut self, record: &RecordRef<'_>) {
        let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
        self.records += 1;
        self.bytes += size(record.key) + size(record.value);
    }
}

impl Delivery {
    #[inline]
    fn open<'a>(
        &'a self,
        inflater: &'a mut Inflater,
        checks_crc: bool,
    ) -> Result<crate::batch::RecordBatch<'a>, BatchError> {
        if checks_crc {
            self.batch.verify_crc()?;
        }
        inflater.open(&self.batch)
    }

    fn spoil(&self, spoiled: &mut bool, source: BatchError) -> ConnectError {
        *spoiled = true;
        let offset = self.batch.header().base_offset;
        ConnectError::Corrupt {
            partition: self.partition.clone(),
            offset,
            source,
        }
    }
}

#[cfg(test)]
mod tests;
