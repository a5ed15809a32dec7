//! From JSON values to values of a schema.
//!
//! # Source
//! `JsonConverter.convertToConnect`, with Jackson's way of taking one kind of value for another: a text is the number 0

use std::borrow::Cow;

use num_bigint::BigInt;

use super::node::{Entries, Node};
use super::reader::{Number, double, float, wrapped};
use crate::convert::base64::{self, Base64Error};
use crate::data::logical::{self, low_32_bits};
use crate::data::validate::validate_field;
use crate::data::{Decimal, Map, Schema, SchemaType, Struct, Value};
use crate::error::ConnectError;

/// Reads values of schemas.
#[derive(Debug)]
pub(super) struct Decoder {
    replaces_null: bool,
    /// Whether a null has been made of something that is none. Only then may a struct's value not fit its schema.
    is_suspicious: bool,
}

impl Decoder {
    /// One that takes a schema's default for a null, or does not.
    pub(super) fn new(replaces_null: bool) -> Self {
        Self {
            replaces_null,
            is_suspicious: false,
        }
    }

    /// The value that a node stands for; an absent one counts as null.
    ///
    /// Arrays, maps and structs come back here at every depth, so that this keeps little on the stack.
    pub(super) fn value<'a>(
        &mut self,
        schema: Option<&Schema>,
        node: Option<Node<'a>>,
    ) -> Result<Value<'a>, ConnectError> {
        let node = node.unwrap_or(Node::Null);
        let Some(schema) = schema else {
            return Ok(node.into_value());
        };
        if node == Node::Null {
            return self.null(schema);
        }
        if schema.name().is_some_and(is_logical) {
            return logical_value(schema, &node);
        }
        match schema.schema_type() {
            SchemaType::Array => self.array(schema, node),
            SchemaType::Map => self.map(schema, node),
            SchemaType::Struct => self.structure(schema, node),
            kind => self.simple(kind, node),
        }
    }

    #[inline(never)]
    fn null<'a>(&self, schema: &Schema) -> Result<Value<'a>, ConnectError> {
        match schema.default_value() {
            Some(default) if self.replaces_null => Ok(default.clone()),
            _ if schema.is_optional() => Ok(Value::Null),
            _ => Err(ConnectError::data(format!(
                "Invalid null value for required {} field",
                schema.schema_type().java_name()
            ))),
        }
    }

    #[inline(never)]
    fn simple<'a>(&mut self, kind: SchemaType, node: Node<'a>) -> Result<Value<'a>, ConnectError> {
        Ok(match (kind, node) {
            (SchemaType::Boolean, node) => Value::Boolean(node == Node::Boolean(true)),
            (SchemaType::Int8, node) => {
                let [low, ..] = whole(&node).to_le_bytes();
                Value::Int8(low.cast_signed())
            }
            (SchemaType::Int16, node) => {
                let [low, high, ..] = whole(&node).to_le_bytes();
                Value::Int16(i16::from_le_bytes([low, high]))
            }
            (SchemaType::Int32, node) => Value::Int32(low_32_bits(whole(&node))),
            (SchemaType::Int64, node) => Value::Int64(whole(&node)),
            (SchemaType::Float32, Node::Number(number)) => Value::Float32(float(number.text)),
            (SchemaType::Float32, _) => Value::Float32(0.0),
            (SchemaType::Float64, Node::Number(number)) => Value::Float64(double(number.text)),
            (SchemaType::Float64, _) => Value::Float64(0.0),
            (SchemaType::String, Node::String(text)) => Value::String(text),
            (SchemaType::Bytes, Node::String(text)) => {
                let bytes = base64::decoded(&text).map_err(|fault| {
                    ConnectError::data_by("Invalid bytes field", bad_base64(fault))
                })?;
                Value::Bytes(Cow::Owned(bytes))
            }
            _ => self.no_value(),
        })
    }

    fn no_value(&mut self) -> Value<'static> {
        self.is_suspicious = true;
        Value::Null
    }

    /// The items of an array or the values of an object; anything else has none.
    #[inline(never)]
    fn array<'a>(&mut self, schema: &Schema, node: Node<'a>) -> Result<Value<'a>, ConnectError> {
        let mut items = Vec::new();
        let values = schema.value_schema();
        match node {
            Node::Array(nodes) => {
                items.reserve(nodes.len());
                for node in nodes {
                    items.push(self.value(values, Some(node))?);
                }
            }
            Node::Object(entries) => {
                for node in entries.into_values() {
                    items.push(self.value(values, Some(node))?);
                }
            }
            _ => {}
        }
        Ok(Value::Array(items))
    }

    #[inline(never)]
    fn map<'a>(&mut self, schema: &Schema, node: Node<'a>) -> Result<Value<'a>, ConnectError> {
        let (keys, values) = (schema.key_schema(), schema.value_schema());
        let mut map = Map::new();
        if keys.is_some_and(|keys| keys.schema_type() == SchemaType::String) {
            let entries = object(node, "Maps with string fields")?;
            for (name, node) in entries {
                map.put(name, self.value(values, Some(node))?);
            }
            return Ok(Value::Map(map));
        }
        let Node::Array(pairs) = node else {
            return Err(ConnectError::data(format!(
                "Maps with non-string fields should be encoded as JSON array of tuples, but found {}",
                node.kind()
            )));
        };
        for pair in pairs {
            let Node::Array(pair) = pair else {
                return Err(ConnectError::data(format!(
                    "Found invalid map entry instead of array tuple: {}",
                    pair.kind()
                )));
            };
            let [key, value] = <[Node<'a>; 2]>::try_from(pair).map_err(|pair| {
                ConnectError::data(format!(
                    "Found invalid map entry, expected length 2 but found :{}",
                    pair.len()
                ))
            })?;
            let key = self.value(keys, Some(key))?;
            map.insert(key, self.value(values, Some(value))?);
        }
        Ok(Value::Map(map))
    }

    #[inline(never)]
    fn structure<'a>(
        &mut self,
        schema: &Schema,
        node: Node<'a>,
    ) -> Result<Value<'a>, ConnectError> {
        let mut entries = object(node, "Structs")?;
        let mut structure = Struct::new(schema.clone())?;
        for field in schema.fields() {
            let node = entries.get_mut(&*field.name);
            let node = node.map(|node| std::mem::replace(node, Node::Null));
            let value = self.value(Some(&field.schema), node)?;
            if self.is_suspicious {
                validate_field(&field.name, &field.schema, &value)?;
            }
            structure.set(field.index, value);
        }
        Ok(Value::Struct(structure))
    }
}

fn is_logical(name: &str) -> bool {
    matches!(
        name,
        logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP
    )
}

/// A value of a logical type, which the schema's name says.
#[inline(never)]
fn logical_value<'a>(schema: &Schema, node: &Node<'_>) -> Result<Value<'a>, ConnectError> {
    match schema.name() {
        Some(logical::DECIMAL) => decimal(schema, node).map(Value::decimal),
        Some(logical::DATE) => {
            let days = small_whole(node, "Date")?;
            logical::date_from_days(schema, days).map(Value::Date)
        }
        Some(logical::TIME) => {
            let millis = small_whole(node, "Time")?;
            logical::time_from_millis(schema, millis).map(Value::Date)
        }
        _ => match node {
            Node::Number(number) if !number.is_float => Ok(Value::Date(wrapped(number.text))),
            _ => Err(wrong_type("Timestamp", "integral", node)),
        },
    }
}

fn object<'a>(node: Node<'a>, what: &str) -> Result<Entries<'a>, ConnectError> {
    match node {
        Node::Object(entries) => Ok(entries),
        other => Err(ConnectError::data(format!(
            "{what} should be encoded as JSON objects, but found {}",
            other.kind()
        ))),
    }
}

/// A number as a long, without its fraction; 0 for what is none.
fn whole(node: &Node<'_>) -> i64 {
    match node {
        Node::Number(number) if !number.is_float => wrapped(number.text),
        Node::Number(number) => Decimal::parse(number.text).map_or(0, |number| number.to_i64()),
        _ => 0,
    }
}

/// A whole number of 32 bits, which dates and times must be.
fn small_whole(node: &Node<'_>, kind: &str) -> Result<i32, ConnectError> {
    let number = match node {
        Node::Number(number) if !number.is_float => number.text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong_type(kind, "integer", node))
}

fn wrong_type(kind: &str, wanted: &str, node: &Node<'_>) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {kind}, underlying representation should be {wanted} but was {}",
        node.kind()
    ))
}

fn decimal(schema: &Schema, node: &Node<'_>) -> Result<Decimal, ConnectError> {
    let invalid = |cause| ConnectError::data_by("Invalid bytes for Decimal field", cause);
    match node {
        Node::Number(number) => decimal_number(*number),
        Node::String(text) => {
            let bytes = base64::decoded(text).map_err(|fault| invalid(bad_base64(fault)))?;
            logical::decimal_from_bytes(schema, &bytes).map_err(invalid)
        }
        _ => Err(wrong_type("Decimal", "numeric or bytes", node)),
    }
}

fn bad_base64(fault: Base64Error) -> ConnectError {
    ConnectError::java(
        "com.fasterxml.jackson.databind.exc.InvalidFormatException",
        format!(
            "Cannot access contents of TextNode as binary due to broken Base64 encoding: {fault}"
        ),
    )
}

fn decimal_number(number: Number<'_>) -> Result<Decimal, ConnectError> {
    if !number.is_float {
        let unscaled = BigInt::parse_bytes(number.text.as_bytes(), 10);
        return Ok(Decimal::new(unscaled.unwrap_or_default(), 0));
    }
    Decimal::parse(number.text)
        .ok_or_else(|| ConnectError::java("java.lang.NumberFormatException", "Scale out of range."))
}
