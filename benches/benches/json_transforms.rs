//! Orders of 936 bytes on their whole way: an lz4 batch is opened, every value read by `JsonConverter` without schemas,
//! changed by `InsertField`, `ReplaceField` and `MaskField`, shown to a sink and dropped. Throughput counts records.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::Payload;
use ferrovia_pipeline::batch::{Codec, InflateLimits, Inflater};
use ferrovia_pipeline::convert::{Converter, ConverterRole, HeaderConverter, TextEncoding};
use ferrovia_pipeline::errors::ErrorLog;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::sink::{Delivery, SinkBatch};
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_pipeline::transform::TransformationChain;

/// The transformations that are measured against Java, too.
const TRANSFORMS: [(&str, &str); 8] = [
    ("transforms", "insert,replace,mask"),
    (
        "transforms.insert.type",
        "org.apache.kafka.connect.transforms.InsertField$Value",
    ),
    ("transforms.insert.topic.field", "topic"),
    (
        "transforms.replace.type",
        "org.apache.kafka.connect.transforms.ReplaceField$Value",
    ),
    ("transforms.replace.exclude", "note"),
    ("transforms.replace.renames", "status:state"),
    (
        "transforms.mask.type",
        "org.apache.kafka.connect.transforms.MaskField$Value",
    ),
    ("transforms.mask.fields", "order_id"),
];

fn owned<const N: usize>(settings: [(&str, &str); N]) -> BTreeMap<String, String> {
    let settings = settings.into_iter();
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A batch of orders, and the plan of a task that reads and transforms them.
fn orders(settings: &BTreeMap<String, String>) -> Option<SinkBatch> {
    let json = owned([("schemas.enable", "false")]);
    let plan = Plan::new(
        Converter::String(TextEncoding::Utf8),
        Converter::from_class("JsonConverter", &json, ConverterRole::Value).ok()??,
        HeaderConverter::Simple,
        TransformationChain::from_settings(settings).ok()?,
    );
    let inflater = Inflater::new(InflateLimits::default());
    let mut orders = SinkBatch::new(plan, inflater, ErrorLog::default(), true);
    let batch = Payload::Order.batch(Codec::Lz4, 0);
    orders.push(Delivery {
        partition: TopicPartition::new("orders", 0),
        from_offset: batch.header().base_offset,
        batch,
    });
    Some(orders)
}

fn json_transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json_transforms");
    let cases = [
        ("read", BTreeMap::new()),
        ("read-and-transform", owned(TRANSFORMS)),
    ];
    for (name, settings) in cases {
        let Some(mut orders) = orders(&settings) else {
            return;
        };
        let mut pass = || {
            let taken = orders.for_each(|record| {
                black_box(record);
                Ok(())
            });
            assert!(taken.is_ok(), "the batch was sealed by this process");
            orders.shown().records
        };
        group.throughput(Throughput::Elements(pass()));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(pass())));
    }
    group.finish();
}

criterion_group!(benches, json_transforms);
criterion_main!(benches);
