//! The 61 bytes in front of every batch, parsed once and copied freely.

use bytes::BufMut;

use crate::batch::{BatchError, Codec, HeaderFault};

/// Bytes of a batch header, from the base offset to the record count.
pub const BATCH_HEADER_BYTES: usize = 61;

/// Bytes in front of the part that `batch_length` counts: the base offset and the length itself.
pub(super) const LENGTH_PREFIX_BYTES: usize = 12;
/// Where the checksum starts to count: behind itself, at the attributes.
pub(super) const CRC_COVERS_FROM: usize = 21;
/// Where the format number stands; the same in every format.
pub(super) const MAGIC_AT: usize = 16;
/// The only record format of this module.
pub(super) const MAGIC: i8 = 2;

const CODEC_MASK: i16 = 0x07;
const TIMESTAMP_TYPE_FLAG: i16 = 0x08;
pub(super) const TRANSACTIONAL_FLAG: i16 = 0x10;
const CONTROL_FLAG: i16 = 0x20;
/// The base timestamp is the time from which on a tombstone may be removed.
pub(super) const DELETE_HORIZON_FLAG: i16 = 0x40;

/// A parsed batch header. Field order is that of the wire; the magic is always 2.
///
/// # Source
/// `org.apache.kafka.common.record.DefaultRecordBatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record that the batch held when it was written. Compaction may have removed that record.
    pub base_offset: i64,
    /// Bytes behind this field: 49 bytes of header and the record section.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch; -1 if unknown.
    pub partition_leader_epoch: i32,
    /// CRC-32C over everything from the attributes to the end.
    pub crc: u32,
    /// Codec (bits 0 to 2), timestamp type (3), transactional (4), control (5), delete horizon (6).
    pub attributes: i16,
    /// Last offset of the batch minus the base offset; stays when compaction removes the last record.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas count from, in milliseconds since 1970; the delete horizon where bit 6 is set.
    pub base_timestamp: i64,
    /// Largest timestamp in milliseconds, or the append time where the timestamp type says so.
    pub max_timestamp: i64,
    /// Producer that wrote the batch; -1 without idempotence.
    pub producer_id: i64,
    /// Epoch of the producer; -1 without idempotence.
    pub producer_epoch: i16,
    /// Sequence number of the first record; -1 without idempotence.
    pub base_sequence: i32,
    /// Records that the section holds; 0 where compaction emptied the batch.
    pub record_count: i32,
}

impl BatchHeader {
    /// Offset of the last record that the batch held when it was written.
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .saturating_add(self.last_offset_delta.into())
    }

    /// Where reading goes on after this batch, also when compaction has removed its last records (KAFKA-5443).
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// How the record section is compressed.
    ///
    /// # Errors
    /// [`HeaderFault::Codec`] for the numbers 5 to 7, which nobody has defined.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        let [number, _] = (self.attributes & CODEC_MASK).to_le_bytes();
        Codec::from_number(number).ok_or_else(|| self.fault(HeaderFault::Codec(number)))
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_FLAG != 0
    }

    /// Whether the batch is a marker for Kafka itself, never for the application.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_FLAG != 0
    }

    /// Whose clock the records' timestamps come from.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & TIMESTAMP_TYPE_FLAG == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Parses the header of a batch whose magic is known to be 2.
    pub(super) fn parse(bytes: &[u8; BATCH_HEADER_BYTES]) -> Result<Self, BatchError> {
        let mut fields = Fields(bytes);
        let header = Self {
            base_offset: i64::from_be_bytes(fields.take()),
            batch_length: i32::from_be_bytes(fields.take()),
            partition_leader_epoch: i32::from_be_bytes(fields.take()),
            crc: {
                let [_magic] = fields.take();
                u32::from_be_bytes(fields.take())
            },
            attributes: i16::from_be_bytes(fields.take()),
            last_offset_delta: i32::from_be_bytes(fields.take()),
            base_timestamp: i64::from_be_bytes(fields.take()),
            max_timestamp: i64::from_be_bytes(fields.take()),
            producer_id: i64::from_be_bytes(fields.take()),
            producer_epoch: i16::from_be_bytes(fields.take()),
            base_sequence: i32::from_be_bytes(fields.take()),
            record_count: i32::from_be_bytes(fields.take()),
        };
        header.check()?;
        Ok(header)
    }

    /// Writes the header as it stands, checksum included.
    pub(super) fn write(&self, out: &mut [u8; BATCH_HEADER_BYTES]) {
        let mut out = out.as_mut_slice();
        out.put_i64(self.base_offset);
        out.put_i32(self.batch_length);
        out.put_i32(self.partition_leader_epoch);
        out.put_i8(MAGIC);
        out.put_u32(self.crc);
        out.put_i16(self.attributes);
        out.put_i32(self.last_offset_delta);
        out.put_i64(self.base_timestamp);
        out.put_i64(self.max_timestamp);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        out.put_i32(self.base_sequence);
        out.put_i32(self.record_count);
    }

    pub(super) fn fault(&self, fault: HeaderFault) -> BatchError {
        BatchError::Header {
            base_offset: self.base_offset,
            fault,
        }
    }

    fn check(&self) -> Result<(), BatchError> {
        if self.record_count < 0 {
            return Err(self.fault(HeaderFault::RecordCount(self.record_count)));
        }
        let last = self.base_offset.checked_add(self.last_offset_delta.into());
        // The offset after the last one must exist too: it is where reading goes on.
        if self.base_offset < 0
            || self.last_offset_delta < 0
            || last.is_none_or(|last| last == i64::MAX)
        {
            return Err(self.fault(HeaderFault::Offsets {
                first: self.base_offset,
                last_delta: self.last_offset_delta,
            }));
        }
        Ok(())
    }
}

/// Whose clock a batch's timestamps come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's: every record has its own.
    CreateTime,
    /// The broker's: one for the whole batch, its `max_timestamp`.
    LogAppendTime,
}

/// Attribute bits for a batch to be written.
pub(super) fn attributes(
    codec: Codec,
    timestamp_type: TimestampType,
    is_transactional: bool,
    is_control: bool,
) -> i16 {
    let flag = |set: bool, bit: i16| if set { bit } else { 0 };
    i16::from(codec.number())
        | flag(
            timestamp_type == TimestampType::LogAppendTime,
            TIMESTAMP_TYPE_FLAG,
        )
        | flag(is_transactional, TRANSACTIONAL_FLAG)
        | flag(is_control, CONTROL_FLAG)
}

/// Fixed-width fields, one after another. Their widths add up to the header's, so none is ever missing.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *field
    }
}
