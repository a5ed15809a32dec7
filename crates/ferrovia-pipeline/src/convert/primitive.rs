//! Numbers and booleans in so many bytes, the highest first.
//!
//! # Source
//! `org.apache.kafka.connect.converters.NumberConverter`, `BooleanConverter`, and the deserializers of
//! `org.apache.kafka.common.serialization`, whose words the messages are

use std::sync::LazyLock;

use crate::data::{Schema, SchemaType, Value};
use crate::error::ConnectError;

/// A type of values in so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    Boolean,
    Short,
    Integer,
    Long,
    Float,
    Double,
}

impl Primitive {
    pub(super) fn schema_type(self) -> SchemaType {
        match self {
            Self::Boolean => SchemaType::Boolean,
            Self::Short => SchemaType::Int16,
            Self::Integer => SchemaType::Int32,
            Self::Long => SchemaType::Int64,
            Self::Float => SchemaType::Float32,
            Self::Double => SchemaType::Float64,
        }
    }

    pub(super) fn read(self, bytes: &[u8]) -> Result<Value<'static>, ConnectError> {
        match self {
            Self::Boolean => match self.sized(bytes)? {
                [0] => Ok(Value::Boolean(false)),
                [1] => Ok(Value::Boolean(true)),
                [other] => Err(self.unreadable(format!(
                    "Unexpected byte received by BooleanDeserializer: {}",
                    other.cast_signed()
                ))),
            },
            Self::Short => Ok(Value::Int16(i16::from_be_bytes(self.sized(bytes)?))),
            Self::Integer => Ok(Value::Int32(i32::from_be_bytes(self.sized(bytes)?))),
            Self::Long => Ok(Value::Int64(i64::from_be_bytes(self.sized(bytes)?))),
            Self::Float => Ok(Value::Float32(f32::from_be_bytes(self.sized(bytes)?))),
            Self::Double => Ok(Value::Float64(f64::from_be_bytes(self.sized(bytes)?))),
        }
    }

    pub(super) fn write(self, out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), ConnectError> {
        match (self, value) {
            (Self::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Self::Boolean, value) => return Err(super::incompatible("BooleanConverter", value)),
            (Self::Short, Value::Int16(value)) => out.extend(value.to_be_bytes()),
            (Self::Integer, Value::Int32(value)) => out.extend(value.to_be_bytes()),
            (Self::Long, Value::Int64(value)) => out.extend(value.to_be_bytes()),
            (Self::Float, Value::Float32(value)) => out.extend(value.to_be_bytes()),
            (Self::Double, Value::Float64(value)) => out.extend(java_double(*value).to_be_bytes()),
            (_, value) => {
                return Err(ConnectError::data(format!(
                    "Failed to serialize to {} (was class {}): ",
                    self.name(),
                    value.java_class()
                )));
            }
        }
        Ok(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Short => "short",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
        }
    }

    fn deserializer(self) -> &'static str {
        match self {
            Self::Boolean => "BooleanDeserializer",
            Self::Short => "ShortDeserializer",
            Self::Integer => "IntegerDeserializer",
            Self::Long => "LongDeserializer",
            // Java's messages do not name these.
            Self::Float | Self::Double => "Deserializer",
        }
    }

    fn sized<const SIZE: usize>(self, bytes: &[u8]) -> Result<[u8; SIZE], ConnectError> {
        bytes.try_into().map_err(|_| {
            self.unreadable(format!(
                "Size of data received by {} is not {SIZE}",
                self.deserializer()
            ))
        })
    }

    #[cold]
    fn unreadable(self, reason: String) -> ConnectError {
        ConnectError::data_by(
            format!("Failed to deserialize {}: ", self.name()),
            ConnectError::java(
                "org.apache.kafka.common.errors.SerializationException",
                reason,
            ),
        )
    }
}

/// `doubleToLongBits` knows one kind of not-a-number; for floats Java keeps them apart.
fn java_double(value: f64) -> f64 {
    if value.is_nan() {
        f64::from_bits(0x7ff8_0000_0000_0000)
    } else {
        value
    }
}

/// The optional schema of a type without others inside, made once.
pub(super) fn optional(kind: SchemaType) -> Schema {
    static SCHEMAS: LazyLock<Vec<(SchemaType, Schema)>> = LazyLock::new(|| {
        let kinds = [
            SchemaType::String,
            SchemaType::Bytes,
            SchemaType::Boolean,
            SchemaType::Int16,
            SchemaType::Int32,
            SchemaType::Int64,
            SchemaType::Float32,
            SchemaType::Float64,
        ];
        kinds
            .into_iter()
            .map(|kind| (kind, Schema::optional(kind)))
            .collect()
    });
    let known = SCHEMAS.iter().find(|(known, _)| *known == kind);
    known.map_or_else(|| Schema::optional(kind), |(_, schema)| schema.clone())
}
