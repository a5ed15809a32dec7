//! JSON values: as trees of their own where a schema says what they mean, or at once as Connect's values where none does.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::reader::{Number, Tree, double, wrapped};
use crate::data::{Map, Value};

/// How many entries an object has room for when the first one comes.
const USUAL_ENTRIES: usize = 8;

/// The entries of an object, in the order in which their names came first.
pub(super) type Entries<'a> = IndexMap<Cow<'a, str>, Node<'a>, foldhash::fast::RandomState>;

/// A JSON value.
///
/// # Source
/// `com.fasterxml.jackson.databind.JsonNode`
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    /// What a document without a value holds.
    Missing,
    Null,
    Boolean(bool),
    Number(Number<'a>),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Entries<'a>),
}

impl<'a> Node<'a> {
    /// The kind, as messages show it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::Number(_) => "NUMBER",
            Self::String(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// An entry of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.get(name),
            _ => None,
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value without a schema.
    pub(super) fn into_value(self) -> Value<'a> {
        match self {
            Self::Missing | Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Number(number) => number_value(number),
            Self::String(text) => Value::String(text),
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Object(entries) => {
                let mut map = Map::new();
                for (name, node) in entries {
                    map.put(name, node.into_value());
                }
                Value::Map(map)
            }
        }
    }
}

/// Without a schema whole numbers are longs and others doubles.
fn number_value<'a>(number: Number<'_>) -> Value<'a> {
    if number.is_float {
        Value::Float64(double(number.text))
    } else {
        Value::Int64(wrapped(number.text))
    }
}

impl<'a> Tree<'a> for Node<'a> {
    fn null() -> Self {
        Self::Null
    }

    fn boolean(value: bool) -> Self {
        Self::Boolean(value)
    }

    fn number(number: Number<'a>) -> Self {
        Self::Number(number)
    }

    fn string(text: Cow<'a, str>) -> Self {
        Self::String(text)
    }

    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object() -> Self {
        Self::Object(Entries::default())
    }

    fn slot(&mut self, name: Cow<'a, str>) -> &mut Self {
        match self {
            Self::Object(entries) => {
                let value = entries.entry(name).or_insert(Self::Null);
                *value = Self::Null;
                value
            }
            other => other,
        }
    }

    fn fill(&mut self, value: Self) {
        *self = value;
    }
}

impl<'a> Tree<'a> for Value<'a> {
    fn null() -> Self {
        Self::Null
    }

    fn boolean(value: bool) -> Self {
        Self::Boolean(value)
    }

    fn number(number: Number<'a>) -> Self {
        number_value(number)
    }

    fn string(text: Cow<'a, str>) -> Self {
        Self::String(text)
    }

    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object() -> Self {
        Self::Map(Map::new())
    }

    #[inline]
    fn slot(&mut self, name: Cow<'a, str>) -> &mut Self {
        match self {
            Self::Map(map) => {
                if map.is_empty() {
                    // Most objects have some entries, and growing to them costs more than the room.
                    map.reserve(USUAL_ENTRIES);
                }
                map.slot(name)
            }
            other => other,
        }
    }

    #[inline]
    fn fill(&mut self, value: Self) {
        Self::fill(self, value);
    }
}
