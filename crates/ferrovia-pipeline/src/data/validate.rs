//! Whether a value is one of its schema.
//!
//! # Source
//! `ConnectSchema.validateValue`

use crate::data::{Schema, SchemaType, Value, logical};
use crate::error::ConnectError;

/// Checks that a value is one of a schema, with everything inside.
///
/// # Errors
/// The first value that does not fit, in Java's words.
pub fn validate_value(schema: &Schema, value: &Value<'_>) -> Result<(), ConnectError> {
    validate(schema, value, &Location::Value)
}

/// Checks the value of a struct's field.
///
/// # Errors
/// The first value that does not fit, in Java's words.
pub fn validate_field(name: &str, schema: &Schema, value: &Value<'_>) -> Result<(), ConnectError> {
    validate(schema, value, &Location::Field(name))
}

/// Where a value stands; put into words only when it does not fit.
enum Location<'l> {
    Value,
    Field(&'l str),
    Within(&'static str, &'l Self),
}

impl Location<'_> {
    fn text(&self) -> String {
        match self {
            Self::Value => "value".to_owned(),
            Self::Field(name) => format!("field: \"{name}\""),
            Self::Within(what, outer) => format!("{what} {}", outer.text()),
        }
    }
}

fn validate(
    schema: &Schema,
    value: &Value<'_>,
    location: &Location<'_>,
) -> Result<(), ConnectError> {
    if value.is_null() {
        if schema.is_optional() {
            return Ok(());
        }
        return Err(ConnectError::data(format!(
            "Invalid value: null used for required {}, schema type: {}",
            location.text(),
            schema.schema_type().java_name()
        )));
    }
    if !is_of_class(schema, value) {
        let name = schema
            .name()
            .map_or_else(String::new, |name| format!(" \"{name}\""));
        return Err(ConnectError::data(format!(
            "Invalid Java object for schema{name} with type {}: class {} for {}",
            schema.schema_type().java_name(),
            value.java_class(),
            location.text()
        )));
    }
    validate_inside(schema, value, location)
}

fn validate_inside(
    schema: &Schema,
    value: &Value<'_>,
    location: &Location<'_>,
) -> Result<(), ConnectError> {
    match value {
        Value::Struct(structure) => {
            if structure.schema() != schema {
                return Err(ConnectError::data("Struct schemas do not match."));
            }
            structure.validate()
        }
        Value::Array(items) => {
            let location = Location::Within("element of array", location);
            let items_schema = defined(schema.value_schema(), &location)?;
            items
                .iter()
                .try_for_each(|item| validate(items_schema, item, &location))
        }
        Value::Map(map) => {
            let key_location = Location::Within("key of map", location);
            let value_location = Location::Within("value of map", location);
            let keys = defined(schema.key_schema(), &key_location)?;
            let values = defined(schema.value_schema(), &value_location)?;
            for (key, value) in map.iter_unordered() {
                validate(keys, key, &key_location)?;
                validate(values, value, &value_location)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn defined<'s>(
    schema: Option<&'s Schema>,
    location: &Location<'_>,
) -> Result<&'s Schema, ConnectError> {
    schema.ok_or_else(|| ConnectError::data(format!("No schema defined for {}", location.text())))
}

/// Whether a value is of the class that the schema's name demands, or else its type.
fn is_of_class(schema: &Schema, value: &Value<'_>) -> bool {
    match schema.name() {
        Some(logical::DECIMAL) => matches!(value, Value::Decimal(_)),
        Some(logical::DATE | logical::TIME | logical::TIMESTAMP) => {
            matches!(value, Value::Date(_))
        }
        _ => value_type(value) == Some(schema.schema_type()),
    }
}

/// The type that a value speaks for by itself; nothing does for logical types.
///
/// # Source
/// `ConnectSchema.schemaType`
pub fn value_type(value: &Value<'_>) -> Option<SchemaType> {
    match value {
        Value::Null | Value::Decimal(_) | Value::Date(_) => None,
        Value::Boolean(_) => Some(SchemaType::Boolean),
        Value::Int8(_) => Some(SchemaType::Int8),
        Value::Int16(_) => Some(SchemaType::Int16),
        Value::Int32(_) => Some(SchemaType::Int32),
        Value::Int64(_) => Some(SchemaType::Int64),
        Value::Float32(_) => Some(SchemaType::Float32),
        Value::Float64(_) => Some(SchemaType::Float64),
        Value::String(_) => Some(SchemaType::String),
        Value::Bytes(_) => Some(SchemaType::Bytes),
        Value::Array(_) => Some(SchemaType::Array),
        Value::Map(_) => Some(SchemaType::Map),
        Value::Struct(_) => Some(SchemaType::Struct),
    }
}
