//! Where a sink stands or is to stand, as users write it and as they are shown it.
//!
//! # Source
//! `SinkUtils` and `ConnectorOffsets.toMap` of Kafka 4.2

use std::collections::BTreeMap;
use std::str::FromStr;

use ferrovia_pipeline::data::number::write_f64;
use serde_json::{Value, json};

use crate::herder::request::{ConnectorOffset, HerderError};

/// The next offset to read by topic and partition; `None` where it is to be forgotten.
pub(super) type Positions = BTreeMap<(String, i32), Option<i64>>;

/// Reads what a user wants, of which REST has left one offset for partitions that are written alike.
///
/// Java keeps them in an unordered map: of several mistakes it tells any, and of one partition written in two ways
/// (`0` and `"0"`) it takes either offset. Here the order is that of the list, and the last offset counts.
///
/// # Errors
/// [`HerderError::BadRequest`] in Java's words.
pub(super) fn parse(offsets: &[ConnectorOffset]) -> Result<Positions, HerderError> {
    let positions = offsets.iter().map(|ConnectorOffset { partition, offset }| {
        Ok((parse_partition(partition)?, parse_offset(offset)?))
    });
    positions.collect()
}

/// The offsets of a group in the form that users know.
pub(super) fn shown(committed: &BTreeMap<(String, i32), i64>) -> Vec<ConnectorOffset> {
    let shown = |((topic, partition), offset): (&(String, i32), &i64)| ConnectorOffset {
        partition: json!({TOPIC: topic, PARTITION: partition}),
        offset: json!({OFFSET: offset}),
    };
    committed.iter().map(shown).collect()
}

fn parse_partition(partition: &Value) -> Result<(String, i32), HerderError> {
    let Value::Object(fields) = partition else {
        return bad("The partition for a sink connector offset cannot be null or missing");
    };
    let (Some(topic), Some(index)) = (fields.get(TOPIC), fields.get(PARTITION)) else {
        return bad(format!(
            "The partition for a sink connector offset must contain the keys '{TOPIC}' and '{PARTITION}'"
        ));
    };
    if topic.is_null() {
        return bad("Kafka topic names must be valid strings and may not be null");
    }
    if index.is_null() {
        return bad("Kafka partitions must be valid numbers and may not be null");
    }
    Ok((java_text(topic), integer(index, "partition", "Partition")?))
}

fn parse_offset(offset: &Value) -> Result<Option<i64>, HerderError> {
    match offset {
        Value::Null => Ok(None),
        Value::Object(fields) if fields.contains_key(OFFSET) => {
            let offset = fields.get(OFFSET).unwrap_or(&Value::Null);
            integer(offset, "offset", "Offset").map(Some)
        }
        _ => bad(format!(
            "The offset for a sink connector should either be null or contain the key '{OFFSET}'"
        )),
    }
}

/// A number, or a text that is one.
fn integer<T: FromStr>(value: &Value, what: &str, what_first: &str) -> Result<T, HerderError> {
    let text = java_text(value);
    text.parse().or_else(|_| {
        bad(format!(
            "Failed to parse the following Kafka {what} value in the provided offsets: '{text}'. {what_first} values for \
             sink connectors need to be integers."
        ))
    })
}

fn bad<T>(message: impl Into<String>) -> Result<T, HerderError> {
    Err(HerderError::BadRequest(message.into()))
}

/// `String.valueOf` of what Java's reader of JSON makes of a value.
fn java_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => {
                let mut text = String::new();
                // Writing into a text cannot fail.
                let _ = write_f64(&mut text, float);
                text
            }
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(java_text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields: Vec<String> = fields
                .map(|(key, value)| format!("{key}={}", java_text(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

#[cfg(test)]
mod tests;
