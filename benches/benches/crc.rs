//! Two crates for the checksum of a batch: the faster one is used.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn crc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crc");
    for size in [64, 1024, 16 * 1024, 1024 * 1024] {
        let bytes = vec![0x5a_u8; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("crc-fast/{size}"), |bencher| {
            bencher.iter(|| crc_fast::crc32_iscsi(black_box(&bytes)));
        });
        group.bench_function(format!("crc32c/{size}"), |bencher| {
            bencher.iter(|| crc32c::crc32c(black_box(&bytes)));
        });
    }
    group.finish();
}

criterion_group!(benches, crc);
criterion_main!(benches);
