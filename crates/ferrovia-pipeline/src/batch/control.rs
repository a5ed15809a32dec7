//! Control batches: the markers by which Kafka ends transactions. They move the position and are never delivered.

use crate::batch::record::Records;
use crate::batch::{BatchError, Codec, HeaderFault, RawBatch};

/// What a control batch says.
///
/// # Source
/// `org.apache.kafka.common.record.ControlRecordType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlType {
    /// The producer's transaction was aborted.
    Abort,
    /// The producer's transaction was committed.
    Commit,
    /// A type for others, or of a later Kafka: to be passed over.
    Other(i16),
    /// Compaction has removed the marker.
    Emptied,
}

impl RawBatch {
    /// Type of a control batch, from the key of its first record.
    ///
    /// # Errors
    /// [`HeaderFault::Control`] if the batch is not a control batch, is compressed, or has no valid key;
    /// [`BatchError::Record`] if its first record is malformed.
    pub fn control_type(&self) -> Result<ControlType, BatchError> {
        let header = self.header();
        let malformed = header.fault(HeaderFault::Control);
        if !header.is_control() || header.codec()? != Codec::None {
            return Err(malformed);
        }
        let Some(record) = Records::new(header, self.section()).next() else {
            return Ok(ControlType::Emptied);
        };
        // The key is a version and a type, both 16 bits; later versions may append fields.
        let Some(&[v0, v1, t0, t1]) = record?.key.and_then(|key| key.first_chunk()) else {
            return Err(malformed);
        };
        if i16::from_be_bytes([v0, v1]) < 0 {
            return Err(malformed);
        }
        Ok(match i16::from_be_bytes([t0, t1]) {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            other => ControlType::Other(other),
        })
    }
}
