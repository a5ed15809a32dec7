//! Facts about a partition's log, in memory and on disk.

use std::fs::OpenOptions;

use proptest::prelude::*;

use super::batch::testing::TestBatch;
use super::*;

fn append(log: &mut PartitionLog, batch: &TestBatch) -> Result<Appended, ResponseError> {
    let bytes = batch.bytes();
    let header = batch::validate(&bytes, usize::MAX)?;
    log.append(&header, &bytes, Start::Anywhere)
}

fn disk(folder: &tempfile::TempDir, segment_bytes: u64) -> PartitionLog {
    PartitionLog::on_disk(folder.path().join("0"), segment_bytes).unwrap()
}

fn base_offsets(parts: &[Bytes]) -> Vec<i64> {
    let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
    let mut rest = all.as_slice();
    let mut offsets = Vec::new();
    while let Some(header) = BatchHeader::read(rest) {
        let (batch, next) = rest.split_at(usize::try_from(header.size).unwrap());
        assert!(header.crc_holds(batch));
        offsets.push(header.base_offset);
        rest = next;
    }
    assert!(rest.is_empty());
    offsets
}

#[test]
fn batches_come_back_with_their_place_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    for mut log in [PartitionLog::in_memory(), disk(&folder, 1 << 20)] {
        for count in [1, 3, 2] {
            append(&mut log, &TestBatch::records(count)).unwrap();
        }
        assert_eq!(log.end_offset(), 6);
        assert_eq!(
            base_offsets(&log.read(0, usize::MAX, true).unwrap()),
            [0, 1, 4]
        );
        assert_eq!(
            base_offsets(&log.read(2, usize::MAX, true).unwrap()),
            [1, 4]
        );
        assert_eq!(log.read(6, usize::MAX, true).unwrap(), Vec::<Bytes>::new());
        assert_eq!(
            log.read(7, usize::MAX, true),
            Err(ResponseError::OffsetOutOfRange)
        );
        assert_eq!(
            log.read(-1, usize::MAX, true),
            Err(ResponseError::OffsetOutOfRange)
        );
    }
}

#[test]
fn a_read_is_cut_at_whole_batches_but_can_always_progress() {
    let mut log = PartitionLog::in_memory();
    let size = TestBatch::records(1).bytes().len();
    for _ in 0..3 {
        append(&mut log, &TestBatch::records(1)).unwrap();
    }
    assert_eq!(base_offsets(&log.read(0, 2 * size, true).unwrap()), [0, 1]);
    assert_eq!(base_offsets(&log.read(0, 2 * size - 1, true).unwrap()), [0]);
    assert_eq!(base_offsets(&log.read(0, 1, true).unwrap()), [0]);
    assert!(log.read(0, 1, false).unwrap().is_empty());
}

#[test]
fn the_cap_removes_the_oldest_batches_but_never_the_newest() {
    let mut log = PartitionLog::in_memory();
    for _ in 0..10 {
        append(&mut log, &TestBatch::records(2)).unwrap();
    }
    let size = log.bytes() / 10;
    log.retain(3 * size);
    assert_eq!(
        (log.start_offset(), log.end_offset(), log.bytes()),
        (14, 20, 3 * size)
    );
    log.retain(0);
    assert_eq!((log.start_offset(), log.end_offset()), (18, 20));
    assert_eq!(log.read(0, 1, true), Err(ResponseError::OffsetOutOfRange));
}

#[test]
fn a_log_on_disk_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = disk(&folder, 200);
    for sequence in 0..20 {
        append(&mut log, &TestBatch::sequenced(1, 5, 0, sequence)).unwrap();
    }
    drop(log);
    let mut log = disk(&folder, 200);
    assert_eq!((log.start_offset(), log.end_offset()), (0, 20));
    assert_eq!(
        base_offsets(&log.read(0, usize::MAX, true).unwrap()).len(),
        20
    );
    let repeated = append(&mut log, &TestBatch::sequenced(1, 5, 0, 19)).unwrap();
    assert!(repeated.duplicate && repeated.base_offset == 19);
    assert_eq!(
        append(&mut log, &TestBatch::records(1))
            .unwrap()
            .base_offset,
        20
    );
}

#[test]
fn the_cap_on_disk_removes_whole_segments_and_keeps_the_start_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = disk(&folder, 200);
    for _ in 0..20 {
        append(&mut log, &TestBatch::records(1)).unwrap();
    }
    log.retain(log.bytes() / 2);
    let start = log.start_offset();
    assert!((5..=10).contains(&start), "{start}");
    drop(log);
    let log = disk(&folder, 200);
    assert_eq!((log.start_offset(), log.end_offset()), (start, 20));
}

#[test]
fn a_torn_tail_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = disk(&folder, 1 << 20);
    for _ in 0..3 {
        append(&mut log, &TestBatch::records(2)).unwrap();
    }
    let whole = log.bytes();
    drop(log);
    let path = folder.path().join("0").join(format!("{:020}.log", 0));
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(whole - 1)
        .unwrap();
    let mut log = disk(&folder, 1 << 20);
    assert_eq!(log.end_offset(), 4);
    assert_eq!(
        append(&mut log, &TestBatch::records(1))
            .unwrap()
            .base_offset,
        4
    );
    assert_eq!(
        base_offsets(&log.read(0, usize::MAX, true).unwrap()),
        [0, 2, 4]
    );
}

#[test]
fn a_damaged_batch_ends_the_log_and_removes_later_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = disk(&folder, 100);
    for _ in 0..6 {
        append(&mut log, &TestBatch::records(1)).unwrap();
    }
    drop(log);
    let path = folder.path().join("0").join(format!("{:020}.log", 2));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(disk(&folder, 100).end_offset(), 3);
    assert_eq!(disk(&folder, 100).end_offset(), 3);
}

#[test]
fn a_time_leads_to_the_first_record_not_older() {
    let mut log = PartitionLog::in_memory();
    for timestamps in [vec![10, 20, 30], vec![25, 60, 40]] {
        append(
            &mut log,
            &TestBatch {
                timestamps,
                ..TestBatch::default()
            },
        )
        .unwrap();
    }
    let found = |timestamp, offset| TimedOffset { timestamp, offset };
    assert_eq!(log.offset_for_time(0), found(10, 0));
    assert_eq!(log.offset_for_time(21), found(30, 2));
    assert_eq!(log.offset_for_time(31), found(60, 4));
    assert_eq!(log.offset_for_time(61), TimedOffset::NONE);
    assert_eq!(log.max_timestamp(), found(60, 4));
}

#[test]
fn what_is_not_one_intact_batch_is_refused() {
    let good = TestBatch::records(2).bytes();
    let check = |bytes: &[u8], expected| assert_eq!(batch::validate(bytes, 500), Err(expected));
    check(&[], ResponseError::CorruptMessage);
    check(&good[..good.len() - 1], ResponseError::CorruptMessage);
    check(
        &[good.as_ref(), good.as_ref()].concat(),
        ResponseError::InvalidRecord,
    );
    let mut flipped = good.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    check(&flipped, ResponseError::CorruptMessage);
    let mut old = good.to_vec();
    old[16] = 1;
    check(&old, ResponseError::UnsupportedForMessageFormat);
    let large = TestBatch {
        value: vec![0; 500],
        ..TestBatch::default()
    };
    check(&large.bytes(), ResponseError::MessageTooLarge);
    for attributes in [0x10, 0x20, 0x30] {
        let bad = TestBatch {
            attributes,
            ..TestBatch::default()
        };
        check(&bad.bytes(), ResponseError::InvalidRecord);
    }
}

fn end(log: &mut PartitionLog, producer_id: i64, outcome: Outcome) {
    let marker = Marker {
        producer_id,
        producer_epoch: 0,
        outcome,
        timestamp: 1,
    };
    log.end_transaction(&marker).unwrap();
}

#[test]
fn what_is_stable_ends_at_the_oldest_open_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = disk(&folder, 1);
    append(&mut log, &TestBatch::records(2)).unwrap();
    append(&mut log, &TestBatch::transactional(1, 5, 0, 0)).unwrap();
    append(&mut log, &TestBatch::transactional(2, 6, 0, 0)).unwrap();
    append(&mut log, &TestBatch::transactional(1, 5, 0, 1)).unwrap();
    let refused = append(&mut log, &TestBatch::sequenced(1, 5, 0, 2));
    assert_eq!(refused, Err(ResponseError::InvalidTxnState));
    assert_eq!((log.last_stable_offset(), log.end_offset()), (2, 6));
    end(&mut log, 5, Outcome::Abort);
    assert_eq!((log.last_stable_offset(), log.end_offset()), (3, 7));
    for _ in 0..2 {
        drop(log);
        log = disk(&folder, 1);
        assert_eq!((log.last_stable_offset(), log.end_offset()), (3, 7));
        assert_eq!(log.open_transactions(), &BTreeMap::from([(6, 3)]));
    }
    let aborted = Aborted {
        producer_id: 5,
        first_offset: 2,
        last_offset: 6,
    };
    assert_eq!(log.aborted(0, 7), [aborted]);
    assert_eq!(log.aborted(6, 7), [aborted]);
    assert_eq!(log.aborted(7, 8), []);
    assert_eq!(log.aborted(0, 2), []);
    let stable = log.read_until(0, 3, usize::MAX, true).unwrap();
    assert_eq!(
        (base_offsets(&stable.records), stable.end_offset),
        (vec![0, 2], 3)
    );
    end(&mut log, 6, Outcome::Commit);
    assert_eq!((log.last_stable_offset(), log.end_offset()), (8, 8));
    assert_eq!(log.aborted(0, 8), [aborted]);
    log.retain(0);
    assert_eq!(log.aborted(0, 8), []);
}

proptest! {
    #[test]
    fn no_bytes_make_the_batch_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = batch::validate(&bytes, usize::MAX);
        prop_assert!(batch::record_times(&bytes).count() <= bytes.len());
    }

    #[test]
    fn damaged_records_end_the_walk(mut at in 61usize..200, with in any::<u8>()) {
        let mut bytes = TestBatch::records(20).bytes().to_vec();
        at %= bytes.len();
        bytes[at] = with;
        prop_assert!(batch::record_times(&bytes).count() <= 200);
    }
}
