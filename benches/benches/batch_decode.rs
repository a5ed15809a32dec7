//! A whole batch, checked and read to its last record: ours against kafka-protocol's decoder.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::Payload;
use ferrovia_pipeline::batch::{Codec, Inflater, batches};
use kafka_protocol::records::RecordBatchDecoder;

fn batch_decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch_decode");
    let mut inflater = Inflater::default();
    for payload in Payload::ALL {
        for headers in [0, 2] {
            let bytes = payload.batch(Codec::None, headers).bytes().clone();
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function(
                format!("{}/headers-{headers}/ours", payload.name()),
                |bencher| {
                    bencher.iter(|| {
                        for batch in batches(bytes.clone()).flatten() {
                            black_box(batch.verify_crc().is_ok());
                            let Ok(open) = inflater.open(&batch) else {
                                return;
                            };
                            for record in open.records() {
                                black_box(record.is_ok());
                                if let Ok(record) = record {
                                    black_box((record.value, record.headers.iter().count()));
                                }
                            }
                        }
                    });
                },
            );
            let id = format!("{}/headers-{headers}/kafka-protocol", payload.name());
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    for record in RecordBatchDecoder::decode(&mut bytes.clone())
                        .into_iter()
                        .flat_map(|set| set.records)
                    {
                        black_box((&record.value, record.headers.len()));
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, batch_decode);
criterion_main!(benches);
