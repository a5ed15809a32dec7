//! From the bytes of one partition's fetch to its batches: only headers are read, nothing is copied.

use std::fmt;

use bytes::Bytes;

use crate::batch::crc::crc32c;
use crate::batch::header::{CRC_COVERS_FROM, LENGTH_PREFIX_BYTES, MAGIC, MAGIC_AT};
use crate::batch::{BATCH_HEADER_BYTES, BatchError, BatchHeader, HeaderFault};

/// Walks the batches of one partition's fetched bytes.
///
/// Brokers cut a fetch at a byte limit, so the last batch is often truncated: that ends the walk without an error, and
/// [`Batches::rest`] tells how much is left. The walk also ends after the first error.
///
/// ```
/// use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal, batches};
///
/// let mut writer = BatchWriter::new(BatchOptions::default());
/// writer.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[]).unwrap();
/// let bytes = writer.seal(Seal { base_offset: 7, ..Seal::default() }).unwrap();
///
/// let batch = batches(bytes).next().unwrap().unwrap();
/// batch.verify_crc().unwrap();
/// assert_eq!(batch.header().next_offset(), 8);
/// ```
pub fn batches(records: Bytes) -> Batches {
    Batches {
        rest: records,
        failed: false,
    }
}

/// Iterator over the batches of a fetch; see [`batches`].
#[derive(Debug, Clone)]
pub struct Batches {
    rest: Bytes,
    failed: bool,
}

impl Batches {
    /// Bytes that the walk has not passed: at its end, the truncated last batch.
    ///
    /// A fetch whose walk yields nothing and leaves a rest was too small for the batch at the position.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<RawBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = whole_batch(&self.rest).transpose()?;
        Some(match step {
            Ok((header, size)) => Ok(RawBatch {
                bytes: self.rest.split_to(size),
                header,
            }),
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        })
    }
}

/// One batch as it was fetched: still compressed, not verified. A clone shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBatch {
    bytes: Bytes,
    header: BatchHeader,
}

impl RawBatch {
    /// The parsed header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch: 61 bytes of header and the record section as it was stored.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Checks the bytes against the header's CRC-32C.
    ///
    /// Do this before anything else in the batch is believed. The header fields in front of the checksum (base offset,
    /// length, leader epoch) are not covered by it.
    ///
    /// # Errors
    /// [`BatchError::Crc`]: do not move the position; fetch again.
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let actual = crc32c(self.bytes.get(CRC_COVERS_FROM..).unwrap_or_default());
        if actual == self.header.crc {
            return Ok(());
        }
        Err(BatchError::Crc {
            base_offset: self.header.base_offset,
            expected: self.header.crc,
            actual,
        })
    }

    /// The record section as it was stored.
    pub(super) fn section(&self) -> &[u8] {
        self.bytes.get(BATCH_HEADER_BYTES..).unwrap_or_default()
    }
}

impl fmt::Debug for RawBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawBatch")
            .field("header", &self.header)
            .field("size", &self.bytes.len())
            .finish()
    }
}

/// The header and the size of the batch at the start of `bytes`; `None` if it is not all there.
fn whole_batch(bytes: &[u8]) -> Result<Option<(BatchHeader, usize)>, BatchError> {
    let (Some((offset, after)), Some(&magic)) = (bytes.split_first_chunk(), bytes.get(MAGIC_AT))
    else {
        return Ok(None);
    };
    let base_offset = i64::from_be_bytes(*offset);
    let length = after
        .first_chunk()
        .map_or(0, |length| i32::from_be_bytes(*length));
    let short = BatchError::Header {
        base_offset,
        fault: HeaderFault::Length(length),
    };
    let Some(size) = usize::try_from(length).ok().filter(|length| *length > 0) else {
        return Err(short);
    };
    match magic.cast_signed() {
        MAGIC => {}
        magic @ (0 | 1) => return Err(BatchError::OldMagic { base_offset, magic }),
        magic => return Err(BatchError::UnknownMagic { base_offset, magic }),
    }
    let size = size.saturating_add(LENGTH_PREFIX_BYTES);
    if size < BATCH_HEADER_BYTES {
        return Err(short);
    }
    if size > bytes.len() {
        return Ok(None);
    }
    let Some(header) = bytes.first_chunk() else {
        return Ok(None);
    };
    Ok(Some((BatchHeader::parse(header)?, size)))
}

#[cfg(test)]
mod tests;
