//! Logical types: schemas whose names say how a value is to be read, and the way between a value and what stands for it.
//!
//! # Source
//! `org.apache.kafka.connect.data.{Decimal, Date, Time, Timestamp}`

use num_bigint::BigInt;

use crate::data::{Decimal, Schema, SchemaBuilder, SchemaType};
use crate::error::ConnectError;

/// The name of decimal schemas. Their base is bytes, and they have a parameter [`SCALE`].
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// The name of date schemas: days since the epoch.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// The name of time schemas: milliseconds since midnight.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// The name of timestamp schemas: milliseconds since the epoch.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// The parameter of decimal schemas.
pub const SCALE: &str = "scale";
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A builder of decimals with this scale.
pub fn decimal(scale: i32) -> SchemaBuilder {
    let builder = SchemaBuilder::primitive(SchemaType::Bytes).name(DECIMAL);
    builder.parameter(SCALE, &scale.to_string()).version(1)
}

/// A builder of dates.
pub fn date() -> SchemaBuilder {
    SchemaBuilder::primitive(SchemaType::Int32)
        .name(DATE)
        .version(1)
}

/// A builder of times.
pub fn time() -> SchemaBuilder {
    SchemaBuilder::primitive(SchemaType::Int32)
        .name(TIME)
        .version(1)
}

/// A builder of timestamps.
pub fn timestamp() -> SchemaBuilder {
    SchemaBuilder::primitive(SchemaType::Int64)
        .name(TIMESTAMP)
        .version(1)
}

/// Whether a schema has this name.
pub fn is(schema: &Schema, name: &str) -> bool {
    schema.name() == Some(name)
}

/// The bytes that stand for a decimal.
///
/// # Errors
/// The schema has another scale or none.
pub fn decimal_to_bytes(schema: &Schema, value: &Decimal) -> Result<Vec<u8>, ConnectError> {
    let scale = scale_of(schema)?;
    if value.scale != scale {
        return Err(ConnectError::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {}.",
            value.scale
        )));
    }
    Ok(value.unscaled.to_signed_bytes_be())
}

/// The decimal that bytes stand for.
///
/// # Errors
/// The schema has no scale, or there are no bytes.
pub fn decimal_from_bytes(schema: &Schema, bytes: &[u8]) -> Result<Decimal, ConnectError> {
    if bytes.is_empty() {
        return Err(ConnectError::java(
            "java.lang.NumberFormatException",
            "Zero length BigInteger",
        ));
    }
    let unscaled = BigInt::from_signed_bytes_be(bytes);
    Ok(Decimal::new(unscaled, scale_of(schema)?))
}

/// The scale of a schema of decimals.
///
/// # Errors
/// It has none, or what it has is no number.
pub fn scale_of(schema: &Schema) -> Result<i32, ConnectError> {
    if schema.parameters().is_empty() {
        return Err(ConnectError::java(
            "java.lang.NullPointerException",
            "Cannot invoke \"java.util.Map.get(Object)\" because the return value of \
             \"org.apache.kafka.connect.data.Schema.parameters()\" is null",
        ));
    }
    let text = schema
        .parameter(SCALE)
        .ok_or_else(|| ConnectError::data("Invalid Decimal schema: scale parameter not found."))?;
    text.parse().map_err(|_| {
        let reason = format!("For input string: \"{text}\"");
        ConnectError::data_by(
            "Invalid scale parameter found in Decimal schema: ",
            ConnectError::java("java.lang.NumberFormatException", reason),
        )
    })
}

/// The days that stand for a date.
///
/// # Errors
/// The schema is not one of dates, or the date is not at midnight in UTC.
pub fn date_to_days(schema: &Schema, millis: i64) -> Result<i32, ConnectError> {
    check(schema, DATE, "Date")?;
    if millis.rem_euclid(DAY_MS) != 0 {
        return Err(ConnectError::data(
            "Kafka Connect Date type should not have any time fields set to non-zero values.",
        ));
    }
    Ok(low_32_bits(millis / DAY_MS))
}

/// The date that days stand for.
///
/// # Errors
/// The schema is not one of dates.
pub fn date_from_days(schema: &Schema, days: i32) -> Result<i64, ConnectError> {
    check(schema, DATE, "Date")?;
    Ok(i64::from(days) * DAY_MS)
}

/// The milliseconds that stand for a time.
///
/// # Errors
/// The schema is not one of times, or the time is not on the first day.
pub fn time_to_millis(schema: &Schema, millis: i64) -> Result<i32, ConnectError> {
    check(schema, TIME, "Time")?;
    if !(0..=DAY_MS).contains(&millis) {
        return Err(ConnectError::data(
            "Kafka Connect Time type should not have any date fields set to non-zero values.",
        ));
    }
    Ok(low_32_bits(millis))
}

/// The time that milliseconds stand for.
///
/// # Errors
/// The schema is not one of times, or the number is not within a day.
pub fn time_from_millis(schema: &Schema, millis: i32) -> Result<i64, ConnectError> {
    // Java says "Date" here, too.
    check(schema, TIME, "Date")?;
    let millis = i64::from(millis);
    if !(0..=DAY_MS).contains(&millis) {
        return Err(ConnectError::data(
            "Time values must use number of milliseconds greater than 0 and less than 86400000",
        ));
    }
    Ok(millis)
}

/// The milliseconds that stand for a timestamp and back: they are the same.
///
/// # Errors
/// The schema is not one of timestamps.
pub fn timestamp_millis(schema: &Schema, millis: i64) -> Result<i64, ConnectError> {
    check(schema, TIMESTAMP, "Timestamp")?;
    Ok(millis)
}

fn check(schema: &Schema, name: &str, called: &str) -> Result<(), ConnectError> {
    if is(schema, name) {
        return Ok(());
    }
    Err(ConnectError::data(format!(
        "Requested conversion of {called} object but the schema does not match."
    )))
}

/// What Java's cast to `int` leaves of a long.
pub(crate) fn low_32_bits(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
