//! The record walk: how many records a core passes in a second, with the batch in its cache.
//!
//! Every field of a record is used, so that nothing is left out.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::{BATCH_BYTES, Payload};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Inflater, RawBatch, Seal};

fn walk(batch: &RawBatch, inflater: &mut Inflater) -> u64 {
    let Ok(open) = inflater.open(batch) else {
        return 0;
    };
    let mut sum = 0;
    for record in open.records().flatten() {
        sum ^= record.offset.cast_unsigned() ^ record.timestamp.cast_unsigned();
        sum += record.key.map_or(0, <[u8]>::len) as u64;
        sum += record.value.map_or(0, <[u8]>::len) as u64;
        sum += record.headers.count() as u64;
    }
    sum
}

fn batch_walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch_walk");
    let mut inflater = Inflater::default();
    for payload in Payload::ALL {
        for headers in [0, 2] {
            let batch = payload.batch(Codec::None, headers);
            group.throughput(Throughput::Elements(
                batch.header().record_count.unsigned_abs().into(),
            ));
            let id = format!("{}/headers-{headers}", payload.name());
            group.bench_function(id, |bencher| bencher.iter(|| walk(&batch, &mut inflater)));
        }
        let batch = payload.batch(Codec::None, 0);
        group.throughput(Throughput::Bytes(batch.bytes().len() as u64));
        group.bench_function(format!("{}/crc-and-walk", payload.name()), |bencher| {
            bencher.iter(|| (batch.verify_crc().is_ok(), walk(&batch, &mut inflater)));
        });
    }
    let batch = Payload::Small.batch(Codec::None, 2);
    group.throughput(Throughput::Elements(
        batch.header().record_count.unsigned_abs().into(),
    ));
    group.bench_function("100B/headers-2-parsed", |bencher| {
        bencher.iter(|| {
            let Ok(open) = inflater.open(&batch) else {
                return 0;
            };
            let headers = open
                .records()
                .flatten()
                .flat_map(|record| record.headers)
                .flatten();
            headers
                .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len))
                .sum()
        });
    });
    append(&mut group);
    group.finish();
}

/// The other way: records into a batch, sealed without compression.
fn append(group: &mut BenchmarkGroup<'_, WallTime>) {
    for payload in Payload::ALL {
        let values = payload.values();
        let mut writer = BatchWriter::new(BatchOptions {
            bytes_target: BATCH_BYTES,
            ..BatchOptions::default()
        });
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function(format!("{}/append-and-seal", payload.name()), |bencher| {
            bencher.iter(|| {
                for value in &values {
                    let _ = writer.append(1_700_000_000_000, None, Some(black_box(value)), &[]);
                }
                writer.seal(Seal::default())
            });
        });
    }
}

criterion_group!(benches, batch_walk);
criterion_main!(benches);
