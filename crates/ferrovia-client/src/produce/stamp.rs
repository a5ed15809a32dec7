//! Writes a producer's identity and a sequence number into the header of a sealed batch.
//!
//! The header is all of a batch that this client ever looks at: 61 bytes, the same for every codec.

use bytes::{Bytes, BytesMut};

/// A producer as brokers know it: its id, and the epoch that grows whenever it starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProducerIdentity {
    /// The producer's id.
    pub id: i64,
    /// Its epoch; brokers refuse all older ones.
    pub epoch: i16,
}

/// What is written into a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: ProducerIdentity,
    /// The sequence number of the first record.
    pub(super) base_sequence: i32,
    pub(super) is_transactional: bool,
}

/// The number of records in a sealed batch.
///
/// # Errors
/// What is wrong with the header of something that is no single, whole batch.
pub(super) fn record_count(batch: &[u8]) -> Result<i32, &'static str> {
    if batch.len() < HEADER_BYTES {
        return Err("it is shorter than a batch's header");
    }
    let length = read(batch, LENGTH_AT).map(i32::from_be_bytes);
    let rest = batch.len() - LENGTH_PREFIX_BYTES;
    if length.and_then(|length| usize::try_from(length).ok()) != Some(rest) {
        return Err("its length is not that of one batch");
    }
    if batch.get(MAGIC_AT) != Some(&2) {
        return Err("it is not in record format 2");
    }
    let count = read(batch, COUNT_AT).map_or(0, i32::from_be_bytes);
    let last = read(batch, LAST_OFFSET_DELTA_AT).map_or(0, i32::from_be_bytes);
    if count < 1 || last != count - 1 {
        return Err("its record count and last offset do not agree");
    }
    Ok(count)
}

/// Writes the stamp over what the header said before, and a new checksum. Bytes that nobody else
/// holds are changed in place.
///
/// # Source
/// `DefaultRecordBatch.writeHeader`
pub(super) fn stamp(batch: Bytes, stamp: Stamp) -> Bytes {
    let mut batch = batch
        .try_into_mut()
        .unwrap_or_else(|shared| BytesMut::from(&*shared));
    let attributes = read(&batch, ATTRIBUTES_AT).map_or(0, u16::from_be_bytes);
    let attributes = if stamp.is_transactional {
        attributes | TRANSACTIONAL_BIT
    } else {
        attributes & !TRANSACTIONAL_BIT
    };
    write(&mut batch, ATTRIBUTES_AT, attributes.to_be_bytes());
    write(&mut batch, PRODUCER_ID_AT, stamp.identity.id.to_be_bytes());
    write(
        &mut batch,
        PRODUCER_EPOCH_AT,
        stamp.identity.epoch.to_be_bytes(),
    );
    write(
        &mut batch,
        BASE_SEQUENCE_AT,
        stamp.base_sequence.to_be_bytes(),
    );
    let crc = crc32c::crc32c(batch.get(ATTRIBUTES_AT..).unwrap_or_default());
    write(&mut batch, CRC_AT, crc.to_be_bytes());
    batch.freeze()
}

/// The sequence number `count` records after this one. After the largest comes 0.
///
/// # Source
/// `DefaultRecordBatch.incrementSequence`
pub(super) fn sequence_after(sequence: i32, count: i32) -> i32 {
    let next = i64::from(sequence) + i64::from(count);
    i32::try_from(next % (i64::from(i32::MAX) + 1)).unwrap_or(0)
}

fn read<const N: usize>(batch: &[u8], at: usize) -> Option<[u8; N]> {
    batch.get(at..)?.first_chunk().copied()
}

fn write<const N: usize>(batch: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = batch.get_mut(at..at + N) {
        field.copy_from_slice(&value);
    }
}

const HEADER_BYTES: usize = 61;
/// Bytes that a batch's length does not count: base offset and the length itself.
const LENGTH_PREFIX_BYTES: usize = 12;
const LENGTH_AT: usize = 8;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
/// The checksum covers everything from here on.
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const PRODUCER_ID_AT: usize = 43;
const PRODUCER_EPOCH_AT: usize = 51;
const BASE_SEQUENCE_AT: usize = 53;
const COUNT_AT: usize = 57;
const TRANSACTIONAL_BIT: u16 = 0x10;

#[cfg(test)]
pub(super) mod tests;
