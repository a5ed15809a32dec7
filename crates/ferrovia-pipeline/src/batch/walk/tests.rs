//! What ends the walk, what stops it with an error, and what it hands on.

use bytes::{Bytes, BytesMut};

use super::*;
use crate::batch::{BatchOptions, BatchWriter, Seal};

fn batch(base_offset: i64, records: i32) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for index in 0..records {
        writer
            .append(index.into(), None, Some(b"value"), &[])
            .unwrap();
    }
    writer
        .seal(Seal {
            base_offset,
            ..Seal::default()
        })
        .unwrap()
}

fn changed(at: usize, bytes: &[u8]) -> Bytes {
    let mut batch = BytesMut::from(&batch(5, 3)[..]);
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    batch.freeze()
}

fn only_error(bytes: Bytes) -> BatchError {
    let mut walk = batches(bytes);
    let error = walk.next().unwrap().unwrap_err();
    assert!(walk.next().is_none(), "the walk ends after an error");
    error
}

#[test]
fn batches_follow_each_other_without_a_copy() {
    let fetched = Bytes::from([batch(5, 3), batch(8, 1)].concat());
    let walked: Vec<RawBatch> = batches(fetched.clone()).map(Result::unwrap).collect();
    assert_eq!(walked.len(), 2);
    assert_eq!(walked[0].header().next_offset(), 8);
    assert_eq!(walked[1].header().base_offset, 8);
    assert_eq!(walked[0].bytes().as_ptr(), fetched.as_ptr());
    for batch in &walked {
        batch.verify_crc().unwrap();
    }
}

#[test]
fn truncated_tail_of_any_length_ends_the_walk_quietly() {
    let first = batch(5, 3);
    let second = batch(8, 2);
    for cut in 0..second.len() {
        let mut walk = batches(Bytes::from([&first[..], &second[..cut]].concat()));
        assert!(walk.next().unwrap().is_ok());
        assert!(walk.next().is_none());
        assert_eq!(walk.rest().len(), cut);
    }
}

#[test]
fn formats_before_kafka_0_11_are_refused_by_name() {
    for magic in [0_i8, 1] {
        let error = only_error(changed(16, &magic.to_be_bytes()));
        assert_eq!(
            error,
            BatchError::OldMagic {
                base_offset: 5,
                magic
            }
        );
        assert!(!error.may_be_transport());
    }
    let error = only_error(changed(16, &[3]));
    assert_eq!(
        error,
        BatchError::UnknownMagic {
            base_offset: 5,
            magic: 3
        }
    );
}

#[test]
fn lengths_that_do_not_hold_the_header_are_refused() {
    for length in [i32::MIN, -1, 0, 1, 48] {
        let error = only_error(changed(8, &length.to_be_bytes()));
        let fault = HeaderFault::Length(length);
        assert_eq!(
            error,
            BatchError::Header {
                base_offset: 5,
                fault
            }
        );
    }
    let longer_than_fetched = changed(8, &i32::MAX.to_be_bytes());
    assert!(batches(longer_than_fetched).next().is_none());
}

#[test]
fn negative_counts_and_impossible_offsets_are_refused() {
    let count = only_error(changed(57, &(-1_i32).to_be_bytes()));
    assert!(matches!(
        count,
        BatchError::Header {
            fault: HeaderFault::RecordCount(-1),
            ..
        }
    ));
    for (at, bytes) in [
        (0, &i64::MAX.to_be_bytes()[..]),
        (0, &(i64::MAX - 2).to_be_bytes()),
        (0, &(-1_i64).to_be_bytes()),
        (23, &(-1_i32).to_be_bytes()),
    ] {
        let error = only_error(changed(at, bytes));
        assert!(matches!(
            error,
            BatchError::Header {
                fault: HeaderFault::Offsets { .. },
                ..
            }
        ));
    }
}

#[test]
fn unknown_codecs_are_refused_when_asked_for() {
    for number in 5..8_u8 {
        let batch = batches(changed(21, &[0, number])).next().unwrap().unwrap();
        let fault = HeaderFault::Codec(number);
        assert_eq!(
            batch.header().codec(),
            Err(BatchError::Header {
                base_offset: 5,
                fault
            })
        );
    }
}

#[test]
fn any_changed_bit_behind_the_checksum_is_found() {
    let whole = batch(5, 3);
    for at in CRC_COVERS_FROM..whole.len() {
        for bit in 0..8 {
            let mut bytes = BytesMut::from(&whole[..]);
            bytes[at] ^= 1 << bit;
            // A changed header may be refused before its checksum is looked at.
            if let Ok(batch) = batches(bytes.freeze()).next().unwrap() {
                assert!(matches!(
                    batch.verify_crc(),
                    Err(BatchError::Crc { base_offset: 5, .. })
                ));
            }
        }
    }
}

#[test]
fn debug_output_does_not_spill_records() {
    let batch = batches(batch(5, 3)).next().unwrap().unwrap();
    assert!(!format!("{batch:?}").contains("value"));
}
