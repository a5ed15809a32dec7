//! From a fetched batch to a sink: what a task's `put` costs, checksum and decompression included. Throughput counts
//! the plain bytes of keys and values.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::Payload;
use ferrovia_connectors::file::FileStreamSinkTask;
use ferrovia_pipeline::batch::{Codec, InflateLimits, Inflater, RawBatch};
use ferrovia_pipeline::convert::{Converter, TextEncoding};
use ferrovia_pipeline::errors::ErrorLog;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::sink::{Delivery, SinkBatch, SinkContext, SinkTask};
use ferrovia_pipeline::topic::TopicPartition;

const CODECS: [Codec; 3] = [Codec::None, Codec::Lz4, Codec::Zstd];
const CONVERTERS: [(&str, Converter); 2] = [
    ("bytes", Converter::ByteArray),
    ("string", Converter::String(TextEncoding::Utf8)),
];

/// What the worker would put: one batch, checked and opened when it is read.
fn delivered(batch: RawBatch, converter: Converter) -> SinkBatch {
    let plan = Plan::of_converters(converter.clone(), converter);
    let mut delivered = SinkBatch::new(
        plan,
        Inflater::new(InflateLimits::default()),
        ErrorLog::default(),
        true,
    );
    delivered.push(Delivery {
        partition: TopicPartition::new("orders", 0),
        from_offset: batch.header().base_offset,
        batch,
    });
    delivered
}

fn sink_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sink_path");
    for codec in CODECS {
        let batch = Payload::Order.batch(codec, 0);
        for (name, converter) in CONVERTERS {
            let mut records = delivered(batch.clone(), converter);
            let id = format!("{codec}/{name}");
            count(&mut group, &format!("{id}/count"), &mut records);
            append(&mut group, &format!("{id}/file"), &mut records);
        }
    }
    // Many small records show what a record costs, apart from its bytes.
    let mut records = delivered(Payload::Small.batch(Codec::None, 0), Converter::ByteArray);
    count(&mut group, "none/bytes/count-100B", &mut records);
    group.finish();
}

/// Every value is converted and its bytes are counted.
fn count(group: &mut BenchmarkGroup<'_, WallTime>, id: &str, records: &mut SinkBatch) {
    let mut pass = || {
        let mut bytes = 0;
        let taken = records.for_each(|record| {
            bytes += record.value().as_printed().len();
            Ok(())
        });
        assert!(taken.is_ok(), "the batch was sealed by this process");
        bytes
    };
    group.throughput(Throughput::Bytes(pass() as u64));
    group.bench_function(id, |bencher| bencher.iter(|| black_box(pass())));
}

/// The file sink writes lines to a file that takes no time.
fn append(group: &mut BenchmarkGroup<'_, WallTime>, id: &str, records: &mut SinkBatch) {
    let settings = BTreeMap::from([("file".to_owned(), "/dev/null".to_owned())]);
    let mut context = SinkContext::new(settings);
    let mut task = FileStreamSinkTask::default();
    assert!(task.start(&mut context).is_ok(), "/dev/null can be opened");
    let mut put = |records: &mut SinkBatch| task.put(records, &mut context).is_ok();
    assert!(put(records), "/dev/null takes everything");
    group.throughput(Throughput::Bytes(records.shown().bytes));
    group.bench_function(id, |bencher| bencher.iter(|| put(records)));
}

criterion_group!(benches, sink_path);
criterion_main!(benches);
