//! What is written is read back, by every codec, and limits hold.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::batch::{BatchError, Inflater, RawBatch, batches};

type Fields = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(Vec<u8>, Option<Vec<u8>>)>,
);

fn headers_of(headers: &[(Vec<u8>, Option<Vec<u8>>)]) -> Vec<HeaderRef<'_>> {
    headers
        .iter()
        .map(|(key, value)| HeaderRef {
            key,
            value: value.as_deref(),
        })
        .collect()
}

fn append(writer: &mut BatchWriter, (timestamp, key, value, headers): &Fields) {
    let headers = headers_of(headers);
    writer
        .append(*timestamp, key.as_deref(), value.as_deref(), &headers)
        .unwrap();
}

fn only(bytes: Bytes) -> RawBatch {
    let mut walk = batches(bytes);
    let batch = walk.next().unwrap().unwrap();
    assert!(walk.next().is_none() && walk.rest().is_empty());
    batch.verify_crc().unwrap();
    batch
}

fn read(batch: &RawBatch, inflater: &mut Inflater) -> Result<Vec<Fields>, BatchError> {
    let open = inflater.open(batch)?;
    let mut seen = Vec::new();
    for (index, record) in open.records().enumerate() {
        let record = record?;
        assert_eq!(record.offset, batch.header().base_offset + index as i64);
        let headers = record.headers.iter().map(|header| {
            let header = header.unwrap();
            (header.key.to_vec(), header.value.map(<[u8]>::to_vec))
        });
        let (key, value) = (
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
        );
        seen.push((record.timestamp, key, value, headers.collect()));
    }
    Ok(seen)
}

fn fields() -> impl Strategy<Value = Fields> {
    let bytes = || option::of(prop_oneof![vec(any::<u8>(), 0..40), vec(0..2_u8, 0..3000)]);
    let headers = vec(
        (vec(any::<u8>(), 0..9), option::of(vec(any::<u8>(), 0..9))),
        0..4,
    );
    (any::<i64>(), bytes(), bytes(), headers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_survive_every_codec(records in vec(fields(), 0..40), base_offset in 0..1_i64 << 60) {
        let mut inflater = Inflater::default();
        for codec in Codec::ALL {
            let mut writer = BatchWriter::new(BatchOptions { codec, ..BatchOptions::default() });
            // Twice, because a writer is used again.
            for _ in 0..2 {
                for record in &records {
                    append(&mut writer, record);
                }
                prop_assert_eq!(writer.record_count(), i32::try_from(records.len()).unwrap());
                if codec == Codec::None {
                    prop_assert_eq!(writer.bytes_estimate() , {
                        let mut copy = BatchWriter::new(BatchOptions::default());
                        records.iter().for_each(|record| append(&mut copy, record));
                        copy.seal(Seal::default()).unwrap().len()
                    });
                }
                let batch = only(writer.seal(Seal { base_offset, ..Seal::default() }).unwrap());
                prop_assert_eq!(read(&batch, &mut inflater).unwrap(), records.clone());
                let max = records.iter().map(|record| record.0).max().unwrap_or(-1);
                prop_assert_eq!(batch.header().max_timestamp, max);
            }
        }
    }
}

#[test]
fn seal_fills_every_field_of_the_header() {
    let mut writer = BatchWriter::new(BatchOptions {
        codec: Codec::Lz4,
        ..BatchOptions::default()
    });
    writer.append_at(3, 500, None, Some(b"a"), &[]).unwrap();
    writer.append_at(7, 400, None, Some(b"b"), &[]).unwrap();
    let bytes = writer
        .seal(Seal {
            base_offset: 1000,
            partition_leader_epoch: 6,
            producer: Some(Producer {
                id: 42,
                epoch: 3,
                base_sequence: 11,
            }),
            is_transactional: true,
            is_control: true,
            log_append_time: Some(900),
            last_offset_delta: Some(20),
        })
        .unwrap();
    let header = *only(bytes.clone()).header();
    assert_eq!(
        header,
        BatchHeader {
            base_offset: 1000,
            batch_length: i32::try_from(bytes.len()).unwrap() - 12,
            partition_leader_epoch: 6,
            crc: header.crc,
            attributes: 0x3b,
            last_offset_delta: 20,
            base_timestamp: 500,
            max_timestamp: 900,
            producer_id: 42,
            producer_epoch: 3,
            base_sequence: 11,
            record_count: 2,
        }
    );
    assert_eq!(header.next_offset(), 1021);
}

#[test]
fn offsets_that_do_not_rise_are_refused_and_leave_the_batch_as_it_was() {
    let mut writer = BatchWriter::new(BatchOptions::default());
    writer.append_at(5, 0, None, None, &[]).unwrap();
    let before = writer.bytes_estimate();
    for delta in [-1, 0, 5, i32::MAX] {
        let refused = writer.append_at(delta, 0, None, None, &[]);
        assert_eq!(refused, Err(WriteError::OffsetDelta(delta)));
    }
    let short = Seal {
        last_offset_delta: Some(4),
        ..Seal::default()
    };
    assert_eq!(writer.seal(short), Err(WriteError::OffsetDelta(4)));
    assert_eq!(
        (writer.bytes_estimate(), writer.record_count()),
        (before, 1)
    );
}

#[test]
fn emptied_batches_keep_their_range() {
    let mut writer = BatchWriter::new(BatchOptions {
        codec: Codec::Zstd,
        ..BatchOptions::default()
    });
    let seal = Seal {
        base_offset: 10,
        last_offset_delta: Some(4),
        ..Seal::default()
    };
    let batch = only(writer.seal(seal).unwrap());
    assert_eq!(
        (batch.header().record_count, batch.header().next_offset()),
        (0, 15)
    );
    assert_eq!(read(&batch, &mut Inflater::default()), Ok(vec![]));
}

#[test]
fn room_ends_at_the_target_but_one_record_always_fits() {
    let mut writer = BatchWriter::new(BatchOptions {
        bytes_target: 1000,
        ..BatchOptions::default()
    });
    let value = Some(&[7_u8; 300][..]);
    assert!(writer.has_room_for(None, Some(&[7; 5000]), &[]));
    while writer.has_room_for(None, value, &[]) {
        writer.append(0, None, value, &[]).unwrap();
    }
    assert_eq!(writer.record_count(), 2);
    assert!(writer.seal(Seal::default()).unwrap().len() <= 1000);
}

#[test]
fn estimate_follows_the_ratio_of_the_last_batch() {
    let mut writer = BatchWriter::new(BatchOptions {
        codec: Codec::Lz4,
        ..BatchOptions::default()
    });
    let fill = |writer: &mut BatchWriter| writer.append(0, None, Some(&[7; 9000]), &[]).unwrap();
    fill(&mut writer);
    assert!(writer.bytes_estimate() > 9000);
    let size = writer.seal(Seal::default()).unwrap().len();
    fill(&mut writer);
    assert!(writer.bytes_estimate() < 2 * size);
}

#[test]
fn levels_change_the_size_and_never_the_records() {
    let text: Vec<u8> = (0..60_000_u32)
        .flat_map(|n| (n * n / 3).to_string().into_bytes())
        .collect();
    for codec in [Codec::Gzip, Codec::Zstd] {
        let sizes = [1, 9].map(|level| {
            let options = BatchOptions {
                codec,
                level: Some(level),
                ..BatchOptions::default()
            };
            let mut writer = BatchWriter::new(options);
            writer.append(0, None, Some(&text), &[]).unwrap();
            let batch = only(writer.seal(Seal::default()).unwrap());
            let seen = read(&batch, &mut Inflater::default()).unwrap();
            assert_eq!(seen, [(0, None, Some(text.clone()), vec![])]);
            batch.bytes().len()
        });
        // The pure encoder of zstd has one level only.
        if codec == Codec::Gzip || !cfg!(feature = "zstd-rust") {
            assert_ne!(sizes[0], sizes[1], "{codec}");
        }
    }
}
