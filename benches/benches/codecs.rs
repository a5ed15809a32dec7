//! Compressing and decompressing a batch of orders by every codec. Throughput counts plain bytes.
//!
//! `--features ferrovia-pipeline/zstd-rust` measures the pure implementation of zstd.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::{BATCH_BYTES, Payload};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Inflater, Seal};

fn codecs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codecs");
    let payload = Payload::Order;
    let values = payload.values();
    let plain = payload.batch(Codec::None, 0).bytes().len();
    group.throughput(Throughput::Bytes(plain as u64));
    for codec in Codec::ALL {
        // Without compression the section is borrowed, and there is nothing to measure.
        if codec != Codec::None {
            let batch = payload.batch(codec, 0);
            let permille = batch.bytes().len() * 1000 / plain;
            let mut inflater = Inflater::default();
            group.bench_function(format!("{codec}/inflate/{permille}-permille"), |bencher| {
                bencher.iter(|| inflater.open(&batch).map_or(0, |open| open.section().len()));
            });
        }
        let mut writer = BatchWriter::new(BatchOptions {
            codec,
            level: None,
            bytes_target: BATCH_BYTES,
        });
        group.bench_function(format!("{codec}/write"), |bencher| {
            bencher.iter(|| {
                for value in &values {
                    let _ = writer.append(1_700_000_000_000, None, Some(value), &[]);
                }
                writer.seal(Seal::default())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, codecs);
criterion_main!(benches);
