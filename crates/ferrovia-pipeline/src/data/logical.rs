//! Logical types: schemas whose names say how a value is to be read.
//!
//! # Source
//! `org.apache.kafka.connect.data.{Decimal, Date, Time, Timestamp}`

use crate::data::{Schema, SchemaBuilder, SchemaType};

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
