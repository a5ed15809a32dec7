//! Orders of 936 bytes through `JsonConverter`, both ways: without a schema, and with one beside every record.
//! Throughput counts the bytes of the JSON.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_benches::Payload;
use ferrovia_pipeline::convert::{Converter, ConverterRole};
use ferrovia_pipeline::data::{Schema, SchemaBuilder, SchemaType, Value};

/// A converter with or without schemas.
fn json(has_schemas: bool) -> Option<Converter> {
    let settings = BTreeMap::from([("schemas.enable".to_owned(), has_schemas.to_string())]);
    Converter::from_class("JsonConverter", &settings, ConverterRole::Value).ok()?
}

/// A schema of the values that JSON without a schema becomes.
fn schema_of(value: &Value<'_>) -> Schema {
    let builder = match value {
        Value::Int64(_) => SchemaBuilder::primitive(SchemaType::Int64),
        Value::Float64(_) => SchemaBuilder::primitive(SchemaType::Float64),
        Value::Boolean(_) => SchemaBuilder::primitive(SchemaType::Boolean),
        Value::Array(items) => SchemaBuilder::array(
            items
                .first()
                .map_or_else(|| schema_of(&Value::Null), schema_of),
        ),
        Value::Map(map) => {
            let named = map
                .iter()
                .map(|(key, value)| (key.to_string(), schema_of(value)));
            let named: Vec<(String, Schema)> = named.collect();
            let fields = named.iter().map(|(name, schema)| (&**name, schema.clone()));
            let structure = SchemaBuilder::structure();
            structure
                .fields(fields)
                .unwrap_or_else(|_| SchemaBuilder::structure())
        }
        _ => SchemaBuilder::primitive(SchemaType::String),
    };
    builder.optional().build()
}

fn convert_json(criterion: &mut Criterion) {
    let (Some(plain), Some(envelope)) = (json(false), json(true)) else {
        return;
    };
    let orders = Payload::Order.values();
    let values: Vec<_> = orders
        .iter()
        .filter_map(|order| plain.to_connect("orders", Some(order)).ok())
        .collect();
    let Some(schema) = values.first().map(|read| schema_of(&read.value)) else {
        return;
    };
    // The envelope that this converter itself writes around the same payload.
    let envelopes: Vec<Vec<u8>> = orders
        .iter()
        .filter_map(|order| {
            let head = envelope
                .from_connect("orders", Some(&schema), &Value::Null)
                .ok()??;
            let head = head.strip_suffix(b"null}")?;
            Some([head, order, b"}"].concat())
        })
        .collect();
    let typed: Vec<_> = envelopes
        .iter()
        .filter_map(|order| envelope.to_connect("orders", Some(order)).ok())
        .collect();
    let bytes = |documents: &[Vec<u8>]| {
        Throughput::Bytes(documents.iter().map(|document| document.len() as u64).sum())
    };

    let mut group = criterion.benchmark_group("convert_json");
    let cases = [
        ("plain", &plain, &orders, &values),
        ("envelope", &envelope, &envelopes, &typed),
    ];
    for (name, converter, documents, read) in cases {
        group.throughput(bytes(documents));
        group.bench_function(format!("{name}/read"), |bencher| {
            bencher.iter(|| {
                for document in documents {
                    let _ = black_box(converter.to_connect("orders", Some(document)));
                }
            });
        });
        group.bench_function(format!("{name}/write"), |bencher| {
            bencher.iter(|| {
                for order in read {
                    let schema = order.schema.as_ref();
                    let _ = black_box(converter.from_connect("orders", schema, &order.value));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, convert_json);
criterion_main!(benches);
