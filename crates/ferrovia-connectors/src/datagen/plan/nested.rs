//! How values that hold others are made.

use std::borrow::Cow;

use ferrovia_pipeline::data::{Map, Schema, Struct, Value};
use ferrovia_pipeline::error::ConnectError;

use super::{Node, Span, State};

/// How one value is made that holds others.
#[derive(Debug)]
pub(super) enum Nested {
    Array(Span, Box<Node>),
    Map {
        length: Span,
        keys: Box<Node>,
        values: Box<Node>,
    },
    Record(Schema, Vec<Node>),
    /// Absent half of the time.
    Optional(Box<Node>),
    /// Members in the order of the schema's fields, and null if that is one of them.
    Union {
        schema: Schema,
        members: Vec<Node>,
        has_null: bool,
    },
}

impl Nested {
    pub(super) fn make(&self, state: &mut State) -> Result<Value<'_>, ConnectError> {
        Ok(match self {
            Self::Array(length, items) => {
                let length = length.pick(&mut state.rng);
                let items = (0..length).map(|_| items.make(state));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Map {
                length,
                keys,
                values,
            } => {
                let length = length.pick(&mut state.rng);
                let mut map = Map::with_capacity(length);
                for _ in 0..length {
                    let key = keys.make(state)?;
                    map.insert(key, values.make(state)?);
                }
                Value::Map(map)
            }
            Self::Record(schema, fields) => {
                let mut record = Struct::new(schema.clone())?;
                for (index, field) in fields.iter().enumerate() {
                    record.set(index, field.make(state)?);
                }
                Value::Struct(record)
            }
            Self::Optional(node) if state.rng.bool() => node.make(state)?,
            Self::Optional(_) => Value::Null,
            Self::Union {
                schema,
                members,
                has_null,
            } => {
                let chosen = state.rng.usize(..members.len() + usize::from(*has_null));
                let Some(member) = members.get(chosen) else {
                    return Ok(Value::Null);
                };
                let mut union = Struct::new(schema.clone())?;
                union.set(chosen, member.make(state)?);
                Value::Struct(union)
            }
        })
    }

    /// How many values and characters it may make at most.
    pub(super) fn units(&self) -> usize {
        match self {
            Self::Array(length, items) => length.longest().saturating_mul(items.units()).max(1),
            Self::Map {
                length,
                keys,
                values,
            } => length
                .longest()
                .saturating_mul(keys.units().saturating_add(values.units()))
                .max(1),
            Self::Record(_, fields) => fields
                .iter()
                .fold(1, |sum, field| field.units().saturating_add(sum)),
            Self::Optional(node) => node.units(),
            Self::Union { members, .. } => members
                .iter()
                .map(Node::units)
                .max()
                .unwrap_or(0)
                .saturating_add(1),
        }
    }
}

/// The same value, borrowing its texts.
pub(super) fn borrowed<'v>(value: &'v Value<'static>) -> Result<Value<'v>, ConnectError> {
    Ok(match value {
        Value::String(text) => Value::String(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Array(items) => {
            let items = items.iter().map(borrowed);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let mut copy = Map::with_capacity(map.len());
            for (key, value) in map.iter_unordered() {
                copy.insert(borrowed(key)?, borrowed(value)?);
            }
            Value::Map(copy)
        }
        Value::Struct(record) => {
            let mut copy = Struct::new(record.schema().clone())?;
            for (index, value) in record.values().iter().enumerate() {
                copy.set(index, borrowed(value)?);
            }
            Value::Struct(copy)
        }
        plain => plain.clone(),
    })
}
