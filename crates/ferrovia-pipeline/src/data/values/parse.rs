//! Guessing what a text stands for.
//!
//! # Source
//! `Values.ValueParser`

use std::borrow::Cow;

use num_bigint::BigInt;

use super::cast::convert;
use super::merge::Merger;
use super::temporal;
use super::tokens::{Tokens, trim};
use crate::data::{
    Decimal, Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Value, logical,
};

/// How deep lists and maps may be nested. Java has no number for it: its stack overflows at some thousands.
const MAX_DEPTH: usize = 500;

/// Lists and maps are nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lists and maps are nested deeper than {MAX_DEPTH}")]
pub struct TooDeep;

/// Why a list or a map cannot be read as one.
enum Failure {
    /// It is none after all.
    NotOne,
    TooDeep,
}

type Parsed = Result<SchemaAndValue<'static>, Failure>;

pub(super) fn parse(text: &str) -> Result<SchemaAndValue<'static>, TooDeep> {
    if text.is_empty() {
        return Ok(string(text));
    }
    let mut parser = Parser {
        tokens: Tokens::new(text),
        depth: 0,
    };
    match parser.value(false) {
        Ok(value) => Ok(value),
        Err(Failure::NotOne) => Ok(string(text)),
        Err(Failure::TooDeep) => Err(TooDeep),
    }
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    depth: usize,
}

impl Parser<'_> {
    fn value(&mut self, is_embedded: bool) -> Parsed {
        if !self.tokens.has_next() {
            return Ok(SchemaAndValue::NULL);
        }
        if is_embedded && self.tokens.can_consume("\"") {
            return Ok(self.quoted());
        }
        if self.literal("null", is_embedded) {
            return Ok(SchemaAndValue::NULL);
        }
        for (text, value) in [("true", true), ("false", false)] {
            if self.literal(text, is_embedded) {
                return Ok(of(SchemaType::Boolean, Value::Boolean(value)));
            }
        }
        let start = self.tokens.mark();
        let within = if self.tokens.can_consume("[") {
            Some(self.deeper(Self::array))
        } else if self.tokens.can_consume("{") {
            Some(self.deeper(Self::map))
        } else {
            None
        };
        match within {
            Some(Err(Failure::NotOne)) => self.tokens.rewind_to(start),
            Some(decided) => return decided,
            None => {}
        }
        let token = self.tokens.next();
        match trim(token) {
            "" => Ok(string(token)),
            trimmed => self.simple(trimmed, is_embedded),
        }
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        if self.depth == MAX_DEPTH {
            return Err(Failure::TooDeep);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Whether a word comes next. Outside of lists and maps it must be the whole text.
    fn literal(&mut self, word: &str, is_embedded: bool) -> bool {
        let start = self.tokens.mark();
        if self.tokens.can_consume(word) && (is_embedded || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind_to(start);
        false
    }

    fn simple(&mut self, token: &str, is_embedded: bool) -> Parsed {
        let begins_with_digit = token.starts_with(|first: char| first.is_ascii_digit());
        if begins_with_digit && let Some(temporal) = self.temporal(token) {
            return Ok(temporal);
        }
        if (begins_with_digit || token.starts_with(['+', '-']))
            && let Some(number) = Decimal::parse(token)
        {
            return Ok(number_of(number));
        }
        if is_embedded {
            return Err(Failure::NotOne);
        }
        Ok(string(self.tokens.original()))
    }

    /// The colons of a time are pieces of their own, so that it consists of five.
    fn temporal(&mut self, token: &str) -> Option<SchemaAndValue<'static>> {
        let start = self.tokens.mark();
        if let Some(rest) = self.tokens.next_together(4)
            && let Some(parsed) = temporal::parse(&[token, rest].concat())
        {
            return Some(parsed);
        }
        self.tokens.rewind_to(start);
        temporal::parse(token)
    }

    fn quoted(&mut self) -> SchemaAndValue<'static> {
        let mut content = String::new();
        while self.tokens.has_next() && !self.tokens.can_consume("\"") {
            content.push_str(self.tokens.next());
        }
        temporal::parse(&content).unwrap_or_else(|| string(&content))
    }

    fn array(&mut self) -> Parsed {
        let mut items = Vec::new();
        let mut merger = Merger::default();
        while self.tokens.has_next() {
            if self.tokens.can_consume("]") {
                return finish_array(items, merger);
            }
            if self.tokens.can_consume(",") {
                return Err(Failure::NotOne);
            }
            let item = self.value(true)?;
            merger.merge(&item);
            items.push(item.value);
            let position = self.tokens.mark();
            if self.tokens.can_consume("]") {
                self.tokens.rewind_to(position);
            } else if !self.tokens.can_consume(",") {
                return Err(Failure::NotOne);
            }
        }
        Err(Failure::NotOne)
    }

    fn map(&mut self) -> Parsed {
        let mut entries = Map::linked();
        let mut key_merger = Merger::default();
        let mut value_merger = Merger::default();
        while self.tokens.has_next() {
            if self.tokens.can_consume("}") {
                return finish_map(entries, key_merger, value_merger);
            }
            if self.tokens.can_consume(",") {
                return Err(Failure::NotOne);
            }
            let key = self.value(true)?;
            if key.value.is_null() || !self.tokens.can_consume(":") {
                return Err(Failure::NotOne);
            }
            let value = self.value(true)?;
            self.tokens.can_consume(",");
            key_merger.merge(&key);
            value_merger.merge(&value);
            entries.insert(key.value, value.value);
        }
        Err(Failure::NotOne)
    }
}

fn finish_array(items: Vec<Value<'static>>, merger: Merger) -> Parsed {
    let Some(common) = merger.common() else {
        let schema = SchemaBuilder::array_of_nulls().build();
        return Ok(SchemaAndValue::new(schema, Value::Array(items)));
    };
    let items: Result<Vec<_>, _> = items
        .into_iter()
        .map(|item| convert(&common, item).map_err(|_| Failure::NotOne))
        .collect();
    let value = Value::Array(items?);
    Ok(SchemaAndValue::new(
        SchemaBuilder::array(common).build(),
        value,
    ))
}

fn finish_map(entries: Map<'static>, keys: Merger, values: Merger) -> Parsed {
    let Some(keys) = keys.common() else {
        let schema = SchemaBuilder::map_of_nulls(None).build();
        return Ok(SchemaAndValue::new(schema, Value::Map(entries)));
    };
    let values = values.common();
    let mut aligned = Map::linked();
    for (key, value) in entries.into_entries() {
        let key = convert(&keys, key).map_err(|_| Failure::NotOne)?;
        let value = match &values {
            Some(values) => convert(values, value).map_err(|_| Failure::NotOne)?,
            None => value,
        };
        aligned.insert(key, value);
    }
    let builder = match values {
        Some(values) => SchemaBuilder::map(keys, values),
        None => SchemaBuilder::map_of_nulls(Some(keys)),
    };
    Ok(SchemaAndValue::new(builder.build(), Value::Map(aligned)))
}

/// The smallest type that holds a whole number; otherwise a float where it is finite, then a double, then a decimal.
fn number_of(number: Decimal) -> SchemaAndValue<'static> {
    if let Some(whole) = number.to_whole(19).and_then(|whole| i64_of(&whole)) {
        return whole_number(whole);
    }
    let (float, double) = (number.to_f32(), number.to_f64());
    if float.is_finite() && number.scale != 0 {
        of(SchemaType::Float32, Value::Float32(float))
    } else if double.is_finite() && number.scale != 0 {
        of(SchemaType::Float64, Value::Float64(double))
    } else {
        let schema = logical::decimal(number.scale).build();
        SchemaAndValue::new(schema, Value::decimal(number))
    }
}

fn i64_of(whole: &BigInt) -> Option<i64> {
    i64::try_from(whole).ok()
}

fn whole_number(whole: i64) -> SchemaAndValue<'static> {
    if let Ok(number) = i8::try_from(whole) {
        of(SchemaType::Int8, Value::Int8(number))
    } else if let Ok(number) = i16::try_from(whole) {
        of(SchemaType::Int16, Value::Int16(number))
    } else if let Ok(number) = i32::try_from(whole) {
        of(SchemaType::Int32, Value::Int32(number))
    } else {
        of(SchemaType::Int64, Value::Int64(whole))
    }
}

fn of(kind: SchemaType, value: Value<'static>) -> SchemaAndValue<'static> {
    SchemaAndValue::new(Schema::of(kind), value)
}

fn string(text: &str) -> SchemaAndValue<'static> {
    of(
        SchemaType::String,
        Value::String(Cow::Owned(text.to_owned())),
    )
}
