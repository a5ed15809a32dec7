//! The setting `spec`: which fields become which type, or which type the whole becomes.

use crate::config::{ConfigError, ConfigValue};
use crate::data::{Map, SchemaType, Value};
use crate::transform::mapping::split_mapping;

/// The types that can be cast to, as messages list them.
const TARGETS: [SchemaType; 8] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
];

const OTHERS: [SchemaType; 4] = [
    SchemaType::Bytes,
    SchemaType::Array,
    SchemaType::Map,
    SchemaType::Struct,
];

/// What is cast.
#[derive(Debug)]
pub(super) enum Casts {
    /// The whole key or value.
    Whole(SchemaType),
    /// Fields by name, in the order of Java's hash table.
    Fields(Vec<(String, SchemaType)>),
}

pub(super) fn check_spec(_: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::List(mappings)) if !mappings.is_empty() => {
            parse_spec(mappings).map(|_| ())
        }
        _ => Err(refused("Must specify at least one field to cast.")),
    }
}

pub(super) fn parse_spec(mappings: &[String]) -> Result<Casts, ConfigError> {
    let mut whole = None;
    let mut fields = Map::new();
    let mut targets = Vec::new();
    for mapping in mappings {
        match split_mapping(mapping)[..] {
            [target] => whole = Some(target_type(target)?),
            [field, target] => {
                let target = target_type(target)?;
                let place = i64::try_from(targets.len()).unwrap_or(i64::MAX);
                targets.push(target);
                fields.put(trim(field), Value::Int64(place));
            }
            [] => {
                return Err(refused("Index 1 out of bounds for length 0"));
            }
            _ => {
                let shown = format!("[{}]", mappings.join(", "));
                let reason = format!("Invalid rename mapping: {mapping}");
                return Err(ConfigError::invalid("renames", shown, reason));
            }
        }
    }
    if let Some(whole) = whole {
        if mappings.len() > 1 {
            return Err(refused(
                "Cast transformations that specify a type to cast the entire value to may only specify a single cast in \
                 their spec",
            ));
        }
        return Ok(Casts::Whole(whole));
    }
    let fields = fields.into_entries().into_iter();
    let named = fields.filter_map(|(field, place)| match (field, place) {
        (Value::String(field), Value::Int64(place)) => {
            let target = targets.get(usize::try_from(place).ok()?)?;
            Some((field.into_owned(), *target))
        }
        _ => None,
    });
    Ok(Casts::Fields(named.collect()))
}

fn target_type(text: &str) -> Result<SchemaType, ConfigError> {
    let text = trim(text);
    let is_named = |known: &SchemaType| known.java_name() == text.to_uppercase();
    if let Some(target) = TARGETS.into_iter().find(is_named) {
        return Ok(target);
    }
    Err(match OTHERS.into_iter().find(is_named) {
        Some(other) => refused(format!(
            "Cast transformation does not support casting to {}; supported types are [{}]",
            other.java_name(),
            TARGETS.map(SchemaType::java_name).join(", ")
        )),
        // Java hands the cause over where the value belongs, and the text where the name does.
        None => refused(format!(
            "Invalid value java.lang.IllegalArgumentException: No enum constant \
             org.apache.kafka.connect.data.Schema.Type.{} for configuration Invalid type found in casting spec: {text}",
            text.to_uppercase()
        )),
    })
}

/// Java's `String.trim`.
fn trim(text: &str) -> &str {
    text.trim_matches(|letter| letter <= ' ')
}

fn refused(message: impl Into<String>) -> ConfigError {
    ConfigError::rule("spec", message)
}
