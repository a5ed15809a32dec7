//! Two halves are the whole, and neither is empty.

use bytes::Bytes;
use proptest::prelude::*;

use crate::batch::{
    BatchOptions, BatchWriter, Codec, HeaderRef, Inflater, RawBatch, Seal, batches,
};

type Owned = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(Vec<u8>, Option<Vec<u8>>)>,
);

fn only(bytes: Bytes) -> RawBatch {
    let mut walk = batches(bytes);
    let batch = walk.next().unwrap().unwrap();
    assert!(walk.rest().is_empty());
    batch.verify_crc().unwrap();
    batch
}

fn write(records: &[Owned], options: BatchOptions) -> RawBatch {
    let mut writer = BatchWriter::new(options);
    for (timestamp, key, value, headers) in records {
        let headers: Vec<HeaderRef<'_>> = headers
            .iter()
            .map(|(key, value)| HeaderRef {
                key,
                value: value.as_deref(),
            })
            .collect();
        writer
            .append(*timestamp, key.as_deref(), value.as_deref(), &headers)
            .unwrap();
    }
    only(writer.seal(Seal::default()).unwrap())
}

fn read(batch: &RawBatch) -> Vec<Owned> {
    let mut inflater = Inflater::default();
    let open = inflater.open(batch).unwrap();
    let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let records = open.records().map(|record| {
        let record = record.unwrap();
        let headers = record.headers.iter().map(Result::unwrap);
        (
            record.timestamp,
            own(record.key),
            own(record.value),
            headers.map(|it| (it.key.to_vec(), own(it.value))).collect(),
        )
    });
    records.collect()
}

fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(vec![
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ])
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn record() -> impl Strategy<Value = Owned> {
    let headers = prop::collection::vec((bytes(), prop::option::of(bytes())), 0..3);
    (
        0_i64..1 << 40,
        prop::option::of(bytes()),
        prop::option::of(bytes()),
        headers,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn halves_are_the_whole(
        records in prop::collection::vec(record(), 2..30),
        codec in codec(),
    ) {
        let options = BatchOptions { codec, ..BatchOptions::default() };
        let batch = write(&records, options);
        let halves = batch.halves(BatchOptions::default()).unwrap().map(only);
        let mut both = Vec::new();
        for half in &halves {
            prop_assert_eq!(half.header().codec().unwrap(), codec);
            prop_assert_eq!(half.header().base_offset, 0);
            prop_assert!(half.header().record_count > 0);
            both.extend(read(half));
        }
        prop_assert_eq!(both, records);
    }
}

fn with_values(sizes: &[usize]) -> RawBatch {
    let records: Vec<Owned> = sizes
        .iter()
        .map(|size| (1, None, Some(vec![b'x'; *size]), Vec::new()))
        .collect();
    write(&records, BatchOptions::default())
}

#[test]
fn batch_is_divided_in_the_middle_of_its_bytes() {
    let divided = |sizes: &[usize]| {
        let halves = with_values(sizes).halves(BatchOptions::default());
        halves.map(|halves| halves.map(|half| only(half).header().record_count))
    };
    assert_eq!(divided(&[10; 10]), Some([5, 5]));
    assert_eq!(divided(&[0; 4]), Some([2, 2]));
    assert_eq!(divided(&[1000, 1, 1, 1]), Some([1, 3]));
    assert_eq!(divided(&[1, 1, 1, 1000]), Some([3, 1]));
    assert_eq!(divided(&[1, 1, 1000, 1]), Some([2, 2]));
    assert_eq!(divided(&[0, 0]), Some([1, 1]));
    assert_eq!(divided(&[1000]), None);
}

#[test]
fn batch_that_cannot_be_read_is_not_divided() {
    let mut bytes = with_values(&[10, 10]).bytes().to_vec();
    let last = bytes.len() - 12;
    bytes[last] = 0x7f;
    let batch = batches(bytes.into()).next().unwrap().unwrap();
    assert_eq!(batch.halves(BatchOptions::default()), None);
}
