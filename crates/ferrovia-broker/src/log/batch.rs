//! The fixed part of a record batch (format v2): read, validated, and placed in the log.
//!
//! # Source
//! `org.apache.kafka.common.record.DefaultRecordBatch`.

use bytes::{Buf, BytesMut};
use kafka_protocol::ResponseError;

/// Bytes before the first record.
pub(crate) const HEADER_BYTES: usize = 61;

/// Bytes that the batch length field does not count: base offset and the length itself.
pub(crate) const LENGTH_OVERHEAD: usize = 12;

/// Where the checksummed part begins (at the attributes).
const CRC_COVERS_FROM: usize = 21;

const MAGIC: i8 = 2;
const COMPRESSION_BITS: i16 = 0x07;
pub(super) const TRANSACTIONAL_BIT: i16 = 0x10;
pub(super) const CONTROL_BIT: i16 = 0x20;

/// The fields of a batch header that the log needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// The whole batch, in bytes.
    pub(crate) size: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
    pub(crate) magic: i8,
    pub(crate) crc: u32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; `None` if that is not one whole header with a
    /// possible length.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut head = bytes.get(..HEADER_BYTES)?;
        let base_offset = head.get_i64();
        let length = usize::try_from(head.get_i32()).ok()?;
        let size = length
            .checked_add(LENGTH_OVERHEAD)
            .filter(|size| *size >= HEADER_BYTES)?;
        let _leader_epoch = head.get_i32();
        Some(Self {
            base_offset,
            size: u32::try_from(size).ok()?,
            magic: head.get_i8(),
            crc: head.get_u32(),
            attributes: head.get_i16(),
            last_offset_delta: head.get_i32(),
            base_timestamp: head.get_i64(),
            max_timestamp: head.get_i64(),
            producer_id: head.get_i64(),
            producer_epoch: head.get_i16(),
            base_sequence: head.get_i32(),
            record_count: head.get_i32(),
        })
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset
            .saturating_add(i64::from(self.last_offset_delta))
    }

    /// Whether the batch belongs to a transaction.
    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Whether the batch holds markers instead of records.
    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    fn is_compressed(&self) -> bool {
        self.attributes & COMPRESSION_BITS != 0
    }

    /// Whether the checksum over `batch` (the whole batch) holds.
    pub(crate) fn crc_holds(&self, batch: &[u8]) -> bool {
        batch
            .get(CRC_COVERS_FROM..)
            .is_some_and(|covered| crc32c::crc32c(covered) == self.crc)
    }
}

/// Checks what a producer sent for one partition: exactly one intact, ordinary batch.
///
/// # Errors
/// The Kafka error for the producer.
pub(crate) fn validate(records: &[u8], bytes_max: usize) -> Result<BatchHeader, ResponseError> {
    let header = BatchHeader::read(records).ok_or(ResponseError::CorruptMessage)?;
    if header.magic != MAGIC {
        return Err(ResponseError::UnsupportedForMessageFormat);
    }
    let size = usize::try_from(header.size).unwrap_or(usize::MAX);
    if size > records.len() {
        return Err(ResponseError::CorruptMessage);
    }
    if size < records.len() {
        return Err(ResponseError::InvalidRecord);
    }
    if size > bytes_max {
        return Err(ResponseError::MessageTooLarge);
    }
    if !header.crc_holds(records) {
        return Err(ResponseError::CorruptMessage);
    }
    if header.record_count <= 0 || header.last_offset_delta != header.record_count - 1 {
        return Err(ResponseError::InvalidRecord);
    }
    if header.is_control() || (header.is_transactional() && header.producer_id < 0) {
        return Err(ResponseError::InvalidRecord);
    }
    Ok(header)
}

/// Fills in the length and the checksum of a batch that is otherwise complete.
pub(super) fn seal(batch: &mut BytesMut) {
    let length = batch.len().saturating_sub(LENGTH_OVERHEAD);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let crc = crc32c::crc32c(batch.get(CRC_COVERS_FROM..).unwrap_or_default());
    for (at, field) in [(8, length), (17, crc)] {
        if let Some(bytes) = batch.get_mut(at..at + 4) {
            bytes.copy_from_slice(&field.to_be_bytes());
        }
    }
}

/// Writes the two header fields that the broker decides. Both lie outside the checksum.
pub(crate) fn place(batch: &mut BytesMut, base_offset: i64, leader_epoch: i32) {
    if let Some(field) = batch.get_mut(..8) {
        field.copy_from_slice(&base_offset.to_be_bytes());
    }
    if let Some(field) = batch.get_mut(12..16) {
        field.copy_from_slice(&leader_epoch.to_be_bytes());
    }
}

/// Offset delta and timestamp of each record of an uncompressed batch, up to the first malformed
/// one; nothing for a compressed batch.
pub(crate) fn record_times(batch: &[u8]) -> impl Iterator<Item = (i64, i64)> + '_ {
    let header = BatchHeader::read(batch).filter(|header| !header.is_compressed());
    let mut rest = batch
        .get(HEADER_BYTES..)
        .filter(|_| header.is_some())
        .unwrap_or_default();
    let base_timestamp = header.map_or(0, |header| header.base_timestamp);
    std::iter::from_fn(move || {
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        let mut record = rest.get(..length)?;
        rest = rest.get(length..)?;
        record = record.get(1..)?;
        let timestamp = base_timestamp.checked_add(varint(&mut record)?)?;
        let offset = varint(&mut record)?;
        Some((offset, timestamp))
    })
}

/// A zigzag varint of at most ten bytes.
fn varint(from: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod testing {
    //! Batches for tests of this crate.

    use bytes::{BufMut, Bytes, BytesMut};

    /// What a test wants in a batch; the default is one empty record at time 0.
    #[derive(Debug, Clone)]
    pub(crate) struct TestBatch {
        pub(crate) timestamps: Vec<i64>,
        pub(crate) value: Vec<u8>,
        pub(crate) producer: (i64, i16, i32),
        pub(crate) attributes: i16,
    }

    impl Default for TestBatch {
        fn default() -> Self {
            Self {
                timestamps: vec![0],
                value: Vec::new(),
                producer: (-1, -1, -1),
                attributes: 0,
            }
        }
    }

    impl TestBatch {
        pub(crate) fn records(count: usize) -> Self {
            Self {
                timestamps: vec![0; count],
                ..Self::default()
            }
        }

        pub(crate) fn sequenced(count: usize, id: i64, epoch: i16, sequence: i32) -> Self {
            Self {
                producer: (id, epoch, sequence),
                ..Self::records(count)
            }
        }

        /// Records of a transaction.
        pub(crate) fn transactional(count: usize, id: i64, epoch: i16, sequence: i32) -> Self {
            Self {
                attributes: super::TRANSACTIONAL_BIT,
                ..Self::sequenced(count, id, epoch, sequence)
            }
        }

        pub(crate) fn bytes(&self) -> Bytes {
            let count = i32::try_from(self.timestamps.len()).unwrap();
            let first = *self.timestamps.first().unwrap();
            let mut out = BytesMut::new();
            out.put_i64(0);
            out.put_i32(0);
            out.put_i32(-1);
            out.put_i8(2);
            out.put_u32(0);
            out.put_i16(self.attributes);
            out.put_i32(count - 1);
            out.put_i64(first);
            out.put_i64(*self.timestamps.iter().max().unwrap());
            out.put_i64(self.producer.0);
            out.put_i16(self.producer.1);
            out.put_i32(self.producer.2);
            out.put_i32(count);
            for (timestamp, offset) in self.timestamps.iter().zip(0..) {
                let mut record = vec![0u8];
                put_varint(&mut record, timestamp - first);
                put_varint(&mut record, offset);
                put_varint(&mut record, -1);
                put_varint(&mut record, i64::try_from(self.value.len()).unwrap());
                record.extend_from_slice(&self.value);
                put_varint(&mut record, 0);
                let mut length = Vec::new();
                put_varint(&mut length, i64::try_from(record.len()).unwrap());
                out.extend_from_slice(&length);
                out.extend_from_slice(&record);
            }
            super::seal(&mut out);
            out.freeze()
        }
    }

    fn put_varint(out: &mut Vec<u8>, value: i64) {
        let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while left >= 0x80 {
            out.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
            left >>= 7;
        }
        out.push(u8::try_from(left).unwrap());
    }
}
