//! What texts are taken for. The cases are what Kafka's own `SimpleHeaderConverter` 4.2.0 answered.

use super::*;
use crate::data::logical;

/// The type of the guess, and its name where it is a logical one.
fn guess(text: &str) -> String {
    let guessed = parse_string(text).unwrap();
    let schema = guessed.schema.as_ref();
    let name = schema.and_then(|schema| schema.name()).map(str::to_owned);
    name.or_else(|| schema.map(|schema| schema.schema_type().name().to_owned()))
        .unwrap_or_else(|| "none".to_owned())
}

#[test]
fn numbers_are_the_smallest_that_hold_them() {
    for text in ["1", "007", "-5", "+5"] {
        assert_eq!(guess(text), "int8", "{text}");
    }
    for text in ["128", "1e3"] {
        assert_eq!(guess(text), "int16", "{text}");
    }
    for text in ["1.10", "0.5"] {
        assert_eq!(guess(text), "float32", "{text}");
    }
    assert_eq!(guess("12345678901234567890"), logical::DECIMAL);
}

#[test]
fn dates_and_times_are_told_by_their_form() {
    assert_eq!(guess("2024-01-02"), logical::DATE);
    assert_eq!(guess("2024-01-02T03:04:05.000Z"), logical::TIMESTAMP);
    assert_eq!(guess("03:04:05.000Z"), logical::TIME);
    assert_eq!(guess("2024-01-02T03:04:05Z"), "string");
}

#[test]
fn what_looks_like_nothing_else_is_text_as_it_stands() {
    for text in [
        "", " ", "TRUE", "NaN", "0x10", "1abc", "a,b", "{a:1}", "\"q\"",
    ] {
        let guessed = parse_string(text).unwrap();
        assert_eq!(guessed.value, Value::text(text), "{text}");
    }
}

#[test]
fn booleans_lists_and_maps_are_seen() {
    assert_eq!(parse_string("true").unwrap().value, Value::Boolean(true));
    assert!(
        matches!(parse_string("[1,2]").unwrap().value, Value::Array(items) if items.len() == 2)
    );
    assert!(matches!(parse_string("{\"a\":1}").unwrap().value, Value::Map(map) if map.len() == 1));
    assert!(parse_string("null").unwrap().value.is_null());
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = "[".repeat(1_000_000);
    assert!(
        parse_string(&deep).is_err() || parse_string(&deep).unwrap().value == Value::text(&deep)
    );
}
