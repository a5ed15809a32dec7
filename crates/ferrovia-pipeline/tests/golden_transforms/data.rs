//! Schemas and values as the fixture writes them: a value names its Java class, a schema says all it has.

use ferrovia_pipeline::data::{
    Decimal, Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value,
};
use serde_json::{Value as Json, json};

pub(crate) fn json_of(data: &SchemaAndValue<'_>) -> Json {
    json!([
        data.schema.as_ref().map(schema_json),
        value_json(&data.value)
    ])
}

pub(crate) fn read_data(json: &Json) -> SchemaAndValue<'static> {
    SchemaAndValue::new(read_schema(&json[0]), read_value(&json[1]))
}

fn schema_json(schema: &Schema) -> Json {
    let mut json = serde_json::Map::new();
    let mut put = |key: &str, value: Json| json.insert(key.to_owned(), value);
    let kind = schema.schema_type();
    put("t", json!(kind.name()));
    if schema.is_optional() {
        put("o", json!(true));
    }
    if let Some(name) = schema.name() {
        put("n", json!(name));
    }
    if let Some(version) = schema.version() {
        put("v", json!(version));
    }
    if let Some(doc) = schema.doc() {
        put("doc", json!(doc));
    }
    if !schema.parameters().is_empty() {
        let pairs = schema.parameters().iter();
        put(
            "p",
            pairs.map(|(key, value)| json!([**key, **value])).collect(),
        );
    }
    if let Some(default) = schema.default_value() {
        put("d", value_json(default));
    }
    if kind == SchemaType::Map {
        put("k", json!(schema.key_schema().map(schema_json)));
    }
    if matches!(kind, SchemaType::Map | SchemaType::Array) {
        put("e", json!(schema.value_schema().map(schema_json)));
    }
    if kind == SchemaType::Struct {
        let fields = schema.fields().iter();
        put(
            "f",
            fields
                .map(|it| json!([*it.name, schema_json(&it.schema)]))
                .collect(),
        );
    }
    Json::Object(json)
}

fn value_json(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!({"bool": value}),
        Value::Int8(value) => json!({"i8": value}),
        Value::Int16(value) => json!({"i16": value}),
        Value::Int32(value) => json!({"i32": value}),
        Value::Int64(value) => json!({"i64": value}),
        Value::Float32(value) => json!({"f32": value.to_bits().cast_signed()}),
        Value::Float64(value) => json!({"f64": value.to_bits().cast_signed()}),
        Value::String(text) => json!({"s": text}),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"b": digits})
        }
        Value::Decimal(value) => json!({"dec": [value.unscaled.to_string(), value.scale]}),
        Value::Date(millis) => json!({"date": millis}),
        Value::Array(items) => json!({"l": items.iter().map(value_json).collect::<Json>()}),
        Value::Map(map) => {
            let pairs = map.iter();
            let pairs = pairs.map(|(key, value)| json!([value_json(key), value_json(value)]));
            json!({"m": pairs.collect::<Json>()})
        }
        Value::Struct(structure) => {
            let values: Json = structure.values().iter().map(value_json).collect();
            json!({"st": [schema_json(structure.schema()), values]})
        }
    }
}

fn read_schema(json: &Json) -> Option<Schema> {
    let text = |key: &str| json[key].as_str();
    let kinds = [
        SchemaType::Int8,
        SchemaType::Int16,
        SchemaType::Int32,
        SchemaType::Int64,
        SchemaType::Float32,
        SchemaType::Float64,
        SchemaType::Boolean,
        SchemaType::String,
        SchemaType::Bytes,
    ];
    let mut builder = match text("t")? {
        "array" => SchemaBuilder::array(read_schema(&json["e"])?),
        "map" => SchemaBuilder::map(read_schema(&json["k"])?, read_schema(&json["e"])?),
        "struct" => SchemaBuilder::structure(),
        name => SchemaBuilder::primitive(kinds.into_iter().find(|kind| kind.name() == name)?),
    };
    for field in json["f"].as_array().into_iter().flatten() {
        builder = builder
            .field(field[0].as_str()?, read_schema(&field[1])?)
            .ok()?;
    }
    for pair in json["p"].as_array().into_iter().flatten() {
        builder = builder.parameter(pair[0].as_str()?, pair[1].as_str()?);
    }
    if !json["d"].is_null() {
        builder = builder.default_value(read_value(&json["d"]));
    }
    let version = json["v"]
        .as_i64()
        .map(|version| version.try_into().unwrap());
    let builder = builder.set_optional(json["o"] == true).set_name(text("n"));
    Some(builder.set_version(version).set_doc(text("doc")).build())
}

fn read_value(json: &Json) -> Value<'static> {
    let Some((kind, inner)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let number = || inner.as_i64().unwrap();
    let items = || inner.as_array().unwrap().iter();
    match kind.as_str() {
        "bool" => Value::Boolean(inner.as_bool().unwrap()),
        "i8" => Value::Int8(number().try_into().unwrap()),
        "i16" => Value::Int16(number().try_into().unwrap()),
        "i32" => Value::Int32(number().try_into().unwrap()),
        "i64" => Value::Int64(number()),
        "f32" => Value::Float32(f32::from_bits(
            i32::try_from(number()).unwrap().cast_unsigned(),
        )),
        "f64" => Value::Float64(f64::from_bits(number().cast_unsigned())),
        "s" => Value::String(inner.as_str().unwrap().to_owned().into()),
        "b" => {
            let digits = inner.as_str().unwrap();
            let pairs = (0..digits.len()).step_by(2);
            let bytes = pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
            Value::Bytes(bytes.collect::<Vec<u8>>().into())
        }
        "dec" => {
            let unscaled = Decimal::parse(inner[0].as_str().unwrap()).unwrap().unscaled;
            let scale = inner[1].as_i64().unwrap().try_into().unwrap();
            Value::decimal(Decimal::new(unscaled, scale))
        }
        "date" => Value::Date(number()),
        "l" => Value::Array(items().map(read_value).collect()),
        "m" => {
            let mut map = Map::new();
            for pair in items() {
                map.insert(read_value(&pair[0]), read_value(&pair[1]));
            }
            Value::Map(map)
        }
        "st" => {
            let mut structure = Struct::new(read_schema(&inner[0]).unwrap()).unwrap();
            for (index, value) in inner[1].as_array().unwrap().iter().enumerate() {
                structure.set(index, read_value(value));
            }
            Value::Struct(structure)
        }
        other => panic!("unknown kind of value: {other}"),
    }
}
