//! What can be wrong with a record batch. Every fault names the batch by its base offset, so that an operator can find it.

use crate::batch::Codec;

/// A batch that cannot be read.
///
/// None of these goes away by reading the same bytes again, and none allows the position to move past the batch: fetch it
/// anew with a back-off, and fail the task with the offset once that has not helped. See [`BatchError::may_be_transport`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The batch is in a format from before Kafka 0.11.
    #[error(
        "batch at offset {base_offset} has record format v{magic}, from before Kafka 0.11; only v2 is read"
    )]
    OldMagic {
        /// First offset of the batch.
        base_offset: i64,
        /// The format it claims: 0 or 1.
        magic: i8,
    },
    /// The batch is in a format that nobody has defined.
    #[error("batch at offset {base_offset} has unknown record format v{magic}")]
    UnknownMagic {
        /// First offset of the batch.
        base_offset: i64,
        /// The format it claims.
        magic: i8,
    },
    /// The header contradicts itself.
    #[error("batch at offset {base_offset} has a bad header: {fault}")]
    Header {
        /// First offset of the batch, as it claims.
        base_offset: i64,
        /// What is wrong.
        fault: HeaderFault,
    },
    /// The checksum does not match the bytes.
    #[error(
        "batch at offset {base_offset} is corrupt: crc is {actual:#010x}, header says {expected:#010x}"
    )]
    Crc {
        /// First offset of the batch.
        base_offset: i64,
        /// What the header says.
        expected: u32,
        /// What the bytes give.
        actual: u32,
    },
    /// The record section cannot be decompressed.
    #[error("batch at offset {base_offset} cannot be decompressed as {codec}: {fault}")]
    Inflate {
        /// First offset of the batch.
        base_offset: i64,
        /// The codec that the header names.
        codec: Codec,
        /// What is wrong.
        fault: CodecFault,
    },
    /// A record, or the number of records, is wrong.
    #[error("record {index} of the batch at offset {base_offset} is malformed: {fault}")]
    Record {
        /// First offset of the batch.
        base_offset: i64,
        /// Position of the record in the batch, from 0.
        index: i32,
        /// What is wrong.
        fault: RecordFault,
    },
}

impl BatchError {
    /// First offset of the batch in question, as its header claims.
    pub fn base_offset(&self) -> i64 {
        match self {
            Self::OldMagic { base_offset, .. }
            | Self::UnknownMagic { base_offset, .. }
            | Self::Header { base_offset, .. }
            | Self::Crc { base_offset, .. }
            | Self::Inflate { base_offset, .. }
            | Self::Record { base_offset, .. } => *base_offset,
        }
    }

    /// Whether the bytes may have been damaged on their way, so that another fetch may bring them whole.
    ///
    /// An old format and a batch over its limit are what the log holds: fetching again cannot help.
    pub fn may_be_transport(&self) -> bool {
        match self {
            Self::OldMagic { .. } => false,
            Self::Inflate { fault, .. } => matches!(fault, CodecFault::Corrupt(_)),
            _ => true,
        }
    }
}

/// What is wrong with a batch header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// The length is negative, or shorter than the header itself.
    #[error("length {0} is shorter than the header")]
    Length(i32),
    /// The record count is negative.
    #[error("record count {0} is negative")]
    RecordCount(i32),
    /// The first or last offset is negative or does not fit.
    #[error("offsets {first} + {last_delta} are out of range")]
    Offsets {
        /// The base offset.
        first: i64,
        /// The last offset delta.
        last_delta: i32,
    },
    /// The attributes name a codec that nobody has defined.
    #[error("codec {0} is unknown")]
    Codec(u8),
    /// A control batch that is compressed, or whose first record is no control record.
    #[error("control record is malformed")]
    Control,
}

/// What is wrong with a compressed record section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecFault {
    /// The bytes are not what the codec writes.
    #[error("{0}")]
    Corrupt(&'static str),
    /// A zstd frame wants more memory beside its output than it may have.
    #[error("zstd window exceeds the limit of {limit} bytes")]
    OverWindow {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The records are larger than a batch may become.
    #[error("records exceed the limit of {limit} bytes")]
    OverLimit {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// What is wrong with a record, or with its place in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The bytes end before the record does.
    #[error("bytes end inside the record")]
    Short,
    /// A variable-length integer is cut off, or wider than its type.
    #[error("malformed variable-length integer")]
    Varint,
    /// A length or count is negative.
    #[error("negative length")]
    NegativeLength,
    /// The batch claims more records than its bytes can hold.
    #[error("record count exceeds what the bytes can hold")]
    TooMany,
    /// Bytes are left after the last record.
    #[error("bytes follow the last record")]
    Trailing,
    /// The offset does not lie between the previous record's and the last of the batch.
    #[error("offset delta {0} is out of order")]
    OffsetDelta(i32),
    /// The headers do not fit their count or the record's length.
    #[error("malformed headers")]
    Headers,
}
