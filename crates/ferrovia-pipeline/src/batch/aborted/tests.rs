//! Transactions as brokers report them, including lists and markers that are out of the ordinary.

use super::*;
use crate::batch::{BatchOptions, BatchWriter, Producer, Seal, batches};

fn seal(
    writer: &mut BatchWriter,
    base_offset: i64,
    producer_id: i64,
    is_control: bool,
) -> RawBatch {
    let producer = Some(Producer {
        id: producer_id,
        epoch: 0,
        base_sequence: 0,
    });
    let seal = Seal {
        base_offset,
        producer,
        is_transactional: true,
        is_control,
        ..Seal::default()
    };
    batches(writer.seal(seal).unwrap()).next().unwrap().unwrap()
}

fn data(base_offset: i64, producer_id: i64) -> RawBatch {
    let mut writer = BatchWriter::new(BatchOptions::default());
    writer.append(0, None, Some(b"value"), &[]).unwrap();
    seal(&mut writer, base_offset, producer_id, false)
}

fn marker(base_offset: i64, producer_id: i64, keys: &[&[u8]]) -> RawBatch {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for key in keys {
        writer.append(0, Some(key), Some(&[0; 6]), &[]).unwrap();
    }
    seal(&mut writer, base_offset, producer_id, true)
}

const ABORT: &[u8] = &[0, 0, 0, 0];
const COMMIT: &[u8] = &[0, 0, 0, 1];

fn check(aborted: &[(i64, i64)], steps: &[(RawBatch, Admission)]) {
    let mut machine = AbortedTransactions::new(aborted.iter().copied());
    for (batch, expected) in steps {
        assert_eq!(machine.admits(batch), Ok(*expected), "{batch:?}");
    }
}

use Admission::{Deliver, SkipAborted, SkipControl};

#[test]
fn only_the_aborted_transaction_of_the_producer_is_skipped() {
    check(
        &[(7, 12)],
        &[
            (data(10, 7), Deliver),
            (marker(11, 7, &[COMMIT]), SkipControl),
            (data(12, 7), SkipAborted),
            (data(13, 8), Deliver),
            (data(14, 7), SkipAborted),
            (marker(15, 7, &[ABORT]), SkipControl),
            (data(16, 7), Deliver),
        ],
    );
}

#[test]
fn order_of_the_list_does_not_matter() {
    check(
        &[(9, 30), (7, 10), (8, 20), (7, 25)],
        &[
            (data(10, 7), SkipAborted),
            (marker(11, 7, &[ABORT]), SkipControl),
            (data(20, 8), SkipAborted),
            (data(21, 7), Deliver),
            (data(25, 7), SkipAborted),
            (data(26, 8), SkipAborted),
            (data(30, 9), SkipAborted),
        ],
    );
}

#[test]
fn second_abort_marker_changes_nothing() {
    check(
        &[(7, 10), (7, 14)],
        &[
            (data(10, 7), SkipAborted),
            (marker(11, 7, &[ABORT, ABORT]), SkipControl),
            (marker(13, 7, &[ABORT]), SkipControl),
            (data(14, 7), SkipAborted),
        ],
    );
}

#[test]
fn unknown_control_types_and_emptied_markers_are_passed_over() {
    let unknown: &[u8] = &[0, 9, 0, 77, 1, 2, 3];
    check(
        &[(7, 10)],
        &[
            (marker(10, 7, &[unknown]), SkipControl),
            (marker(11, 7, &[]), SkipControl),
            (data(12, 7), SkipAborted),
        ],
    );
    assert_eq!(
        marker(10, 7, &[unknown]).control_type(),
        Ok(ControlType::Other(77))
    );
    assert_eq!(marker(10, 7, &[]).control_type(), Ok(ControlType::Emptied));
}

#[test]
fn malformed_markers_are_errors() {
    let negative_version: &[u8] = &[0xff, 0xff, 0, 0];
    for key in [&[][..], &[0, 0, 0], negative_version] {
        assert!(
            AbortedTransactions::default()
                .admits(&marker(10, 7, &[key]))
                .is_err()
        );
    }
    assert!(
        data(1, 7).control_type().is_err(),
        "a data batch has no control type"
    );
}

#[test]
fn batches_without_a_transaction_are_delivered_amid_an_aborted_one() {
    let mut writer = BatchWriter::new(BatchOptions::default());
    writer.append(0, None, None, &[]).unwrap();
    let plain = writer
        .seal(Seal {
            base_offset: 11,
            ..Seal::default()
        })
        .unwrap();
    let plain = batches(plain).next().unwrap().unwrap();
    check(&[(7, 10)], &[(data(10, 7), SkipAborted), (plain, Deliver)]);
}
