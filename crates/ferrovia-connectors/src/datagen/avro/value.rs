//! Values that stand in schemas as JSON: defaults and options.

use std::sync::Arc;

use ferrovia_pipeline::data::{Map, Schema, SchemaType, Struct, Value, logical};
use serde_json::{Map as Object, Value as Json};

use super::{Avro, AvroField, Fault, Kind};

/// How a text stands for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::datagen) enum Charset {
    /// A character a byte: defaults.
    Latin1,
    /// Options.
    Utf8,
}

/// The value that JSON stands for, as one of that schema.
pub(in crate::datagen) fn value_of(
    avro: &Avro,
    schema: &Schema,
    json: &Json,
    charset: Charset,
) -> Result<Value<'static>, Fault> {
    if let Some(member) = avro.beside_null() {
        return match json {
            Json::Null => Ok(Value::Null),
            json => value_of(member, schema, unwrapped(member, json), charset),
        };
    }
    let refused = || Fault::new(format!("{json} is not a value of {}", avro.kind_name()));
    match (&avro.kind, json) {
        (Kind::Boolean, Json::Bool(truth)) => Ok(Value::Boolean(*truth)),
        (Kind::Int | Kind::Long, Json::Number(number)) => {
            let number = number.as_i64().ok_or_else(refused)?;
            if matches!(avro.kind, Kind::Int) && i32::try_from(number).is_err() {
                return Err(refused());
            }
            Ok(Whole::of(schema).value(number))
        }
        (Kind::Float, Json::Number(number)) => {
            let number = number.as_f64().ok_or_else(refused)?;
            Ok(Value::Float32(narrowed(number)))
        }
        (Kind::Double, Json::Number(number)) => {
            Ok(Value::Float64(number.as_f64().ok_or_else(refused)?))
        }
        (Kind::String, Json::String(text)) => Ok(Value::String(text.clone().into())),
        (Kind::Enum(symbols), Json::String(text)) if symbols.contains(text) => {
            Ok(Value::String(text.clone().into()))
        }
        (Kind::Bytes | Kind::Fixed(_), Json::String(text)) => {
            let bytes = bytes_of(text, charset).ok_or_else(refused)?;
            match avro.kind {
                Kind::Fixed(size) if size != bytes.len() => Err(refused()),
                _ if schema.name() == Some(logical::DECIMAL) => {
                    Ok(Value::decimal(logical::decimal_from_bytes(schema, &bytes)?))
                }
                _ => Ok(Value::Bytes(bytes.into())),
            }
        }
        (Kind::Array(items), Json::Array(listed)) => {
            let inner = schema.value_schema().ok_or_else(refused)?;
            let values = listed
                .iter()
                .map(|json| value_of(items, inner, json, charset));
            Ok(Value::Array(values.collect::<Result<_, _>>()?))
        }
        (Kind::Map(values), Json::Object(object)) => {
            let inner = schema.value_schema().ok_or_else(refused)?;
            let mut map = Map::with_capacity(object.len());
            for (key, json) in object {
                map.put(key.clone(), value_of(values, inner, json, charset)?);
            }
            Ok(Value::Map(map))
        }
        (Kind::Record(fields), Json::Object(object)) => record_of(fields, schema, object, charset),
        (Kind::Union(members), json) => member_of(members, schema, json, charset),
        _ => Err(refused()),
    }
}

fn record_of(
    fields: &[AvroField],
    schema: &Schema,
    object: &Object<String, Json>,
    charset: Charset,
) -> Result<Value<'static>, Fault> {
    let mut record = Struct::new(schema.clone())?;
    for (field, place) in fields.iter().zip(schema.fields()) {
        // A default is written in its own way wherever it is used.
        let value = match (object.get(&field.name), &field.default) {
            (Some(json), _) => value_of(&field.schema, &place.schema, json, charset),
            (None, Some(json)) => value_of(&field.schema, &place.schema, json, Charset::Latin1),
            (None, None) => Err(Fault::new("is missing in a record")),
        };
        let value = value.map_err(|fault| fault.within(&field.name))?;
        record.set(place.index, value);
    }
    Ok(Value::Struct(record))
}

/// The value of a union: of the member that its JSON names, or of the first that it fits.
fn member_of(
    members: &[Arc<Avro>],
    schema: &Schema,
    json: &Json,
    charset: Charset,
) -> Result<Value<'static>, Fault> {
    if json.is_null() && members.iter().any(|member| member.is_null()) {
        return Ok(Value::Null);
    }
    let others = members.iter().filter(|member| !member.is_null());
    for (member, place) in others.zip(schema.fields()) {
        let json = unwrapped(member, json);
        if let Ok(value) = value_of(member, &place.schema, json, charset) {
            let mut union = Struct::new(schema.clone())?;
            union.set(place.index, value);
            return Ok(Value::Struct(union));
        }
    }
    Err(Fault::new(format!("{json} is not a value of union")))
}

/// What `{"string": "a"}` holds, which is how Avro writes members of unions.
fn unwrapped<'j>(member: &Avro, json: &'j Json) -> &'j Json {
    let name = member.name.as_deref().unwrap_or_else(|| member.kind_name());
    match json {
        Json::Object(object) if object.len() == 1 => object.get(name).unwrap_or(json),
        _ => json,
    }
}

fn bytes_of(text: &str, charset: Charset) -> Option<Vec<u8>> {
    match charset {
        Charset::Utf8 => Some(text.as_bytes().to_vec()),
        Charset::Latin1 => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect(),
    }
}

/// What a whole number becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::datagen) enum Whole {
    Int8,
    Int16,
    Int32,
    Int64,
    Date,
    Time,
    Timestamp,
}

impl Whole {
    /// What numbers of a schema become.
    pub(in crate::datagen) fn of(schema: &Schema) -> Self {
        match (schema.name(), schema.schema_type()) {
            (Some(logical::DATE), _) => Self::Date,
            (Some(logical::TIME), _) => Self::Time,
            (Some(logical::TIMESTAMP), _) => Self::Timestamp,
            (_, SchemaType::Int8) => Self::Int8,
            (_, SchemaType::Int16) => Self::Int16,
            (_, SchemaType::Int64) => Self::Int64,
            _ => Self::Int32,
        }
    }

    /// The value of a number. Of one that is too large the low bits stay, as in Java; times go on at midnight.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "that is what Java's narrowing does, and what is documented"
    )]
    pub(in crate::datagen) fn value(self, number: i64) -> Value<'static> {
        match self {
            Self::Int8 => Value::Int8(number as i8),
            Self::Int16 => Value::Int16(number as i16),
            Self::Int32 => Value::Int32(number as i32),
            Self::Int64 => Value::Int64(number),
            Self::Date => Value::Date(i64::from(number as i32) * logical::DAY_MS),
            Self::Time => Value::Date(number.rem_euclid(logical::DAY_MS)),
            Self::Timestamp => Value::Date(number),
        }
    }
}

/// The nearest number that takes half the room.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is too precise is rounded, as in Java"
)]
pub(in crate::datagen) fn narrowed(number: f64) -> f32 {
    number as f32
}
