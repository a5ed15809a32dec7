//! Schemas as JSON.
//!
//! # Source
//! `JsonConverter.asConnectSchema` and `asJsonSchema`

use std::collections::HashSet;

use super::decode::Decoder;
use super::encode::Encoder;
use super::node::Node;
use super::reader::wrapped;
use crate::data::logical::low_32_bits;
use crate::data::{Schema, SchemaBuilder, SchemaType};
use crate::error::ConnectError;

/// The types by the names they have in JSON.
const TYPES: [(&str, SchemaType); 12] = [
    ("boolean", SchemaType::Boolean),
    ("int8", SchemaType::Int8),
    ("int16", SchemaType::Int16),
    ("int32", SchemaType::Int32),
    ("int64", SchemaType::Int64),
    ("float", SchemaType::Float32),
    ("double", SchemaType::Float64),
    ("bytes", SchemaType::Bytes),
    ("string", SchemaType::String),
    ("array", SchemaType::Array),
    ("map", SchemaType::Map),
    ("struct", SchemaType::Struct),
];

/// The schema that a node describes; none for null.
pub(super) fn read(node: &Node<'_>, replaces_null: bool) -> Result<Option<Schema>, ConnectError> {
    if *node == Node::Null {
        return Ok(None);
    }
    let builder = builder(node, replaces_null)?;
    with_properties(builder, node, replaces_null).map(Some)
}

// Schemas are nested deep. What is not inlined here keeps only its own kind's values on the stack at every depth.

/// Adds what every kind of schema may have.
#[inline(never)]
fn with_properties(
    mut builder: SchemaBuilder,
    node: &Node<'_>,
    replaces_null: bool,
) -> Result<Schema, ConnectError> {
    if node.get("optional") == Some(&Node::Boolean(true)) {
        builder = builder.optional();
    }
    if let Some(name) = node.get("name").and_then(Node::text) {
        builder = builder.name(name);
    }
    if let Some(Node::Number(version)) = node.get("version")
        && !version.is_float
    {
        builder = builder.version(low_32_bits(wrapped(version.text)));
    }
    if let Some(doc) = node.get("doc").and_then(Node::text) {
        builder = builder.doc(doc);
    }
    if let Some(Node::Object(parameters)) = node.get("parameters") {
        for (key, value) in parameters {
            let value = value
                .text()
                .ok_or_else(|| ConnectError::data("Schema parameters must have string values."))?;
            builder = builder.parameter(key, value);
        }
    }
    if let Some(default) = node.get("default") {
        let schema = builder.clone().build();
        let value = Decoder::new(replaces_null).value(Some(&schema), Some(default.clone()))?;
        builder = builder.checked_default_value(value.into_owned())?;
    }
    Ok(builder.build())
}

fn builder(node: &Node<'_>, replaces_null: bool) -> Result<SchemaBuilder, ConnectError> {
    let name = node
        .get("type")
        .and_then(Node::text)
        .ok_or_else(|| ConnectError::data("Schema must contain 'type' field"))?;
    let known = TYPES.iter().find(|(known, _)| *known == name);
    let (_, kind) =
        known.ok_or_else(|| ConnectError::data(format!("Unknown schema type: {name}")))?;
    match kind {
        SchemaType::Array => array(node, replaces_null),
        SchemaType::Map => map(node, replaces_null),
        SchemaType::Struct => fields(node, replaces_null),
        primitive => Ok(SchemaBuilder::primitive(*primitive)),
    }
}

#[inline(never)]
fn array(node: &Node<'_>, replaces_null: bool) -> Result<SchemaBuilder, ConnectError> {
    let no_items = || ConnectError::data("Array schema did not specify the element type");
    let items = node.get("items").ok_or_else(no_items)?;
    let items = read(items, replaces_null)?.ok_or_else(no_items)?;
    Ok(SchemaBuilder::array(items))
}

#[inline(never)]
fn map(node: &Node<'_>, replaces_null: bool) -> Result<SchemaBuilder, ConnectError> {
    let keys = node
        .get("keys")
        .ok_or_else(|| ConnectError::data("Map schema did not specify the key type"))?;
    let values = node
        .get("values")
        .ok_or_else(|| ConnectError::data("Map schema did not specify the value type"))?;
    let (keys, values) = (read(keys, replaces_null)?, read(values, replaces_null)?);
    let keys = keys.ok_or_else(|| ConnectError::schema_builder("keySchema cannot be null."))?;
    let values =
        values.ok_or_else(|| ConnectError::schema_builder("valueSchema cannot be null."))?;
    Ok(SchemaBuilder::map(keys, values))
}

#[inline(never)]
fn fields(node: &Node<'_>, replaces_null: bool) -> Result<SchemaBuilder, ConnectError> {
    let Some(Node::Array(fields)) = node.get("fields") else {
        return Err(ConnectError::data(
            "Struct schema's \"fields\" argument is not an array.",
        ));
    };
    let mut known = Vec::with_capacity(fields.len());
    let mut names = HashSet::new();
    for field in fields {
        let name = field.get("field").and_then(Node::text).ok_or_else(|| {
            ConnectError::data("Struct schema's field name not specified properly")
        })?;
        // A field is an object here, so it is never the null that stands for no schema.
        if let Some(schema) = read(field, replaces_null)? {
            known.push((name, schema));
        }
        if !names.insert(name) || name.is_empty() {
            break;
        }
    }
    SchemaBuilder::structure().fields(known)
}

/// Writes a schema; `null` for none.
pub(super) fn write(
    encoder: &mut Encoder<'_>,
    schema: Option<&Schema>,
) -> Result<(), ConnectError> {
    match schema {
        Some(schema) => write_schema(encoder, schema, None),
        None => {
            encoder.raw("null");
            Ok(())
        }
    }
}

/// Writes a schema, with the name of the field whose schema it is.
fn write_schema(
    encoder: &mut Encoder<'_>,
    schema: &Schema,
    field: Option<&str>,
) -> Result<(), ConnectError> {
    encoder.open("{")?;
    encoder.raw("\"type\":\"");
    let kind = schema.schema_type();
    let known = TYPES.iter().find(|(_, known)| *known == kind);
    encoder.raw(known.map_or("", |(name, _)| name));
    encoder.raw("\"");
    match kind {
        SchemaType::Array => {
            encoder.raw(",\"items\":");
            write(encoder, schema.value_schema())?;
        }
        SchemaType::Map => {
            encoder.raw(",\"keys\":");
            write(encoder, schema.key_schema())?;
            encoder.raw(",\"values\":");
            write(encoder, schema.value_schema())?;
        }
        SchemaType::Struct => {
            encoder.raw(",\"fields\":");
            encoder.open("[")?;
            for field in schema.fields() {
                encoder.separate(field.index);
                write_schema(encoder, &field.schema, Some(&field.name))?;
            }
            encoder.close("]");
        }
        _ => {}
    }
    write_properties(encoder, schema)?;
    if let Some(field) = field {
        encoder.raw(",\"field\":");
        encoder.string(field);
    }
    encoder.close("}");
    Ok(())
}

fn write_properties(encoder: &mut Encoder<'_>, schema: &Schema) -> Result<(), ConnectError> {
    encoder.raw(",\"optional\":");
    encoder.raw(if schema.is_optional() {
        "true"
    } else {
        "false"
    });
    if let Some(name) = schema.name() {
        encoder.raw(",\"name\":");
        encoder.string(name);
    }
    if let Some(version) = schema.version() {
        encoder.raw(",\"version\":");
        encoder.raw(&version.to_string());
    }
    if let Some(doc) = schema.doc() {
        encoder.raw(",\"doc\":");
        encoder.string(doc);
    }
    if !schema.parameters().is_empty() {
        encoder.raw(",\"parameters\":{");
        for (index, (key, value)) in schema.parameters().iter().enumerate() {
            encoder.separate(index);
            encoder.string(key);
            encoder.raw(":");
            encoder.string(value);
        }
        encoder.raw("}");
    }
    if let Some(default) = schema.default_value() {
        encoder.raw(",\"default\":");
        encoder.value(Some(schema), default)?;
    }
    Ok(())
}
