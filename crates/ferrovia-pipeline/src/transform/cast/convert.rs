//! From one primitive to another, as Java's casts do it.

use std::borrow::Cow;

use crate::data::validate::value_type;
use crate::data::values::write_date;
use crate::data::{Schema, SchemaType, Value, logical};
use crate::error::ConnectError;
use crate::transform::cast::text::read;

/// The types that can be cast from, as messages list them.
const SOURCES: [SchemaType; 9] = [
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

/// Casts a value that has no schema.
pub(super) fn cast_plain(value: Value<'_>, target: SchemaType) -> Result<Value<'_>, ConnectError> {
    if value.is_null() {
        return Ok(value);
    }
    let Some(source) = value_type(&value) else {
        return Err(ConnectError::data(format!(
            "Cast transformation was passed a value of type class {} which is not supported by Connect's data API",
            value.java_class()
        )));
    };
    check_source(source)?;
    cast(value, target)
}

/// Casts a value of a schema. A date counts as the number that its schema makes of it, unless it becomes text.
pub(super) fn cast_value<'a>(
    schema: &Schema,
    value: Value<'a>,
    target: SchemaType,
) -> Result<Value<'a>, ConnectError> {
    if value.is_null() {
        return Ok(value);
    }
    check_source(schema.schema_type())?;
    let value = match (value, schema.name()) {
        (value, _) if target == SchemaType::String => value,
        (Value::Date(millis), Some(logical::DATE)) => {
            Value::Int32(logical::date_to_days(schema, millis)?)
        }
        (Value::Date(millis), Some(logical::TIME)) => {
            Value::Int32(logical::time_to_millis(schema, millis)?)
        }
        (Value::Date(millis), Some(logical::TIMESTAMP)) => Value::Int64(millis),
        (value, _) => value,
    };
    cast(value, target)
}

fn check_source(source: SchemaType) -> Result<(), ConnectError> {
    if SOURCES.contains(&source) {
        return Ok(());
    }
    Err(ConnectError::data(format!(
        "Cast transformation does not support casting from {}; supported types are [{}]",
        source.java_name(),
        SOURCES.map(SchemaType::java_name).join(", ")
    )))
}

fn cast(value: Value<'_>, target: SchemaType) -> Result<Value<'_>, ConnectError> {
    if target == SchemaType::String {
        return Ok(to_text(value));
    }
    if let Value::String(text) = &value {
        return read(text, target).map_err(|cause| {
            let message = format!("Value ({text}) was out of range for requested data type");
            ConnectError::data_by(message, cause)
        });
    }
    Number::of(&value)
        .and_then(|number| number.cast(target))
        .ok_or_else(|| {
            let class = value.java_class();
            let message = format!("Unexpected type in Cast transformation: class {class}");
            ConnectError::data(message)
        })
}

fn to_text(value: Value<'_>) -> Value<'_> {
    let text = match value {
        Value::String(text) => return Value::String(text),
        Value::Bytes(bytes) => crate::convert::base64::encoded(&bytes),
        Value::Date(millis) => {
            let mut text = String::with_capacity(24);
            // Writing to a text does not fail.
            let _ = write_date(&mut text, millis);
            text
        }
        other => other.to_string(),
    };
    Value::String(Cow::Owned(text))
}

/// A number on its way to another type.
#[derive(Clone, Copy)]
enum Number {
    Whole(i64),
    Single(f32),
    Double(f64),
    /// A decimal: its low 64 bits, and the nearest numbers of both other kinds.
    Decimal(i64, f32, f64),
}

impl Number {
    fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Boolean(value) => Self::Whole(i64::from(*value)),
            Value::Int8(value) => Self::Whole(i64::from(*value)),
            Value::Int16(value) => Self::Whole(i64::from(*value)),
            Value::Int32(value) => Self::Whole(i64::from(*value)),
            Value::Int64(value) => Self::Whole(*value),
            Value::Float32(value) => Self::Single(*value),
            Value::Float64(value) => Self::Double(*value),
            Value::Decimal(value) => Self::Decimal(value.to_i64(), value.to_f32(), value.to_f64()),
            _ => return None,
        })
    }

    fn cast(self, target: SchemaType) -> Option<Value<'static>> {
        Some(match target {
            SchemaType::Int8 => Value::Int8(self.to_i32().to_le_bytes()[0].cast_signed()),
            SchemaType::Int16 => {
                let [low, high, ..] = self.to_i32().to_le_bytes();
                Value::Int16(i16::from_le_bytes([low, high]))
            }
            SchemaType::Int32 => Value::Int32(self.to_i32()),
            SchemaType::Int64 => Value::Int64(self.to_i64()),
            SchemaType::Float32 => Value::Float32(self.to_f32()),
            SchemaType::Float64 => Value::Float64(self.to_f64()),
            SchemaType::Boolean => Value::Boolean(self.to_i64() != 0),
            _ => return None,
        })
    }

    /// Whole numbers lose their high bits; others lose their fraction and stop at the limits.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "this is Java's narrowing conversion, which Rust's is, too"
    )]
    fn to_i32(self) -> i32 {
        match self {
            Self::Whole(value) | Self::Decimal(value, ..) => value as i32,
            Self::Single(value) => value as i32,
            Self::Double(value) => value as i32,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "this is Java's narrowing conversion, which Rust's is, too"
    )]
    fn to_i64(self) -> i64 {
        match self {
            Self::Whole(value) | Self::Decimal(value, ..) => value,
            Self::Single(value) => value as i64,
            Self::Double(value) => value as i64,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "this is Java's conversion to the nearest float"
    )]
    fn to_f32(self) -> f32 {
        match self {
            Self::Whole(value) => value as f32,
            Self::Single(value) | Self::Decimal(_, value, _) => value,
            Self::Double(value) => value as f32,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "this is Java's conversion to the nearest double"
    )]
    fn to_f64(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Single(value) => f64::from(value),
            Self::Double(value) | Self::Decimal(_, _, value) => value,
        }
    }
}
