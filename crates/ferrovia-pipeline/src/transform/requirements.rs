//! What a transformation asks of a value before it works on it, with Java's words where the value is something else.
//!
//! # Source
//! `org.apache.kafka.connect.transforms.util.{Requirements, SchemaUtil}`

use crate::data::{Field, Map, Schema, SchemaBuilder, SchemaType, Struct, Value};
use crate::error::ConnectError;

/// The map that a value without a schema is.
pub(super) fn require_map<'r, 'a>(
    value: &'r Value<'a>,
    purpose: &str,
) -> Result<&'r Map<'a>, ConnectError> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(other, purpose)),
    }
}

/// The map that a value without a schema is, to change it.
pub(super) fn require_map_mut<'r, 'a>(
    value: &'r mut Value<'a>,
    purpose: &str,
) -> Result<&'r mut Map<'a>, ConnectError> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(other, purpose)),
    }
}

/// The struct that a value with a schema is.
pub(super) fn require_struct<'r, 'a>(
    value: &'r Value<'a>,
    purpose: &str,
) -> Result<&'r Struct<'a>, ConnectError> {
    match value {
        Value::Struct(structure) => Ok(structure),
        other => Err(no_struct(other, purpose)),
    }
}

/// The struct that a value with a schema is, taken out of it: null stays behind.
pub(super) fn take_struct<'a>(
    value: &mut Value<'a>,
    purpose: &str,
) -> Result<Struct<'a>, ConnectError> {
    match std::mem::replace(value, Value::Null) {
        Value::Struct(structure) => Ok(structure),
        other => Err(no_struct(&other, purpose)),
    }
}

fn no_map(value: &Value<'_>, purpose: &str) -> ConnectError {
    ConnectError::data(format!(
        "Only Map objects supported in absence of schema for [{purpose}], found: {}",
        value.java_class()
    ))
}

fn no_struct(value: &Value<'_>, purpose: &str) -> ConnectError {
    ConnectError::data(format!(
        "Only Struct objects supported for [{purpose}], found: {}",
        value.java_class()
    ))
}

/// The fields of a schema, which must be one of structs.
pub(super) fn fields_of(schema: &Schema) -> Result<&[Field], ConnectError> {
    match schema.schema_type() {
        SchemaType::Struct => Ok(schema.fields()),
        _ => Err(ConnectError::data("Cannot list fields on non-struct type")),
    }
}

/// One field of a schema, which must be one of structs.
pub(super) fn field_of<'s>(
    schema: &'s Schema,
    name: &str,
) -> Result<Option<&'s Field>, ConnectError> {
    match schema.schema_type() {
        SchemaType::Struct => Ok(schema.field(name)),
        _ => Err(ConnectError::data(
            "Cannot look up fields on non-struct type",
        )),
    }
}

/// A builder with the name, version, doc and parameters of a schema. Whether it is optional, and its default, are not
/// carried over.
pub(super) fn basics_of(source: &Schema, builder: SchemaBuilder) -> SchemaBuilder {
    let builder = builder
        .set_name(source.name())
        .set_version(source.version())
        .set_doc(source.doc());
    let parameters = source.parameters().iter();
    parameters.fold(builder, |builder, (key, value)| {
        builder.parameter(key, value)
    })
}

/// What Java's `getFieldValue` gives for a field, put into a field of the same schema: an absent value becomes the
/// default if `with_default` says so, and is refused where the schema requires one.
pub(super) fn carried<'a>(
    field: &Field,
    value: Value<'a>,
    with_default: bool,
) -> Result<Value<'a>, ConnectError> {
    if !value.is_null() {
        return Ok(value);
    }
    match field.schema.default_value() {
        Some(default) if with_default => Ok(default.clone()),
        _ => require_presence(&field.name, &field.schema),
    }
}

/// [`carried`] for all values of a struct of this schema, in place.
pub(super) fn carry_all(
    schema: &Schema,
    values: &mut [Value<'_>],
    with_default: bool,
) -> Result<(), ConnectError> {
    for (field, value) in schema.fields().iter().zip(values) {
        if value.is_null() {
            *value = carried(field, Value::Null, with_default)?;
        }
    }
    Ok(())
}

/// Null, if the schema of the field of that name allows it.
pub(super) fn require_presence(
    field: &str,
    schema: &Schema,
) -> Result<Value<'static>, ConnectError> {
    if schema.is_optional() {
        return Ok(Value::Null);
    }
    Err(ConnectError::data(format!(
        "Invalid value: null used for required field: \"{field}\", schema type: {}",
        schema.schema_type().java_name()
    )))
}
