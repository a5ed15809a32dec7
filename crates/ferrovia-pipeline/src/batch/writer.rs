//! From records to a sealed batch, in one pass: records are written straight behind room for the header, which is filled in
//! when the batch is sealed, the checksum last.

use bytes::{Bytes, BytesMut};

use crate::batch::codec::Encoder;
use crate::batch::crc::crc32c;
use crate::batch::fields::HeaderFields;
use crate::batch::header::{CRC_COVERS_FROM, LENGTH_PREFIX_BYTES, attributes};
use crate::batch::record::NULL;
use crate::batch::scratch::Scratch;
use crate::batch::{
    BATCH_HEADER_BYTES, BatchHeader, Codec, CodecFault, Fields, HeaderRef, TimestampType, varint,
};

/// Bytes of compressed output that a writer keeps allocated between batches.
const SCRATCH_BYTES_KEPT: usize = 1024 * 1024;
/// Bytes that a batch may have: its length is a signed 32-bit number.
const BATCH_BYTES_MAX: usize = 0x7fff_ffff;
/// Bytes of a record beside key, value and headers, at most: length, attributes, two deltas, two lengths, header count.
const RECORD_OVERHEAD_BYTES_MAX: usize = 5 + 1 + 10 + 5 + 5 + 5 + 5;
/// Bytes of a record's attributes.
const ATTRIBUTES_BYTES: usize = 1;
/// Assumed size of a compressed batch before the first one is sealed, in thousandths; later the last batch's.
const RATIO_PERMILLE: usize = 1000;

/// How a [`BatchWriter`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// How batches are compressed.
    pub codec: Codec,
    /// Level for gzip (1 to 9) and zstd; `None` is Kafka's default. Snappy has none, and LZ4 is always written fast.
    pub level: Option<i32>,
    /// Bytes at which a batch counts as full. One record may go beyond.
    pub bytes_target: usize,
}

impl Default for BatchOptions {
    /// No compression, and the producer's default `batch.size` of 16 KiB.
    fn default() -> Self {
        Self {
            codec: Codec::None,
            level: None,
            bytes_target: 16 * 1024,
        }
    }
}

/// The idempotent or transactional producer that a batch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// Producer id, as the coordinator gave it.
    pub id: i64,
    /// Epoch of that id.
    pub epoch: i16,
    /// Sequence number of the batch's first record.
    pub base_sequence: i32,
}

/// What is known about a batch only when it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Offset of the first record; a producer leaves it 0.
    pub base_offset: i64,
    /// Epoch of the leader; a producer leaves it -1.
    pub partition_leader_epoch: i32,
    /// The producer, with idempotence.
    pub producer: Option<Producer>,
    /// Whether the batch belongs to a transaction.
    pub is_transactional: bool,
    /// Whether the batch is a marker for Kafka itself.
    pub is_control: bool,
    /// Gives all records this timestamp, as a broker's clock does.
    pub log_append_time: Option<i64>,
    /// Last offset minus the first, where compaction has removed the last records; else that of the last record.
    pub last_offset_delta: Option<i32>,
}

impl Default for Seal {
    /// A producer's batch without idempotence.
    fn default() -> Self {
        Self {
            base_offset: 0,
            partition_leader_epoch: -1,
            producer: None,
            is_transactional: false,
            is_control: false,
            log_append_time: None,
            last_offset_delta: None,
        }
    }
}

/// A record or a batch that cannot be written. The writer is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The batch would become larger than the format can say: seal it first, or refuse the record.
    #[error("batch would exceed {BATCH_BYTES_MAX} bytes")]
    OverLimit,
    /// An offset delta that is not above the last record's.
    #[error("offset delta {0} is out of order")]
    OffsetDelta(i32),
    /// The codec failed, for want of memory.
    #[error("compression failed: {0}")]
    Codec(CodecFault),
}

/// Writes the batches of one partition, one after another.
#[derive(Debug)]
pub struct BatchWriter {
    options: BatchOptions,
    encoder: Encoder,
    packed: Scratch,
    /// Room for the header, and the records so far.
    buffer: BytesMut,
    open: OpenBatch,
    /// Compressed size of the last batch in thousandths of its plain size.
    ratio_permille: usize,
}

/// What the header will say about the records so far.
#[derive(Debug, Clone, Copy, Default)]
struct OpenBatch {
    record_count: i32,
    next_delta: i32,
    /// The first record's timestamp, from which the deltas count.
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchWriter {
    /// A writer with an empty batch; it has allocated nothing yet but the state of its codec.
    pub fn new(options: BatchOptions) -> Self {
        Self {
            encoder: Encoder::new(options.codec, options.level),
            packed: Scratch::new(BATCH_BYTES_MAX, SCRATCH_BYTES_KEPT),
            buffer: BytesMut::new(),
            open: OpenBatch::default(),
            ratio_permille: RATIO_PERMILLE,
            options,
        }
    }

    /// Records in the open batch.
    pub fn record_count(&self) -> i32 {
        self.open.record_count
    }

    /// Whether the open batch holds no record.
    pub fn is_empty(&self) -> bool {
        self.open.record_count == 0
    }

    /// About how many bytes the batch would have if it were sealed now: exact without compression, else by the ratio of
    /// the last batch.
    pub fn bytes_estimate(&self) -> usize {
        let records = self.buffer.len().saturating_sub(BATCH_HEADER_BYTES);
        BATCH_HEADER_BYTES + self.packed_estimate(records)
    }

    /// Whether a record fits below the target. The first record of a batch always does.
    pub fn has_room_for(
        &self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> bool {
        self.has_room(&Fields::new(key, value, headers))
    }

    /// As [`BatchWriter::has_room_for`], of what was counted before.
    #[inline]
    pub fn has_room(&self, record: &Fields<'_>) -> bool {
        let bytes = record.bytes().saturating_add(RECORD_OVERHEAD_BYTES_MAX);
        let bytes = self.packed_estimate(bytes);
        self.is_empty() || self.bytes_estimate().saturating_add(bytes) <= self.options.bytes_target
    }

    /// Appends a record at the next offset. `timestamp` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`WriteError::OverLimit`] if the batch cannot take it at all. Whether it is wise to append is for the caller to ask
    /// first: [`BatchWriter::has_room_for`].
    #[inline]
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> Result<(), WriteError> {
        self.append_fields(timestamp, &Fields::new(key, value, headers))
    }

    /// As [`BatchWriter::append`], of what was counted before.
    ///
    /// # Errors
    /// As [`BatchWriter::append`].
    #[inline]
    pub fn append_fields(&mut self, timestamp: i64, record: &Fields<'_>) -> Result<(), WriteError> {
        self.write(self.open.next_delta, timestamp, record)
    }

    /// Appends a record at an offset of its own, as compaction leaves them: `offset_delta` above the base offset.
    ///
    /// # Errors
    /// As [`BatchWriter::append`], and [`WriteError::OffsetDelta`] if the delta is not above the last record's.
    pub fn append_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> Result<(), WriteError> {
        self.write(offset_delta, timestamp, &Fields::new(key, value, headers))
    }

    fn write(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        record: &Fields<'_>,
    ) -> Result<(), WriteError> {
        if offset_delta < self.open.next_delta || offset_delta == i32::MAX {
            return Err(WriteError::OffsetDelta(offset_delta));
        }
        let base_timestamp = if self.is_empty() {
            timestamp
        } else {
            self.open.base_timestamp
        };
        let timestamp_delta = varint::zigzag(timestamp.wrapping_sub(base_timestamp));
        let offset_zigzag = varint::zigzag(offset_delta.into());
        let deltas = varint::length(timestamp_delta) + varint::length(offset_zigzag);
        let body = record.bytes().saturating_add(ATTRIBUTES_BYTES + deltas);
        let so_far = self.buffer.len().max(BATCH_HEADER_BYTES);
        if body > BATCH_BYTES_MAX - RECORD_OVERHEAD_BYTES_MAX
            || so_far > BATCH_BYTES_MAX - RECORD_OVERHEAD_BYTES_MAX - body
        {
            return Err(WriteError::OverLimit);
        }
        self.make_room(body + RECORD_OVERHEAD_BYTES_MAX);
        let mut out = Out(&mut self.buffer);
        out.put_length(body);
        out.put_u8(0);
        out.put_u64(timestamp_delta);
        out.put_u64(offset_zigzag);
        out.put_nullable(record.key);
        out.put_nullable(record.value);
        out.put_headers(record.headers);

        let first = self.is_empty();
        let open = &mut self.open;
        open.base_timestamp = base_timestamp;
        open.max_timestamp = if first {
            timestamp
        } else {
            open.max_timestamp.max(timestamp)
        };
        open.record_count += 1;
        open.next_delta = offset_delta + 1;
        Ok(())
    }

    /// Compresses and closes the batch, and starts the next one. Without compression nothing is copied.
    ///
    /// A batch without records is written too, as compaction leaves one.
    ///
    /// # Errors
    /// [`WriteError::OffsetDelta`] if the seal's last offset delta is below the last record's or negative,
    /// [`WriteError::Codec`] and [`WriteError::OverLimit`] if the compressed batch does not fit.
    pub fn seal(&mut self, seal: Seal) -> Result<Bytes, WriteError> {
        let last_delta = (self.open.next_delta - 1).max(0);
        let last_offset_delta = seal.last_offset_delta.unwrap_or(last_delta);
        if last_offset_delta < last_delta {
            return Err(WriteError::OffsetDelta(last_offset_delta));
        }
        self.make_room(0);
        let mut batch = if self.options.codec == Codec::None || self.is_empty() {
            self.buffer.split()
        } else {
            self.pack()?
        };
        let header = self.header(&seal, last_offset_delta, batch.len())?;
        finish(&mut batch, header);
        self.buffer.clear();
        self.open = OpenBatch::default();
        Ok(batch.freeze())
    }

    /// The batch with its records compressed.
    fn pack(&mut self) -> Result<BytesMut, WriteError> {
        let plain = self.buffer.get(BATCH_HEADER_BYTES..).unwrap_or_default();
        self.packed.clear();
        self.encoder
            .encode(plain, &mut self.packed)
            .map_err(WriteError::Codec)?;
        let packed = self.packed.filled();
        self.ratio_permille = (packed.len().saturating_mul(1000) / plain.len().max(1)).max(1);
        let mut batch = BytesMut::with_capacity(BATCH_HEADER_BYTES + packed.len());
        batch.extend_from_slice(&[0; BATCH_HEADER_BYTES]);
        batch.extend_from_slice(packed);
        Ok(batch)
    }

    fn header(
        &self,
        seal: &Seal,
        last_offset_delta: i32,
        size: usize,
    ) -> Result<BatchHeader, WriteError> {
        let (base_timestamp, max_timestamp) = if self.is_empty() {
            (-1, -1)
        } else {
            (self.open.base_timestamp, self.open.max_timestamp)
        };
        let timestamp_type = match seal.log_append_time {
            None => TimestampType::CreateTime,
            Some(_) => TimestampType::LogAppendTime,
        };
        let codec = if self.is_empty() {
            Codec::None
        } else {
            self.options.codec
        };
        let producer = seal.producer.unwrap_or(Producer {
            id: -1,
            epoch: -1,
            base_sequence: -1,
        });
        Ok(BatchHeader {
            base_offset: seal.base_offset,
            batch_length: i32::try_from(size - LENGTH_PREFIX_BYTES)
                .map_err(|_| WriteError::OverLimit)?,
            partition_leader_epoch: seal.partition_leader_epoch,
            crc: 0,
            attributes: attributes(
                codec,
                timestamp_type,
                seal.is_transactional,
                seal.is_control,
            ),
            last_offset_delta,
            base_timestamp,
            max_timestamp: seal.log_append_time.unwrap_or(max_timestamp),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: producer.base_sequence,
            record_count: self.open.record_count,
        })
    }

    /// Makes sure that there is room for the header and for `more` bytes of records.
    fn make_room(&mut self, more: usize) {
        if self.buffer.is_empty() {
            let wanted = (BATCH_HEADER_BYTES + more).max(self.plain_target());
            self.buffer.reserve(wanted);
            self.buffer.extend_from_slice(&[0; BATCH_HEADER_BYTES]);
        }
        self.buffer.reserve(more);
    }

    /// Plain bytes that a full batch is expected to have, within reason.
    fn plain_target(&self) -> usize {
        let target = self.options.bytes_target.saturating_mul(1000) / self.ratio_permille;
        target.min(SCRATCH_BYTES_KEPT.max(self.options.bytes_target))
    }

    fn packed_estimate(&self, plain: usize) -> usize {
        if self.options.codec == Codec::None {
            plain
        } else {
            plain.saturating_mul(self.ratio_permille) / 1000
        }
    }
}

/// Writes the header and, last, the checksum.
fn finish(batch: &mut BytesMut, mut header: BatchHeader) {
    if let Some(room) = batch.first_chunk_mut() {
        header.write(room);
    }
    header.crc = crc32c(batch.get(CRC_COVERS_FROM..).unwrap_or_default());
    if let Some(room) = batch.first_chunk_mut() {
        header.write(room);
    }
}

/// The record being written.
struct Out<'a>(&'a mut BytesMut);

impl Out<'_> {
    #[inline(always)]
    fn put_u8(&mut self, byte: u8) {
        self.0.extend_from_slice(&[byte]);
    }

    #[inline(always)]
    fn put_u64(&mut self, value: u64) {
        varint::write_u64(value, |byte| self.put_u8(byte));
    }

    #[inline(always)]
    fn put_length(&mut self, length: usize) {
        self.put_u64(varint::of_length(length));
    }

    #[inline(always)]
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    #[inline(always)]
    fn put_nullable(&mut self, field: Option<&[u8]>) {
        match field {
            None => self.put_u64(NULL.into()),
            Some(bytes) => self.put_bytes(bytes),
        }
    }

    #[inline(always)]
    fn put_headers(&mut self, headers: HeaderFields<'_>) {
        match headers {
            HeaderFields::Apart(headers) => {
                self.put_length(headers.len());
                for header in headers {
                    self.put_bytes(header.key);
                    self.put_nullable(header.value);
                }
            }
            HeaderFields::Written(headers) => {
                self.put_length(headers.count());
                self.0.extend_from_slice(headers.bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests;
