//! What JSON becomes, beyond the cases that Java has recorded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::convert::{Converter, ConverterRole};
use crate::data::{Map, SchemaBuilder, SchemaType, Struct, logical};

fn json(settings: &[(&str, &str)]) -> Converter {
    let settings: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Converter::from_class("Json", &settings, ConverterRole::Value)
        .unwrap()
        .unwrap()
}

fn plain() -> Converter {
    json(&[("schemas.enable", "false")])
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let document = r#"{"grün":["a longer text than eight bytes","x\ny"]}"#.as_bytes();
    let Value::Map(map) = plain().to_connect("t", Some(document)).unwrap().value else {
        panic!("not a map");
    };
    let Some(Value::Array(items)) = map.get("grün") else {
        panic!("not an array");
    };
    let [Value::String(plain), Value::String(escaped)] = &items[..] else {
        panic!("not two strings");
    };
    assert!(matches!(plain, Cow::Borrowed(_)));
    assert!(matches!(escaped, Cow::Owned(_)));
}

#[test]
fn text_that_is_no_json_says_where_in_its_cause() {
    let error = plain().to_connect("t", Some(b"{\"a\":\n 1,}")).unwrap_err();
    assert_eq!(
        error.trace(),
        "org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to \
         serialization error: \n\
         Caused by: org.apache.kafka.common.errors.SerializationException: \
         com.fasterxml.jackson.core.JsonParseException: Unexpected character ('}' (code 125)): was expecting \
         double-quote to start field name\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` \
         disabled); line: 2, column: 4]\n\
         Caused by: com.fasterxml.jackson.core.JsonParseException: Unexpected character ('}' (code 125)): was \
         expecting double-quote to start field name\n at [Source: REDACTED \
         (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 2, column: 4]"
    );
}

#[test]
fn envelope_is_demanded_in_javas_words() {
    let error = json(&[]).to_connect("t", Some(b"{}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional \
         fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter \
         configuration."
    );
    assert_eq!(
        error.class(),
        "org.apache.kafka.connect.errors.DataException"
    );
}

#[test]
fn schema_that_comes_again_is_the_same_in_memory() {
    let converter = json(&[]);
    let schema_of = |document: &str| {
        let read = converter
            .to_connect("t", Some(document.as_bytes()))
            .unwrap();
        read.schema.unwrap()
    };
    let first = schema_of(r#"{"schema":{"type":"int8"},"payload":1}"#);
    let second = schema_of(r#"{ "payload":2, "schema" : {"type":"int8"} }"#);
    let other = schema_of(r#"{"schema":{"type":"int16"},"payload":1}"#);
    let again = schema_of(r#"{"schema":{"type":"int8"},"payload":1}"#);
    assert!(first.is_same(&second) && first.is_same(&again));
    assert!(!first.is_same(&other));
}

#[test]
fn cache_forgets_the_oldest_schemas() {
    let converter = json(&[("schemas.cache.size", "2")]);
    let schema_of = |kind: &str| {
        let document = format!(r#"{{"schema":{{"type":"{kind}"}},"payload":1}}"#);
        let read = converter
            .to_connect("t", Some(document.as_bytes()))
            .unwrap();
        read.schema.unwrap()
    };
    let first = schema_of("int8");
    schema_of("int16");
    schema_of("int32");
    assert!(!schema_of("int8").is_same(&first));
}

#[test]
fn cache_of_no_size_keeps_nothing() {
    let converter = json(&[("schemas.cache.size", "0")]);
    let document = br#"{"schema":{"type":"int8"},"payload":1}"#;
    let one = converter
        .to_connect("t", Some(document))
        .unwrap()
        .schema
        .unwrap();
    let two = converter
        .to_connect("t", Some(document))
        .unwrap()
        .schema
        .unwrap();
    assert!(!one.is_same(&two));
    let bytes = converter
        .from_connect("t", Some(&one), &Value::Int8(1))
        .unwrap()
        .unwrap();
    assert_eq!(
        bytes,
        br#"{"schema":{"type":"int8","optional":false},"payload":1}"#
    );
}

#[test]
fn null_with_a_schema_is_no_tombstone() {
    let schema = Schema::optional(SchemaType::String);
    let written = |converter: &Converter, schema| {
        let bytes = converter.from_connect("t", schema, &Value::Null).unwrap();
        bytes.map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let envelope = r#"{"schema":{"type":"string","optional":true},"payload":null}"#;
    assert_eq!(
        written(&json(&[]), Some(&schema)).as_deref(),
        Some(envelope)
    );
    assert_eq!(written(&plain(), Some(&schema)).as_deref(), Some("null"));
    assert_eq!(written(&json(&[]), None), None);
    assert_eq!(written(&plain(), None), None);
}

#[test]
fn values_that_do_not_fit_their_schema_are_refused_in_javas_words() {
    let refused = |schema: &Schema, value: &Value<'_>| {
        let error = plain().from_connect("t", Some(schema), value).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused(&Schema::of(SchemaType::Int8), &Value::text("x")),
        "Invalid type for INT8: class java.lang.String"
    );
    assert_eq!(
        refused(&Schema::of(SchemaType::Bytes), &Value::Int8(1)),
        "Invalid type for bytes type: class java.lang.Byte"
    );
    assert_eq!(
        refused(&Schema::of(SchemaType::Int8), &Value::Null),
        "Conversion error: null value for field that is required and has no default value"
    );
    assert_eq!(
        refused(
            &logical::decimal(2).build(),
            &Value::decimal(crate::data::Decimal::new(1, 3))
        ),
        "Decimal value has mismatching scale for given Decimal schema. Schema has scale 2, value has scale 3."
    );
    assert_eq!(
        refused(&logical::date().build(), &Value::Date(1)),
        "Kafka Connect Date type should not have any time fields set to non-zero values."
    );
    let structure = Struct::new(SchemaBuilder::structure().build()).unwrap();
    let other = SchemaBuilder::structure().optional().build();
    assert_eq!(
        refused(&other, &Value::Struct(structure)),
        "Mismatching schema."
    );
}

#[test]
fn map_with_other_keys_than_text_is_an_array_of_pairs() {
    let mut map = Map::new();
    map.put("a", Value::Int64(1));
    map.insert(Value::Null, Value::Boolean(true));
    let bytes = plain().from_connect("t", None, &Value::Map(map)).unwrap();
    assert_eq!(bytes.unwrap(), br#"[[null,true],["a",1]]"#);
}

#[test]
fn values_nested_too_deep_are_not_written() {
    on_small_stack(too_deep_values);
}

fn too_deep_values() {
    let mut value = Value::Int8(1);
    for _ in 0..1_001 {
        value = Value::Array(vec![value]);
    }
    let error = plain().from_connect("t", None, &value).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Converting Kafka Connect data to byte[] failed due to serialization error: "
    );
}

/// A text around which another stands so many times.
fn nested(head: &str, core: &str, tail: &str, depth: usize) -> String {
    [&head.repeat(depth), core, &tail.repeat(depth)].concat()
}

/// Runs a check with half the stack that threads have; without optimisation frames are many times as large.
fn on_small_stack(check: fn()) {
    let size = if cfg!(debug_assertions) { 32 } else { 1 } << 20;
    let thread = std::thread::Builder::new().stack_size(size);
    thread.spawn(check).unwrap().join().unwrap();
}

#[test]
fn deepest_documents_fit_a_threads_stack() {
    on_small_stack(deepest_documents);
}

fn deepest_documents() {
    let converter = plain();
    for document in [
        nested("[", "", "]", 1_000),
        nested("{\"a\":", "1", "}", 1_000),
    ] {
        let read = converter
            .to_connect("t", Some(document.as_bytes()))
            .unwrap();
        let copy = read.clone().into_owned();
        assert_eq!(copy, read);
        assert!(copy.value.to_string().len() > 1_000);
        let bytes = converter.from_connect("t", None, &read.value).unwrap();
        assert_eq!(bytes.unwrap(), document.as_bytes());
    }
}

#[test]
fn deepest_schemas_fit_a_threads_stack() {
    on_small_stack(deepest_schemas);
}

fn deepest_schemas() {
    let deepest = 997;
    let array = nested(
        "{\"type\":\"array\",\"items\":",
        "{\"type\":\"int8\"}",
        "}",
        deepest,
    );
    let items = nested("[", "1", "]", deepest);
    let head = "{\"type\":\"struct\",\"fields\":[{\"field\":\"a\",\"type\":\"array\",\"items\":";
    let structure = nested(head, "{\"type\":\"int8\"}", "}]}", 332);
    let fields = nested("{\"a\":[", "1", "]}", 332);
    let map = nested(
        "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":",
        "{\"type\":\"int8\"}",
        "}",
        deepest,
    );
    let entries = nested("{\"k\":", "1", "}", deepest);
    for (schema, payload) in [(array, items), (map, entries), (structure, fields)] {
        let document = format!("{{\"schema\":{schema},\"payload\":{payload}}}");
        let (reader, writer) = (json(&[]), json(&[]));
        let read = reader.to_connect("t", Some(document.as_bytes())).unwrap();
        let schema = read.schema.as_ref().unwrap();
        let other = writer.to_connect("t", Some(document.as_bytes())).unwrap();
        assert_eq!(read, other);
        crate::data::validate::validate_value(schema, &read.value).unwrap();
        let bytes = writer
            .from_connect("t", Some(schema), &read.value)
            .unwrap()
            .unwrap();
        let again = reader.to_connect("t", Some(&bytes)).unwrap();
        assert_eq!(again.value, read.value);
    }
}

#[test]
fn wide_structs_are_read_in_linear_time() {
    let fields: Vec<String> = (0..20_000)
        .map(|index| format!(r#"{{"field":"f{index}","type":"int8","optional":true}}"#))
        .collect();
    let schema = format!(r#"{{"type":"struct","fields":[{}]}}"#, fields.join(","));
    let document = format!(r#"{{"schema":{schema},"payload":{{"f19999":1}}}}"#);
    let read = json(&[])
        .to_connect("t", Some(document.as_bytes()))
        .unwrap();
    let Value::Struct(structure) = read.value else {
        panic!("not a struct");
    };
    assert_eq!(*structure.at(19_999), Value::Int8(1));
}

/// Values without a schema, of the types that JSON keeps.
fn any_plain() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Int64),
        // Decimals know no minus zero, and infinities are written as text.
        any::<f64>()
            .prop_filter("a finite number", |number| number.is_finite())
            .prop_map(|number| Value::Float64(if number == 0.0 { 0.0 } else { number })),
        any::<String>().prop_map(|text| Value::String(Cow::Owned(text))),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|entries| {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.put(key, value);
                }
                Value::Map(map)
            }),
        ]
    })
}

/// Schemas with a value of each.
fn any_typed() -> impl Strategy<Value = (Schema, Value<'static>)> {
    let day = 86_400_000;
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| (SchemaType::Boolean.into(), Value::Boolean(value))),
        any::<i8>().prop_map(|value| (SchemaType::Int8.into(), Value::Int8(value))),
        any::<i16>().prop_map(|value| (SchemaType::Int16.into(), Value::Int16(value))),
        any::<i32>().prop_map(|value| (SchemaType::Int32.into(), Value::Int32(value))),
        any::<i64>().prop_map(|value| (SchemaType::Int64.into(), Value::Int64(value))),
        (-1e30_f32..1e30).prop_map(|value| (SchemaType::Float32.into(), Value::Float32(value))),
        (-1e300_f64..1e300).prop_map(|value| (SchemaType::Float64.into(), Value::Float64(value))),
        any::<String>()
            .prop_map(|text| { (SchemaType::String.into(), Value::String(Cow::Owned(text))) }),
        any::<Vec<u8>>()
            .prop_map(|bytes| { (SchemaType::Bytes.into(), Value::Bytes(Cow::Owned(bytes))) }),
        (any::<i64>(), -9..9_i32).prop_map(|(number, scale)| {
            let value = Value::decimal(crate::data::Decimal::new(number, scale));
            (logical::decimal(scale), value)
        }),
        any::<i32>().prop_map(move |days| (logical::date(), Value::Date(i64::from(days) * day))),
        (0..=day).prop_map(|millis| (logical::time(), Value::Date(millis))),
        any::<i64>().prop_map(|millis| (logical::timestamp(), Value::Date(millis))),
    ];
    let leaf = (leaf, any::<bool>(), any::<Option<String>>()).prop_map(
        |((builder, value), is_optional, doc): ((SchemaBuilder, _), _, _)| {
            let builder = builder.set_optional(is_optional).set_doc(doc.as_deref());
            (builder.build(), value)
        },
    );
    leaf.prop_recursive(3, 30, 5, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(schema, value)| {
                let items = Value::Array(vec![value.clone(), value]);
                (SchemaBuilder::array(schema).build(), items)
            }),
            (any::<String>(), any::<i64>(), any::<bool>(), inner.clone()).prop_map(
                |(text, number, has_text, (schema, value))| {
                    let (keys, key) = if has_text {
                        (SchemaType::String, Value::String(Cow::Owned(text)))
                    } else {
                        (SchemaType::Int64, Value::Int64(number))
                    };
                    let mut map = Map::new();
                    map.insert(key, value);
                    let schema = SchemaBuilder::map(Schema::of(keys), schema).build();
                    (schema, Value::Map(map))
                }
            ),
            prop::collection::vec(inner, 0..5).prop_map(|fields| {
                let named = fields.iter().enumerate();
                let named: Vec<(String, Schema)> = named
                    .map(|(index, (schema, _))| (format!("f{index}"), schema.clone()))
                    .collect();
                let named = named.iter().map(|(name, schema)| (&**name, schema.clone()));
                let schema = SchemaBuilder::structure().fields(named).unwrap().build();
                let mut structure = Struct::new(schema.clone()).unwrap();
                for (index, (_, value)) in fields.into_iter().enumerate() {
                    structure.put(&format!("f{index}"), value).unwrap();
                }
                (schema, Value::Struct(structure))
            }),
        ]
    })
}

impl From<SchemaType> for SchemaBuilder {
    fn from(kind: SchemaType) -> Self {
        Self::primitive(kind)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn values_without_schema_survive(value in any_plain()) {
        let converter = plain();
        let Some(bytes) = converter.from_connect("t", None, &value).unwrap() else {
            prop_assert!(value.is_null());
            return Ok(());
        };
        let read = converter.to_connect("t", Some(&bytes)).unwrap();
        prop_assert_eq!(read.value, value);
        prop_assert!(read.schema.is_none());
    }

    #[test]
    fn values_survive_with_their_schema((schema, value) in any_typed()) {
        let converter = json(&[]);
        let bytes = converter.from_connect("t", Some(&schema), &value).unwrap().unwrap();
        let read = converter.to_connect("t", Some(&bytes)).unwrap();
        prop_assert_eq!(read.schema, Some(schema));
        prop_assert_eq!(read.value, value);
    }
}
