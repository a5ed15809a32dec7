//! From a batch as a broker stored it to the batch that a producer would send.

use bytes::{Bytes, BytesMut};

use crate::batch::crc::crc32c;
use crate::batch::header::{CRC_COVERS_FROM, DELETE_HORIZON_FLAG, TRANSACTIONAL_FLAG};
use crate::batch::{BATCH_HEADER_BYTES, BatchHeader, RawBatch, TimestampType};

impl RawBatch {
    /// The batch as a producer would send it, with the same records under the same codec: offsets from 0, no leader, no
    /// producer, no transaction. Only the header is written anew.
    ///
    /// `None` where that would change a record, or where brokers do not take it: a marker, a batch from which compaction has
    /// removed records, and one whose timestamps are the broker's.
    ///
    /// The bytes get a new checksum, so [verify](RawBatch::verify_crc) the old one before.
    pub fn as_produced(&self) -> Option<Bytes> {
        let header = self.header();
        let is_whole = i64::from(header.last_offset_delta) + 1 == i64::from(header.record_count);
        let has_own_times = header.timestamp_type() == TimestampType::CreateTime
            && header.attributes & DELETE_HORIZON_FLAG == 0;
        if !is_whole || !has_own_times || header.is_control() {
            return None;
        }
        // The checksum covers none of these.
        let moved = BatchHeader {
            base_offset: 0,
            partition_leader_epoch: -1,
            ..*header
        };
        let produced = BatchHeader {
            attributes: header.attributes & !TRANSACTIONAL_FLAG,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            ..moved
        };
        let mut bytes = BytesMut::from(&**self.bytes());
        let first = bytes.first_chunk_mut::<BATCH_HEADER_BYTES>()?;
        produced.write(first);
        if produced != moved {
            let crc = crc32c(bytes.get(CRC_COVERS_FROM..)?);
            let first = bytes.first_chunk_mut::<BATCH_HEADER_BYTES>()?;
            BatchHeader { crc, ..produced }.write(first);
        }
        Some(bytes.freeze())
    }
}

#[cfg(test)]
mod tests;
