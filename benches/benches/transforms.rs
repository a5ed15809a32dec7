//! Three transformations on records of 20 fields, one after the other: `InsertField`, `ReplaceField`, `MaskField`.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ferrovia_pipeline::batch::TimestampType;
use ferrovia_pipeline::data::{
    Headers, Map, Origin, Record, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value,
};
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_pipeline::transform::TransformationChain;

const FIELDS: [&str; 20] = [
    "order_id",
    "customer",
    "email",
    "status",
    "currency",
    "total",
    "tax",
    "discount",
    "items",
    "placed_at",
    "shipped_at",
    "street",
    "city",
    "postcode",
    "country",
    "phone",
    "note",
    "channel",
    "campaign",
    "version",
];

fn chain() -> Option<TransformationChain> {
    let package = "org.apache.kafka.connect.transforms.";
    let settings = [
        ("transforms", "insert,replace,mask".to_owned()),
        (
            "transforms.insert.type",
            format!("{package}InsertField$Value"),
        ),
        ("transforms.insert.topic.field", "topic".to_owned()),
        ("transforms.insert.offset.field", "offset".to_owned()),
        (
            "transforms.replace.type",
            format!("{package}ReplaceField$Value"),
        ),
        ("transforms.replace.exclude", "note,campaign".to_owned()),
        ("transforms.mask.type", format!("{package}MaskField$Value")),
        ("transforms.mask.fields", "email,phone".to_owned()),
    ];
    let settings: BTreeMap<String, String> = settings
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    TransformationChain::from_settings(&settings).ok()
}

fn value_of(field: &'static str) -> Value<'static> {
    match field.len() % 3 {
        0 => Value::Int64(42),
        1 => Value::Float64(12.5),
        _ => Value::text(field),
    }
}

fn plain() -> SchemaAndValue<'static> {
    let mut map = Map::new();
    for field in FIELDS {
        map.put(field, value_of(field));
    }
    SchemaAndValue::new(None, Value::Map(map))
}

fn with_schema() -> Option<SchemaAndValue<'static>> {
    let mut builder = SchemaBuilder::structure();
    for field in FIELDS {
        let kind = match value_of(field) {
            Value::Int64(_) => SchemaType::Int64,
            Value::Float64(_) => SchemaType::Float64,
            _ => SchemaType::String,
        };
        builder = builder.field(field, Schema::of(kind)).ok()?;
    }
    let schema = builder.build();
    let mut value = Struct::new(schema.clone()).ok()?;
    for (index, field) in FIELDS.into_iter().enumerate() {
        value.set(index, value_of(field));
    }
    Some(SchemaAndValue::new(schema, Value::Struct(value)))
}

fn transforms(criterion: &mut Criterion) {
    let origin = TopicPartition::new("orders", 3);
    let forms = [("plain", Some(plain())), ("with-schema", with_schema())];
    let mut group = criterion.benchmark_group("transforms");
    for (name, value) in forms {
        let (Some(mut chain), Some(value)) = (chain(), value) else {
            return;
        };
        let record = || Record {
            topic: "orders".into(),
            partition: Some(3),
            key: SchemaAndValue::NULL,
            value: value.clone(),
            timestamp: Some(1_700_000_000_123),
            headers: Headers::new(),
            origin: Origin::Kafka {
                partition: &origin,
                offset: 7,
                timestamp_type: TimestampType::CreateTime,
            },
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                record,
                |record| black_box(chain.apply(record).ok()),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, transforms);
criterion_main!(benches);
