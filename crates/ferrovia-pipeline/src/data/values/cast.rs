//! Values as values of another schema.
//!
//! # Source
//! `Values.convertTo` as lists and maps use it: without a schema that the value comes from

use std::borrow::Cow;

use crate::data::logical::{self, low_32_bits};
use crate::data::project::double_of;
use crate::data::{Decimal, Schema, SchemaType, Value};
use crate::error::ConnectError;

/// `value` as one of `schema`.
pub(super) fn convert<'a>(schema: &Schema, value: Value<'a>) -> Result<Value<'a>, ConnectError> {
    let named = |name| logical::is(schema, name);
    match (schema.schema_type(), value) {
        (_, Value::Null) if schema.is_optional() => Ok(Value::Null),
        (_, Value::Null) => Err(ConnectError::data(
            "Unable to convert a null value to a schema that requires a value",
        )),
        (SchemaType::String, value) => Ok(Value::String(Cow::Owned(super::to_text(&value)))),
        (SchemaType::Int8, value) => to_i64(&value).map(|number| {
            let [low, ..] = number.to_le_bytes();
            Value::Int8(low.cast_signed())
        }),
        (SchemaType::Int16, value) => to_i64(&value).map(|number| {
            let [low, high, ..] = number.to_le_bytes();
            Value::Int16(i16::from_le_bytes([low, high]))
        }),
        (SchemaType::Int32 | SchemaType::Int64, Value::Date(millis))
            if named(logical::DATE) || named(logical::TIME) || named(logical::TIMESTAMP) =>
        {
            Ok(Value::Date(millis))
        }
        (SchemaType::Int32, value) => {
            let number = low_32_bits(to_i64(&value)?);
            if named(logical::DATE) {
                logical::date_from_days(schema, number).map(Value::Date)
            } else if named(logical::TIME) {
                logical::time_from_millis(schema, number).map(Value::Date)
            } else {
                Ok(Value::Int32(number))
            }
        }
        (SchemaType::Int64, value) => {
            let number = to_i64(&value)?;
            Ok(if named(logical::TIMESTAMP) {
                Value::Date(number)
            } else {
                Value::Int64(number)
            })
        }
        (SchemaType::Float32, Value::Float32(number)) => Ok(Value::Float32(number)),
        (SchemaType::Float32, value) => to_f64(&value).map(|number| Value::Float32(narrow(number))),
        (SchemaType::Float64, value) => to_f64(&value).map(Value::Float64),
        // Booleans, bytes, decimals, lists and maps come here as what they are.
        (_, value) => Ok(value),
    }
}

/// A number as a long: text is read as a number, a fraction is cut off, of what is too large the low bits stay.
///
/// # Errors
/// The value is neither a number nor the text of one.
///
/// # Source
/// `Values.convertToLong` and the narrower ones, which cast what this gives
pub fn to_i64(value: &Value<'_>) -> Result<i64, ConnectError> {
    match value {
        Value::Int8(number) => Ok(i64::from(*number)),
        Value::Int16(number) => Ok(i64::from(*number)),
        Value::Int32(number) => Ok(i64::from(*number)),
        Value::Int64(number) => Ok(*number),
        Value::Float32(number) => Ok(saturated(f64::from(*number))),
        Value::Float64(number) => Ok(saturated(*number)),
        Value::Decimal(number) => Ok(number.to_i64()),
        Value::String(text) => match Decimal::parse(text) {
            Some(number) => Ok(number.to_i64()),
            None => Err(no_number(value)),
        },
        value => Err(no_number(value)),
    }
}

/// A number as a double.
///
/// # Errors
/// The value is neither a number nor the text of one.
///
/// # Source
/// `Values.convertToDouble` and `convertToFloat`, which casts what this gives
pub fn to_f64(value: &Value<'_>) -> Result<f64, ConnectError> {
    match value {
        Value::Float32(number) => Ok(f64::from(*number)),
        Value::Float64(number) => Ok(*number),
        Value::Decimal(number) => Ok(number.to_f64()),
        Value::String(text) => match Decimal::parse(text) {
            Some(number) => Ok(number.to_f64()),
            None => Err(no_number(value)),
        },
        value => to_i64(value).map(double_of),
    }
}

/// Java's cast of a double to a long: what is too large becomes the largest, what is no number becomes zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Rust's cast saturates as Java's does"
)]
pub(crate) fn saturated(number: f64) -> i64 {
    number as i64
}

/// Java's cast of a double to a float.
#[expect(clippy::cast_possible_truncation, reason = "Java's cast rounds, too")]
pub(crate) fn narrow(number: f64) -> f32 {
    number as f32
}

fn no_number(value: &Value<'_>) -> ConnectError {
    ConnectError::data(format!(
        "Unable to convert {value} (class {}) to a number",
        value.java_class()
    ))
}
