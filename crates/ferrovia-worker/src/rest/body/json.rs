//! JSON that is read step by step, so that every fault is told with its place and the way to it.
//!
//! # Source
//! Texts and columns are those of Jackson 2.19 as Kafka 4.2 sets it up; faults of syntax have words of our own.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::rest::error::ApiError;

/// What Jackson says instead of the body, which may hold secrets.
const REDACTED: &str = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)";

/// A value within a body, with the way to it.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    body: &'a [u8],
    json: &'a str,
    way: Vec<String>,
}

/// The Java class that a value is to become, as faults name it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// A class of Kafka Connect with named members.
    Bean(&'static str),
    /// A map with values of this class.
    Map(&'static str),
    /// A list of this class.
    List(&'static str),
}

impl<'a> Node<'a> {
    /// The first value of a body; `None` for an empty one and for `null`.
    pub(super) fn root(body: &'a [u8]) -> Result<Option<Self>, ApiError> {
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = <&RawValue>::deserialize(&mut reader).map_err(|e| malformed(&e, body))?;
        let root = Self {
            body,
            json: value.get(),
            way: Vec::new(),
        };
        Ok(Some(root).filter(|root| !root.is_null()))
    }

    pub(super) fn is_null(&self) -> bool {
        self.json.starts_with('n')
    }

    /// The members of an object, in order, each with its name and as a member of `class`.
    pub(super) fn members(&self, wanted: Wanted) -> Result<Vec<(String, Self)>, ApiError> {
        if !self.json.starts_with('{') {
            return Err(self.mismatch(wanted));
        }
        let class = match wanted {
            Wanted::Bean(class) => class,
            Wanted::Map(_) | Wanted::List(_) => "java.util.LinkedHashMap",
        };
        let Members(members) = serde_json::from_str(self.json).map_err(|e| self.unreadable(&e))?;
        let node = |(name, value): (String, &'a RawValue)| {
            let below = self.below(value, format!("{class}[\"{name}\"]"));
            (name, below)
        };
        Ok(members.into_iter().map(node).collect())
    }

    /// Hands out the members of an object of `class` which may only have the members `known`.
    ///
    /// As Jackson makes such an object only when it has seen all that it may have, a member that it must not have is
    /// told of as late as that, or at the object's end.
    pub(super) fn bean(
        &self,
        class: &'static str,
        known: &[&str],
        mut take: impl FnMut(&str, Self) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut missing = known.to_vec();
        let mut stranger: Option<(String, Self)> = None;
        for (name, value) in self.members(Wanted::Bean(class))? {
            if missing.is_empty() {
                let offset = value.offset() + value.read_ahead();
                if let Some((name, value)) = &stranger {
                    return Err(value.unrecognized(name, class, known, offset));
                }
                if !known.contains(&name.as_str()) {
                    return Err(value.unrecognized(&name, class, known, offset));
                }
            }
            if known.contains(&name.as_str()) {
                missing.retain(|known| *known != name);
                take(&name, value)?;
            } else {
                stranger.get_or_insert((name, value));
            }
        }
        match stranger {
            None => Ok(()),
            Some((name, value)) => {
                let end = self.offset() + self.json.len();
                Err(value.unrecognized(&name, class, known, end))
            }
        }
    }

    /// The items of a list.
    pub(super) fn items(&self, class: &'static str) -> Result<Vec<Self>, ApiError> {
        if !self.json.starts_with('[') {
            return Err(self.mismatch(Wanted::List(class)));
        }
        let items: Vec<&'a RawValue> =
            serde_json::from_str(self.json).map_err(|e| self.unreadable(&e))?;
        let node = |(place, value)| self.below(value, format!("java.util.ArrayList[{place}]"));
        Ok(items.into_iter().enumerate().map(node).collect())
    }

    /// A text; numbers and booleans are taken as they are written, `null` is none.
    pub(super) fn text(&self) -> Result<Option<String>, ApiError> {
        self.scalar("java.lang.String")
    }

    /// As [`text`](Self::text), for a class that is made of one.
    pub(super) fn scalar(&self, class: &str) -> Result<Option<String>, ApiError> {
        match self.json.as_bytes().first() {
            Some(b'{' | b'[') => Err(self.fault(&self.not_deserialized(class))),
            Some(b'n') => Ok(None),
            Some(b'"') => serde_json::from_str(self.json)
                .map(Some)
                .map_err(|error| self.unreadable(&error)),
            _ => Ok(Some(self.json.to_owned())),
        }
    }

    /// The value as it is.
    pub(super) fn value(&self) -> Result<serde_json::Value, ApiError> {
        serde_json::from_str(self.json).map_err(|error| self.unreadable(&error))
    }

    /// A fault of this value.
    pub(super) fn fault(&self, what: &str) -> ApiError {
        self.fault_at(what, self.offset())
    }

    /// A member that its object must not have, told of where Jackson has read to `offset`.
    fn unrecognized(&self, name: &str, class: &str, known: &[&str], offset: usize) -> ApiError {
        let count = match known.len() {
            1 => "one known property".to_owned(),
            many => format!("{many} known properties"),
        };
        let known: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
        let what = format!(
            "Unrecognized field \"{name}\" (class {class}), not marked as ignorable ({count}: {}])",
            known.join(", ")
        );
        self.fault_at(&what, offset)
    }

    /// How far Jackson has read when it looks at the kind of a value.
    fn read_ahead(&self) -> usize {
        match self.json.as_bytes().first() {
            Some(b'{' | b'[' | b'"') => 1,
            _ => self.json.len(),
        }
    }

    fn below(&self, value: &'a RawValue, step: String) -> Self {
        let mut way = self.way.clone();
        way.push(step);
        Self {
            body: self.body,
            json: value.get(),
            way,
        }
    }

    /// Where the value begins within the body; both are the same bytes.
    fn offset(&self) -> usize {
        (self.json.as_ptr() as usize).saturating_sub(self.body.as_ptr() as usize)
    }

    fn fault_at(&self, what: &str, offset: usize) -> ApiError {
        let mut text = format!("{what}\n{}", at(self.body, offset));
        if !self.way.is_empty() {
            let way = self.way.join("->");
            text = format!("{text} (through reference chain: {way})");
        }
        ApiError::internal(text)
    }

    fn unreadable(&self, error: &serde_json::Error) -> ApiError {
        self.fault(
            error
                .to_string()
                .split(" at line ")
                .next()
                .unwrap_or_default(),
        )
    }

    fn not_deserialized(&self, class: &str) -> String {
        let (kind, token) = match self.json.as_bytes().first() {
            Some(b'{') => ("Object", "START_OBJECT"),
            Some(b'[') => ("Array", "START_ARRAY"),
            Some(b'"') => ("String", "VALUE_STRING"),
            Some(b't') => ("Boolean", "VALUE_TRUE"),
            Some(b'f') => ("Boolean", "VALUE_FALSE"),
            _ if self.is_whole_number() => ("Integer", "VALUE_NUMBER_INT"),
            _ => ("Floating-point", "VALUE_NUMBER_FLOAT"),
        };
        format!(
            "Cannot deserialize value of type `{class}` from {kind} value (token `JsonToken.{token}`)"
        )
    }

    fn is_whole_number(&self) -> bool {
        !self.json.contains(['.', 'e', 'E'])
    }

    fn mismatch(&self, wanted: Wanted) -> ApiError {
        let first = self.json.as_bytes().first();
        let what = match (wanted, first) {
            (Wanted::List(class), _) => {
                self.not_deserialized(&format!("java.util.ArrayList<{class}>"))
            }
            (Wanted::Bean(class), Some(b'"')) if self.json == "\"\"" => format!(
                "Cannot coerce empty String (\"\") to `{class}` value (but could if coercion was enabled using \
                 `CoercionConfig`)"
            ),
            (Wanted::Map(_), Some(b'"')) if self.json == "\"\"" => {
                "Cannot coerce empty String (\"\") to element of `java.util.LinkedHashMap` (but could if coercion \
                 was enabled using `CoercionConfig`)"
                    .to_owned()
            }
            (Wanted::Bean(class), Some(b'[')) => self.not_deserialized(class),
            (Wanted::Bean(class), _) => self.not_constructed(class),
            (Wanted::Map(_), Some(b'"')) => self.not_constructed("java.util.LinkedHashMap"),
            (Wanted::Map(values), _) => self.not_deserialized(&format!(
                "java.util.LinkedHashMap<java.lang.String,{values}>"
            )),
        };
        self.fault(&what)
    }

    fn not_constructed(&self, class: &str) -> String {
        let text = self.text().ok().flatten().unwrap_or_default();
        let (argument, value) = match self.json.as_bytes().first() {
            Some(b'"') => ("String", format!("String value ('{text}')")),
            Some(b't' | b'f') => ("boolean/Boolean", format!("boolean value ({text})")),
            _ if self.is_whole_number() => ("int/Int", format!("Number value ({text})")),
            _ => ("double/Double", format!("Number value ({text})")),
        };
        format!(
            "Cannot construct instance of `{class}` (although at least one Creator exists): no {argument}-argument \
             constructor/factory method to deserialize from {value}"
        )
    }
}

/// The members of an object in the order in which they are written, with those that come twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// There is no value where one is needed.
pub(super) fn no_content() -> ApiError {
    ApiError::internal(format!(
        "No content to map due to end-of-input\n at [Source: {REDACTED}; line: 1]"
    ))
}

fn malformed(error: &serde_json::Error, body: &[u8]) -> ApiError {
    if error.classify() == Category::Eof {
        let what = "Unexpected end-of-input within/between Object entries";
        return ApiError::internal(format!("{what}\n{}", at(body, body.len())));
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let place = location(error.line(), error.column());
    ApiError::internal(format!("{what}\n{place}"))
}

fn at(body: &[u8], offset: usize) -> String {
    let before = body.get(..offset).unwrap_or(body);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before
        .iter()
        .rev()
        .take_while(|&&byte| byte != b'\n')
        .count()
        + 1;
    location(line, column)
}

fn location(line: usize, column: usize) -> String {
    format!(" at [Source: {REDACTED}; line: {line}, column: {column}]")
}
