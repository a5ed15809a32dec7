//! The JSON of internal records: without schemas, as Java's `JsonConverter` reads and writes it.
//!
//! # Source
//! `JsonConverter` with `schemas.enable=false`, and Jackson's escapes

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use ferrovia_pipeline::convert::{Converter, ConverterRole};
use ferrovia_pipeline::data::Value;
use ferrovia_pipeline::error::ConnectError;

/// What bytes stand for; no bytes are `null`.
///
/// # Errors
/// They are no JSON.
pub(super) fn read(bytes: Option<&[u8]>) -> Result<Value<'_>, ConnectError> {
    Ok(converter()?.to_connect("", bytes)?.value)
}

/// The JSON of a value; `None` for `null`.
///
/// # Errors
/// It holds what JSON has no word for.
pub(super) fn written(value: &Value<'_>) -> Result<Option<Vec<u8>>, ConnectError> {
    converter()?.from_connect("", None, value)
}

fn converter() -> Result<&'static Converter, ConnectError> {
    static CONVERTER: LazyLock<Option<Converter>> = LazyLock::new(|| {
        let settings = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
        let class = "org.apache.kafka.connect.json.JsonConverter";
        Converter::from_class(class, &settings, ConverterRole::Value).ok()?
    });
    CONVERTER
        .as_ref()
        .ok_or_else(|| ConnectError::failed("there is no JSON converter"))
}

/// An object that is written field by field, in the order of the calls.
#[derive(Debug)]
pub(super) struct Object {
    text: String,
}

impl Object {
    /// An object without fields.
    pub(super) fn new() -> Self {
        Self {
            text: "{".to_owned(),
        }
    }

    /// Adds a text.
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        write_text(&mut self.text, value);
        self
    }

    /// Adds a text, or `null`.
    pub(super) fn optional_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// Adds a whole number.
    pub(super) fn number(self, name: &str, value: i64) -> Self {
        self.raw(name, &value.to_string())
    }

    /// Adds `true` or `false`.
    pub(super) fn boolean(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Adds an object.
    pub(super) fn object(self, name: &str, value: &Self) -> Self {
        let inner = format!("{}}}", value.text);
        self.raw(name, &inner)
    }

    /// The object's bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.text.push('}');
        self.text.into_bytes()
    }

    fn raw(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.text.push_str(value);
        self
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        write_text(&mut self.text, name);
        self.text.push(':');
    }
}

/// Quotes a text as Jackson does: it escapes what it must, and what takes more than 16 bits.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(character));
            }
            '\u{10000}'.. => {
                for half in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{half:04X}");
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_jackson_does() {
        let object = Object::new().text("a", "x/y\"é\\\n\u{1f}😀\u{7f}");
        let text = String::from_utf8(object.into_bytes()).unwrap();
        assert_eq!(
            text,
            "{\"a\":\"x/y\\\"é\\\\\\n\\u001F\\uD83D\\uDE00\u{7f}\"}"
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = Object::new()
            .optional_text("n", None)
            .number("i", -5)
            .boolean("b", true)
            .object("o", &Object::new().text("\u{1}", "\t"))
            .object("e", &Object::new())
            .into_bytes();
        let Value::Map(map) = read(Some(&bytes)).unwrap() else {
            panic!("no map");
        };
        assert_eq!(map.get("i"), Some(&Value::Int64(-5)));
        assert_eq!(map.get("n"), Some(&Value::Null));
        assert_eq!(map.len(), 5);
        assert!(read(Some(b"{")).is_err());
        assert_eq!(read(None).unwrap(), Value::Null);
    }
}
