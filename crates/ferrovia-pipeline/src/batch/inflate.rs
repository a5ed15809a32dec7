//! From a batch as it was stored to its record section: borrowed, or decompressed into a reused and capped buffer.

use crate::batch::codec::Decoders;
use crate::batch::record::{RECORD_BYTES_MIN, Records};
use crate::batch::scratch::Scratch;
use crate::batch::{BatchError, BatchHeader, Codec, RawBatch, RecordFault};

/// Bounds on what decompression may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InflateLimits {
    /// Bytes that one batch may become. A batch beyond it is an error, found before that much is allocated.
    pub batch_bytes_max: usize,
    /// Bytes of buffer that stay allocated between batches, and the most that is allocated on a frame's own word.
    pub scratch_bytes_kept: usize,
    /// Base-2 logarithm of the largest zstd window. A zstd frame that is decoded piece by piece may cost one window of
    /// memory beside the batch itself.
    pub zstd_window_log_max: u32,
}

impl Default for InflateLimits {
    fn default() -> Self {
        Self {
            batch_bytes_max: 256 * 1024 * 1024,
            scratch_bytes_kept: 8 * 1024 * 1024,
            zstd_window_log_max: 27,
        }
    }
}

/// Opens batches. Keep one per thread: it owns the buffer and the state of the codecs.
#[derive(Debug)]
pub struct Inflater {
    decoders: Decoders,
    scratch: Scratch,
}

impl Inflater {
    /// An inflater that has allocated nothing yet.
    pub fn new(limits: InflateLimits) -> Self {
        Self {
            decoders: Decoders::new(limits),
            scratch: Scratch::new(limits.batch_bytes_max, limits.scratch_bytes_kept),
        }
    }

    /// Gives access to the records of a batch, for as long as both live and until the next batch is opened.
    ///
    /// The checksum is not verified here: see [`RawBatch::verify_crc`].
    ///
    /// # Errors
    /// [`BatchError::Header`] for an unknown codec, [`BatchError::Inflate`] if the section is corrupt or becomes larger
    /// than the limit, [`BatchError::Record`] if it is too short for the number of records.
    pub fn open<'a>(&'a mut self, batch: &'a RawBatch) -> Result<RecordBatch<'a>, BatchError> {
        let header = batch.header();
        let codec = header.codec()?;
        self.scratch.clear();
        // A batch that compaction emptied may keep its codec and have nothing to decompress.
        let section = if codec == Codec::None || batch.section().is_empty() {
            batch.section()
        } else {
            self.decoders
                .decode(codec, batch.section(), &mut self.scratch)
                .map_err(|fault| BatchError::Inflate {
                    base_offset: header.base_offset,
                    codec,
                    fault,
                })?;
            self.scratch.filled()
        };
        RecordBatch::new(header, section)
    }

    /// Bytes of the buffer that are allocated now. Never more than [`InflateLimits::batch_bytes_max`].
    pub fn scratch_capacity(&self) -> usize {
        self.scratch.capacity()
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new(InflateLimits::default())
    }
}

/// An open batch: its header and its record section, decompressed.
#[derive(Debug, Clone, Copy)]
pub struct RecordBatch<'a> {
    header: &'a BatchHeader,
    section: &'a [u8],
}

impl<'a> RecordBatch<'a> {
    fn new(header: &'a BatchHeader, section: &'a [u8]) -> Result<Self, BatchError> {
        // From here on the count may be used to reserve memory.
        if usize::try_from(header.record_count).unwrap_or(usize::MAX)
            > section.len() / RECORD_BYTES_MIN
        {
            return Err(BatchError::Record {
                base_offset: header.base_offset,
                index: 0,
                fault: RecordFault::TooMany,
            });
        }
        Ok(Self { header, section })
    }

    /// The parsed header. Its record count is no more than the bytes can hold.
    pub fn header(&self) -> &'a BatchHeader {
        self.header
    }

    /// The record section, as the records lie in it.
    pub fn section(&self) -> &'a [u8] {
        self.section
    }

    /// Walks the records, from the first.
    pub fn records(&self) -> Records<'a> {
        Records::new(self.header, self.section)
    }
}

#[cfg(test)]
mod tests;
