//! The records of an open batch, one borrowed view after another. This is the hottest loop of the worker: no allocation,
//! no reference count, no call per field.

use std::iter::FusedIterator;

use crate::batch::headers::RawHeaders;
use crate::batch::{BatchError, BatchHeader, RecordFault, TimestampType, varint};

/// Bytes of the smallest record: one each for length, attributes, the two deltas, key, value and header count.
pub(super) const RECORD_BYTES_MIN: usize = 7;

/// One record, borrowed from its batch.
///
/// # Source
/// `org.apache.kafka.common.record.DefaultRecord`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Position in the partition.
    pub offset: i64,
    /// Milliseconds since 1970: the record's own, or the append time of its batch.
    pub timestamp: i64,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, not parsed yet.
    pub headers: RawHeaders<'a>,
}

/// Iterator over the records of a batch. It ends after the first error.
///
/// The bytes must hold exactly the records that the header counts, with rising offsets up to the batch's last.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    /// Records still to come.
    left: i32,
    /// Offset delta of the record before, which the next one must exceed.
    previous_delta: i32,
    last_delta: i32,
    base_offset: i64,
    base_timestamp: i64,
    /// The timestamp of every record, where the broker's clock counts.
    append_time: Option<i64>,
    count: i32,
}

impl<'a> Records<'a> {
    pub(super) fn new(header: &BatchHeader, section: &'a [u8]) -> Self {
        Self {
            rest: section,
            left: header.record_count,
            previous_delta: -1,
            last_delta: header.last_offset_delta,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            append_time: (header.timestamp_type() == TimestampType::LogAppendTime)
                .then_some(header.max_timestamp),
            count: header.record_count,
        }
    }

    #[inline(always)]
    fn read(&mut self) -> Result<RecordRef<'a>, RecordFault> {
        let (length, rest) = read_length(self.rest)?;
        let (body, after) = rest.split_at_checked(length).ok_or(RecordFault::Short)?;
        let (_attributes, body) = body.split_first().ok_or(RecordFault::Short)?;
        let (timestamp_delta, body) = varint::read_i64(body).ok_or(RecordFault::Varint)?;
        let (offset_delta, body) = varint::read_i32(body).ok_or(RecordFault::Varint)?;
        if offset_delta <= self.previous_delta || offset_delta > self.last_delta {
            return Err(RecordFault::OffsetDelta(offset_delta));
        }
        let (key, body) = read_nullable(body)?;
        let (value, body) = read_nullable(body)?;
        let headers = RawHeaders::new(body)?;
        self.rest = after;
        self.left -= 1;
        self.previous_delta = offset_delta;
        Ok(RecordRef {
            offset: self.base_offset.wrapping_add(offset_delta.into()),
            timestamp: match self.append_time {
                None => self.base_timestamp.wrapping_add(timestamp_delta),
                Some(append_time) => append_time,
            },
            key,
            value,
            headers,
        })
    }

    #[cold]
    fn fail(&mut self, fault: RecordFault) -> BatchError {
        let index = self.count - self.left;
        self.left = 0;
        self.rest = &[];
        BatchError::Record {
            base_offset: self.base_offset,
            index,
            fault,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordRef<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left > 0 {
            return Some(self.read().map_err(|fault| self.fail(fault)));
        }
        if self.rest.is_empty() {
            return None;
        }
        Some(Err(self.fail(RecordFault::Trailing)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // A malformed record ends the walk early, and trailing bytes add one error.
        (
            0,
            usize::try_from(self.left)
                .ok()
                .and_then(|left| left.checked_add(1)),
        )
    }
}

impl FusedIterator for Records<'_> {}

/// Reads a length that must not be negative.
#[inline(always)]
pub(super) fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), RecordFault> {
    let (zigzag, rest) = varint::read_u32(bytes).ok_or(RecordFault::Varint)?;
    if zigzag & 1 == 1 {
        return Err(RecordFault::NegativeLength);
    }
    Ok(((zigzag >> 1) as usize, rest))
}

/// Stands for no bytes, where a length might.
pub(super) const NULL: u32 = 1;

/// Reads a length and that many bytes; a length of -1 stands for none.
#[inline(always)]
pub(super) fn read_nullable(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), RecordFault> {
    let (zigzag, rest) = varint::read_u32(bytes).ok_or(RecordFault::Varint)?;
    if zigzag & 1 == 0 {
        let (field, rest) = rest
            .split_at_checked((zigzag >> 1) as usize)
            .ok_or(RecordFault::Short)?;
        Ok((Some(field), rest))
    } else if zigzag == NULL {
        Ok((None, rest))
    } else {
        Err(RecordFault::NegativeLength)
    }
}

#[cfg(test)]
mod tests;
