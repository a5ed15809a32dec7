//! How values that hold others are made.

use std::borrow::Cow;

use ferrovia_pipeline::data::{Map, Schema, Struct, Value};

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
    // Apart from what makes single values, which stays small enough to be quick.
    #[inline(never)]
    pub(super) fn make(&self, state: &mut State) -> Value<'_> {
        match self {
            Self::Array(length, items) => {
                let length = length.pick(&mut state.rng);
                Value::Array((0..length).map(|_| items.make(state)).collect())
            }
            Self::Map {
                length,
                keys,
                values,
            } => {
                let length = length.pick(&mut state.rng);
                let mut map = Map::with_capacity(length);
                for _ in 0..length {
                    let key = keys.make(state);
                    map.insert(key, values.make(state));
                }
                Value::Map(map)
            }
            Self::Record(schema, fields) => {
                let values = fields.iter().map(|field| field.make(state)).collect();
                Value::Struct(Struct::with_values(schema.clone(), values))
            }
            Self::Optional(node) if state.rng.bool() => node.make(state),
            Self::Optional(_) => Value::Null,
            Self::Union {
                schema,
                members,
                has_null,
            } => {
                let chosen = state.rng.usize(..members.len() + usize::from(*has_null));
                let Some(member) = members.get(chosen) else {
                    return Value::Null;
                };
                let mut values = vec![Value::Null; members.len()];
                if let Some(value) = values.get_mut(chosen) {
                    *value = member.make(state);
                }
                Value::Struct(Struct::with_values(schema.clone(), values))
            }
        }
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
pub(super) fn borrowed<'v>(value: &'v Value<'static>) -> Value<'v> {
    match value {
        Value::String(text) => Value::String(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Array(items) => {
            let items = items.iter();
            Value::Array(items.map(borrowed).collect())
        }
        Value::Map(map) => {
            let mut copy = Map::with_capacity(map.len());
            for (key, value) in map.iter_unordered() {
                copy.insert(borrowed(key), borrowed(value));
            }
            Value::Map(copy)
        }
        Value::Struct(record) => {
            let values = record.values().iter().map(borrowed).collect();
            Value::Struct(Struct::with_values(record.schema().clone(), values))
        }
        plain => plain.clone(),
    }
}
