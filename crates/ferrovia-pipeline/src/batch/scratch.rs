//! The buffer that codecs write into: reused from batch to batch, grown as bytes arrive, capped, and small again after a
//! huge batch.

use crate::batch::CodecFault;

/// First growth of an empty buffer, in bytes.
const STEP_BYTES: usize = 64 * 1024;

/// A buffer with a written part and a spare part.
///
/// All of it is initialised, once, so that safe code can write into the spare part without filling it with zeros for
/// every batch.
#[derive(Debug)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
    kept: usize,
}

impl Scratch {
    /// A buffer that never holds more than `limit` bytes, and keeps up to `kept` between batches.
    pub(super) fn new(limit: usize, kept: usize) -> Self {
        Self {
            bytes: Vec::new(),
            filled: 0,
            limit,
            kept: kept.min(limit),
        }
    }

    /// Forgets what was written, and gives memory beyond the kept size back.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        if self.bytes.len() > self.kept {
            self.bytes = Vec::new();
        }
    }

    /// What was written since the last clear.
    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// What can be written now.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// What was written, and what can be.
    pub(super) fn split(&mut self) -> (&[u8], &mut [u8]) {
        let (filled, spare) = self.bytes.split_at_mut(self.filled);
        (filled, spare)
    }

    /// Counts the next `size` spare bytes as written.
    pub(super) fn advance(&mut self, size: usize) {
        self.filled = self.filled.saturating_add(size).min(self.bytes.len());
    }

    /// The largest size that may be allocated on the word of the data: what may be kept anyway costs nobody anything.
    pub(super) fn trusted_size(&self) -> usize {
        self.kept
    }

    /// The fault of a batch that wants more than the limit.
    pub(super) fn over_limit(&self) -> CodecFault {
        CodecFault::OverLimit { limit: self.limit }
    }

    /// Makes room for what the data claims to become, as far as the claim is trusted; refuses a claim over the limit.
    pub(super) fn expect(&mut self, claim: usize) -> Result<(), CodecFault> {
        if claim > self.limit.saturating_sub(self.filled) {
            return Err(self.over_limit());
        }
        self.grow(self.filled.saturating_add(claim).min(self.trusted_size()));
        Ok(())
    }

    /// Makes the spare part at least `size` bytes.
    pub(super) fn reserve(&mut self, size: usize) -> Result<(), CodecFault> {
        if size > self.limit.saturating_sub(self.filled) {
            return Err(self.over_limit());
        }
        self.reserve_up_to(size);
        Ok(())
    }

    /// Appends a copy of some bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CodecFault> {
        self.reserve(bytes.len())?;
        if let Some((spare, _)) = self.spare().split_at_mut_checked(bytes.len()) {
            spare.copy_from_slice(bytes);
        }
        self.advance(bytes.len());
        Ok(())
    }

    /// Makes the spare part at least `size` bytes, or what the limit leaves.
    pub(super) fn reserve_up_to(&mut self, size: usize) {
        let wanted = self.filled.saturating_add(size);
        if wanted > self.bytes.len() {
            // Doubling keeps the copies of a growing buffer in proportion to its size.
            self.grow(
                wanted
                    .max(self.bytes.len().saturating_mul(2))
                    .max(STEP_BYTES),
            );
        }
    }

    /// Bytes of memory that the buffer has.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn grow(&mut self, size: usize) {
        let size = size.min(self.limit);
        if let Some(more) = size.checked_sub(self.bytes.len()) {
            self.bytes.reserve_exact(more);
            self.bytes.resize(size, 0);
        }
    }
}
