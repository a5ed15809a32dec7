//! What a record section may look like, and each way in which it may lie.

use super::*;
use crate::batch::varint;

const HEADER: BatchHeader = BatchHeader {
    base_offset: 1000,
    batch_length: 0,
    partition_leader_epoch: 0,
    crc: 0,
    attributes: 0,
    last_offset_delta: 9,
    base_timestamp: 50,
    max_timestamp: 99,
    producer_id: -1,
    producer_epoch: -1,
    base_sequence: -1,
    record_count: 1,
};

fn varints(values: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        varint::write_u64(varint::zigzag(*value), |byte| bytes.push(byte));
    }
    bytes
}

/// A record with any body behind its attributes, and its true length in front.
fn framed(body: &[u8]) -> Vec<u8> {
    [&varints(&[body.len() as i64 + 1])[..], &[0], body].concat()
}

/// A record without key, value or headers.
fn bare(offset_delta: i64) -> Vec<u8> {
    framed(&varints(&[0, offset_delta, -1, -1, 0]))
}

fn faults(record_count: i32, section: &[u8], index: i32, fault: RecordFault) {
    let mut records = Records::new(
        &BatchHeader {
            record_count,
            ..HEADER
        },
        section,
    );
    let error = records.find_map(Result::err).unwrap();
    assert_eq!(
        error,
        BatchError::Record {
            base_offset: 1000,
            index,
            fault
        }
    );
    assert!(records.next().is_none(), "the walk ends after an error");
}

#[test]
fn offsets_and_timestamps_count_from_the_header() {
    let section = [
        framed(&varints(&[-7, 2, -1, -1, 0])),
        framed(&varints(&[1 << 40, 9, -1, -1, 0])),
    ];
    let section = section.concat();
    let header = BatchHeader {
        record_count: 2,
        ..HEADER
    };
    let seen = |header: &BatchHeader| -> Vec<(i64, i64)> {
        Records::new(header, &section)
            .map(Result::unwrap)
            .map(|r| (r.offset, r.timestamp))
            .collect()
    };
    assert_eq!(seen(&header), [(1002, 43), (1009, 50 + (1 << 40))]);
    let by_the_broker = BatchHeader {
        attributes: 0x08,
        ..header
    };
    assert_eq!(seen(&by_the_broker), [(1002, 99), (1009, 99)]);
}

#[test]
fn null_and_empty_fields_are_different() {
    let section = framed(&varints(&[0, 0, 0, -1, 0]));
    let record = Records::new(&HEADER, &section).next().unwrap().unwrap();
    assert_eq!((record.key, record.value), (Some(&[][..]), None));
}

#[test]
fn timestamps_beyond_64_bits_wrap_instead_of_panicking() {
    let section = framed(&varints(&[i64::MAX, 0, -1, -1, 0]));
    let record = Records::new(&HEADER, &section).next().unwrap().unwrap();
    assert_eq!(record.timestamp, i64::MAX.wrapping_add(50));
}

#[test]
fn counts_that_do_not_match_the_bytes_are_found() {
    faults(2, &bare(0), 1, RecordFault::Varint);
    faults(0, &bare(0), 0, RecordFault::Trailing);
    faults(1, &[bare(0), vec![0]].concat(), 1, RecordFault::Trailing);
    faults(
        i32::MAX,
        &[bare(0), bare(1)].concat(),
        2,
        RecordFault::Varint,
    );
}

#[test]
fn offsets_that_do_not_rise_within_the_batch_are_found() {
    faults(1, &bare(10), 0, RecordFault::OffsetDelta(10));
    faults(1, &bare(-1), 0, RecordFault::OffsetDelta(-1));
    faults(
        2,
        &[bare(3), bare(3)].concat(),
        1,
        RecordFault::OffsetDelta(3),
    );
    faults(
        2,
        &[bare(3), bare(2)].concat(),
        1,
        RecordFault::OffsetDelta(2),
    );
}

#[test]
fn last_possible_offset_delta_cannot_repeat() {
    let header = BatchHeader {
        last_offset_delta: i32::MAX,
        record_count: 2,
        ..HEADER
    };
    let section = [bare(i32::MAX.into()), bare(i32::MAX.into())].concat();
    let mut records = Records::new(&header, &section);
    assert!(records.next().unwrap().is_ok());
    assert!(records.next().unwrap().is_err());
}

#[test]
fn lengths_that_lie_are_found() {
    faults(1, &varints(&[-1]), 0, RecordFault::NegativeLength);
    faults(1, &varints(&[1]), 0, RecordFault::Short);
    faults(1, &varints(&[0]), 0, RecordFault::Short);
    faults(1, &[0xff; 5], 0, RecordFault::Varint);
    faults(
        1,
        &framed(&varints(&[0, 0, -2, -1, 0])),
        0,
        RecordFault::NegativeLength,
    );
    faults(
        1,
        &framed(&varints(&[0, 0, -1, 9, 0])),
        0,
        RecordFault::Short,
    );
    faults(
        1,
        &framed(&varints(&[0, 0, -1, i32::MAX.into(), 0])),
        0,
        RecordFault::Short,
    );
}

#[test]
fn header_counts_that_lie_are_found() {
    let with_headers = |tail: &[i64]| framed(&varints(&[&[0, 0, -1, -1], tail].concat()));
    faults(1, &with_headers(&[]), 0, RecordFault::Varint);
    faults(1, &with_headers(&[-1]), 0, RecordFault::NegativeLength);
    faults(1, &with_headers(&[1]), 0, RecordFault::Headers);
    faults(1, &with_headers(&[0, 0]), 0, RecordFault::Headers);
    faults(
        1,
        &with_headers(&[i32::MAX.into(), 0, 0]),
        0,
        RecordFault::Headers,
    );
}

#[test]
fn headers_keep_order_and_duplicates_and_stop_at_the_first_fault() {
    let with_headers = |tail: &[u8]| framed(&[&varints(&[0, 0, -1, -1])[..], tail].concat());
    let parse = |section: &[u8]| -> Vec<_> {
        let record = Records::new(&HEADER, section).next().unwrap().unwrap();
        let headers = record.headers.iter();
        headers
            .map(|h| h.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))))
            .collect()
    };
    let twice = with_headers(&[6, 2, b'a', 2, b'1', 2, b'a', 1, 0, 0]);
    assert_eq!(
        parse(&twice),
        [
            Ok((b"a".to_vec(), Some(b"1".to_vec()))),
            Ok((b"a".to_vec(), None)),
            Ok((b"".to_vec(), Some(b"".to_vec()))),
        ]
    );
    let null_key = with_headers(&[2, 1, 1]);
    assert_eq!(parse(&null_key), [Err(RecordFault::NegativeLength)]);
    let bytes_behind = with_headers(&[2, 0, 0, 0, 0]);
    assert_eq!(
        parse(&bytes_behind),
        [Ok((vec![], Some(vec![]))), Err(RecordFault::Headers)]
    );
}
