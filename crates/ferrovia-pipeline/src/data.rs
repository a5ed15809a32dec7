//! Connect's data model: values, the schemas that describe them, and the records that transformations see.
//!
//! A [`value`] borrows from the bytes it was read from wherever it can. A [`schema`] is shared, never copied. Maps
//! without a schema keep the order in which Java's `HashMap` shows them ([`map`]), because that order is visible in
//! what sinks write.
//!
//! # Source
//! `org.apache.kafka.connect.data`, `org.apache.kafka.connect.header`

pub mod schema;
pub mod value;
mod print;
pub mod structure;
pub mod map;
pub mod number;
pub mod decimal;
pub mod calendar;
pub mod logical;
pub mod validate;
pub mod project;
pub mod values;
pub mod header;
pub mod record;
pub mod time;

pub use decimal::Decimal;
pub use header::{Header, Headers};
pub use map::Map;
pub use record::{Origin, Record};
pub use schema::{Field, Schema, SchemaBuilder, SchemaType};
pub use structure::Struct;
pub use value::{SchemaAndValue, Value};
