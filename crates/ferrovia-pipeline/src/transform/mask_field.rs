//! `MaskField`: puts zero, nothing or a fixed replacement in the place of values.

mod refused;

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::logical::low_32_bits;
use crate::data::{Decimal, Map, Record, Schema, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{carried, require_map_mut, take_struct};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

use refused::why_refused;

const PURPOSE: &str = "mask fields";

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("fields", ConfigType::List)
                .validator(Validator::List {
                    allow_empty: false,
                    allow_null: false,
                })
                .importance(Importance::High)
                .doc("Names of fields to mask."),
        )
        .define(
            ConfigKey::optional("replacement", ConfigType::String)
                .validator(Validator::NonEmpty)
                .importance(Importance::Low)
                .doc(
                    "Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string \
                     values only).",
                ),
        )
        .define(replace_null_with_default())
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<MaskField, ConnectError> {
    let config = config().parse(settings)?;
    let replacement = config.optional_string("replacement");
    Ok(MaskField {
        side,
        fields: in_java_order(config.list("fields")),
        replacement: replacement.map(Replacement::new),
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        masked: SchemaCache::new(),
    })
}

/// The order of a `HashSet` of these: the one in which fields that are missing are added.
fn in_java_order(fields: &[String]) -> Vec<String> {
    let mut set = Map::with_capacity((fields.len() * 4 / 3 + 1).max(16));
    for field in fields {
        set.put(field.as_str(), Value::Null);
    }
    let names = set.into_entries().into_iter();
    names.map(|(name, _)| name.to_string()).collect()
}

#[derive(Debug)]
pub(super) struct MaskField {
    side: Side,
    fields: Vec<String>,
    replacement: Option<Replacement>,
    with_default: bool,
    /// Whether each field of a schema is masked.
    masked: SchemaCache<Vec<bool>>,
}

/// What is put in the place of values.
#[derive(Debug)]
struct Replacement {
    text: String,
    /// The number that the text stands for, if it does.
    number: Option<Decimal>,
}

impl Transformation for MaskField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        if whole.schema.is_some() {
            let structure = self.mask_struct(take_struct(&mut whole.value, PURPOSE)?)?;
            whole.value = Value::Struct(structure);
        } else {
            let map = require_map_mut(&mut whole.value, PURPOSE)?;
            map.become_copy();
            for field in &self.fields {
                if let Some(value) = map.get_mut(field) {
                    *value = mask(self.replacement.as_ref(), value)?;
                } else {
                    map.put(field.clone(), Value::Null);
                }
            }
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl MaskField {
    fn mask_struct<'a>(&mut self, structure: Struct<'a>) -> Result<Struct<'a>, ConnectError> {
        let (schema, mut values) = structure.into_parts();
        let (names, with_default) = (&self.fields, self.with_default);
        let masked = self
            .masked
            .get_or_make(&schema, |schema| Ok(masked_in(names, schema)))?;
        for ((field, value), is_masked) in schema.fields().iter().zip(&mut values).zip(masked) {
            if value.is_null() {
                *value = carried(field, Value::Null, with_default)?;
            }
            if *is_masked {
                *value = mask(self.replacement.as_ref(), value)?;
            }
        }
        Ok(Struct::with_values(schema, values))
    }
}

fn masked_in(names: &[String], schema: &Schema) -> Vec<bool> {
    let fields = schema.fields().iter();
    fields
        .map(|field| names.iter().any(|name| **name == *field.name))
        .collect()
}

fn mask(
    replacement: Option<&Replacement>,
    value: &Value<'_>,
) -> Result<Value<'static>, ConnectError> {
    match replacement {
        _ if value.is_null() => Ok(Value::Null),
        Some(replacement) => replacement.in_place_of(value),
        None => nothing_like(value),
    }
}

/// The zero or nothing of a value's class.
fn nothing_like(value: &Value<'_>) -> Result<Value<'static>, ConnectError> {
    Ok(match value {
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::String(_) => Value::text(""),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Map::new()),
        Value::Decimal(_) => Value::decimal(Decimal::new(0, 0)),
        Value::Date(_) => Value::Date(0),
        Value::Null => Value::Null,
        Value::Bytes(_) | Value::Struct(_) => {
            return Err(ConnectError::data(format!(
                "Cannot mask value of type: class {}",
                value.java_class()
            )));
        }
    })
}

impl Replacement {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            number: Decimal::parse(text),
        }
    }

    fn in_place_of(&self, value: &Value<'_>) -> Result<Value<'static>, ConnectError> {
        let whole = || Ok::<i64, ConnectError>(self.number()?.to_i64());
        Ok(match value {
            Value::Int8(_) => Value::Int8(whole()?.to_le_bytes()[0].cast_signed()),
            Value::Int16(_) => {
                let [low, high, ..] = whole()?.to_le_bytes();
                Value::Int16(i16::from_le_bytes([low, high]))
            }
            Value::Int32(_) => Value::Int32(low_32_bits(whole()?)),
            Value::Int64(_) => Value::Int64(whole()?),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Java reads a double and narrows it"
            )]
            Value::Float32(_) => Value::Float32(self.number()?.to_f64() as f32),
            Value::Float64(_) => Value::Float64(self.number()?.to_f64()),
            Value::String(_) => Value::String(self.text.clone().into()),
            Value::Decimal(_) => {
                let number = self.number.clone();
                Value::decimal(number.ok_or_else(|| self.refused("number"))?)
            }
            _ => {
                return Err(ConnectError::data(format!(
                    "Cannot mask value of type class {} with custom replacement.",
                    value.java_class()
                )));
            }
        })
    }

    fn number(&self) -> Result<&Decimal, ConnectError> {
        self.number.as_ref().ok_or_else(|| self.refused("a number"))
    }

    fn refused(&self, what: &str) -> ConnectError {
        let text = &self.text;
        let message = format!("Unable to convert {text} (class java.lang.String) to {what}");
        let cause = ConnectError::java("java.lang.NumberFormatException", why_refused(text));
        ConnectError::data_by(message, cause)
    }
}
