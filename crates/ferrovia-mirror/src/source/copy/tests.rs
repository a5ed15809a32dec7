//! What is copied as it is, and what is written anew.

use ferrovia_pipeline::batch::{RawBatch, batches};

use super::*;

const ANY: BatchForm = BatchForm {
    codec: None,
    level: None,
    bytes_max: 1 << 20,
};

/// A batch of the source, whose first offset is 100.
fn stored(codec: Codec, deltas: &[i32], seal: Seal) -> RawBatch {
    let mut writer = BatchWriter::new(BatchOptions {
        codec,
        ..BatchOptions::default()
    });
    let header = HeaderRef {
        key: b"h",
        value: Some(b"1"),
    };
    for delta in deltas {
        let value = format!("value {delta}");
        let key = delta.to_be_bytes();
        writer
            .append_at(
                *delta,
                1_000 + i64::from(*delta),
                Some(&key),
                Some(value.as_bytes()),
                &[header],
            )
            .unwrap();
    }
    let base_offset = 100;
    only(
        writer
            .seal(Seal {
                base_offset,
                ..seal
            })
            .unwrap(),
    )
}

fn only(bytes: Bytes) -> RawBatch {
    batches(bytes).next().unwrap().unwrap()
}

fn copied(form: BatchForm, batch: RawBatch, from_offset: i64) -> Vec<Copy> {
    Copier::new(form)
        .copy(&Seen { batch, from_offset })
        .unwrap()
}

/// Offsets in the batch, timestamps and values.
fn records(copy: &Copy) -> Vec<(i64, i64, String)> {
    let batch = only(copy.bytes.clone());
    batch.verify_crc().unwrap();
    assert_eq!(batch.header().producer_id, -1);
    let mut inflater = Inflater::new(InflateLimits::default());
    let records = inflater.open(&batch).unwrap().records();
    let records = records.map(|record| {
        let record = record.unwrap();
        assert_eq!(record.headers.count(), 1);
        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        (record.offset, record.timestamp, value)
    });
    records.collect()
}

fn shown(offset: i64, timestamp: i64, delta: i32) -> (i64, i64, String) {
    (offset, timestamp, format!("value {delta}"))
}

#[test]
fn whole_batch_is_copied_unopened() {
    let batch = stored(Codec::Zstd, &[0, 1, 2], Seal::default());
    let [copy] = &copied(ANY, batch.clone(), 100)[..] else {
        panic!("one");
    };
    assert_eq!((copy.records, copy.first, copy.last), (3, 100, 102));
    assert_eq!(copy.bytes[61..], batch.bytes()[61..]);
}

#[test]
fn records_that_were_seen_are_left_out() {
    let batch = stored(Codec::Lz4, &[0, 1, 2], Seal::default());
    let [copy] = &copied(ANY, batch, 101)[..] else {
        panic!("one");
    };
    assert_eq!((copy.records, copy.first, copy.last), (2, 101, 102));
    assert_eq!(records(copy), [shown(0, 1_001, 1), shown(1, 1_002, 2)]);
    assert_eq!(only(copy.bytes.clone()).header().codec(), Ok(Codec::Lz4));
}

#[test]
fn what_compaction_has_left_is_written_without_gaps() {
    let seal = Seal {
        last_offset_delta: Some(9),
        ..Seal::default()
    };
    let [copy] = &copied(ANY, stored(Codec::None, &[1, 4], seal), 100)[..] else {
        panic!("one");
    };
    assert_eq!((copy.records, copy.first, copy.last), (2, 101, 104));
    assert_eq!(records(copy), [shown(0, 1_001, 1), shown(1, 1_004, 4)]);
    let nothing = stored(Codec::None, &[], seal);
    assert_eq!(copied(ANY, nothing, 100), []);
}

#[test]
fn time_of_the_brokers_clock_becomes_the_records_own() {
    let seal = Seal {
        log_append_time: Some(77),
        ..Seal::default()
    };
    let [copy] = &copied(ANY, stored(Codec::None, &[0, 1], seal), 100)[..] else {
        panic!("one");
    };
    assert_eq!(records(copy), [shown(0, 77, 0), shown(1, 77, 1)]);
}

#[test]
fn chosen_codec_is_used() {
    let form = BatchForm {
        codec: Some(Codec::Gzip),
        ..ANY
    };
    let batch = stored(Codec::Lz4, &[0, 1], Seal::default());
    let [copy] = &copied(form, batch, 100)[..] else {
        panic!("one");
    };
    assert_eq!(only(copy.bytes.clone()).header().codec(), Ok(Codec::Gzip));
    assert_eq!(records(copy), [shown(0, 1_000, 0), shown(1, 1_001, 1)]);
}

#[test]
fn chosen_level_is_used() {
    let deltas: Vec<i32> = (0..500).collect();
    let batch = stored(Codec::Lz4, &deltas, Seal::default());
    let size = |level| {
        let codec = Some(Codec::Gzip);
        let form = BatchForm {
            codec,
            level: Some(level),
            ..ANY
        };
        copied(form, batch.clone(), 100)[0].bytes.len()
    };
    assert!(size(9) < size(1), "{} {}", size(9), size(1));
}

#[test]
fn batch_that_is_too_large_is_divided() {
    let form = BatchForm {
        bytes_max: 150,
        ..ANY
    };
    let deltas: Vec<i32> = (0..10).collect();
    let copies = copied(form, stored(Codec::None, &deltas, Seal::default()), 100);
    assert!(copies.len() > 3, "{copies:?}");
    assert!(copies.iter().all(|copy| copy.bytes.len() <= 150));
    let mut next = 100;
    for copy in &copies {
        assert_eq!(copy.first, next);
        assert_eq!(i64::from(copy.records), copy.last - copy.first + 1);
        next = copy.last + 1;
    }
    assert_eq!(next, 110);
}
