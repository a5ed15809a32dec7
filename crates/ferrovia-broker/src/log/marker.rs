//! Control batches: the markers that end a transaction in a partition.
//!
//! # Source
//! KIP-98; `org.apache.kafka.common.record.{ControlRecordType, EndTransactionMarker}`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::batch::{BatchHeader, CONTROL_BIT, HEADER_BYTES, TRANSACTIONAL_BIT, seal};

/// Bytes of the one record: its length, attributes, two deltas, key, value, no headers.
const RECORD: [u8; 5] = [32, 0, 0, 0, 8];
const VALUE_LENGTH: u8 = 12;

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commit,
    Abort,
}

/// What a marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) outcome: Outcome,
    /// Milliseconds since 1970.
    pub(crate) timestamp: i64,
}

impl Marker {
    /// The marker as a batch of one record, still without its place in the log.
    pub(super) fn batch(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(HEADER_BYTES + 17);
        out.put_i64(0);
        out.put_i32(0);
        out.put_i32(-1);
        out.put_i8(2);
        out.put_u32(0);
        out.put_i16(TRANSACTIONAL_BIT | CONTROL_BIT);
        out.put_i32(0);
        out.put_i64(self.timestamp);
        out.put_i64(self.timestamp);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        out.put_i32(-1);
        out.put_i32(1);
        out.put_slice(&RECORD);
        out.put_i16(0);
        out.put_i16(match self.outcome {
            Outcome::Abort => 0,
            Outcome::Commit => 1,
        });
        out.put_u8(VALUE_LENGTH);
        out.put_i16(0);
        out.put_i32(0);
        out.put_u8(0);
        seal(&mut out);
        out.freeze()
    }
}

/// How the transaction ends whose marker `batch` is; `None` for batches that are none.
pub(super) fn outcome(header: &BatchHeader, batch: &[u8]) -> Option<Outcome> {
    if !header.is_control() {
        return None;
    }
    let mut key = batch.get(HEADER_BYTES + RECORD.len()..)?;
    let _version = key.try_get_i16().ok()?;
    match key.try_get_i16().ok()? {
        0 => Some(Outcome::Abort),
        1 => Some(Outcome::Commit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_one_intact_control_batch_and_tells_its_outcome() {
        for outcome in [Outcome::Commit, Outcome::Abort] {
            let marker = Marker {
                producer_id: 7,
                producer_epoch: 3,
                outcome,
                timestamp: 99,
            };
            let batch = marker.batch();
            let header = BatchHeader::read(&batch).unwrap();
            assert_eq!(usize::try_from(header.size).unwrap(), batch.len());
            assert!(header.crc_holds(&batch) && header.is_transactional());
            assert_eq!((header.producer_id, header.producer_epoch), (7, 3));
            assert_eq!(super::outcome(&header, &batch), Some(outcome));
            let times: Vec<_> = super::super::batch::record_times(&batch).collect();
            assert_eq!(times, [(0, 99)]);
        }
    }
}
