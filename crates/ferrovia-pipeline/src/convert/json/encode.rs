//! From values to JSON text.
//!
//! # Source
//! `JsonConverter.convertToJson`, and Jackson's way of writing: numbers as Java prints them, characters of up to 16
//! bits as they are and others escaped

use std::fmt::{self, Write};

use super::DecimalFormat;
use super::reader::MAX_DEPTH;
use crate::convert::base64;
use crate::data::number::{write_f32, write_f64};
use crate::data::validate::value_type;
use crate::data::{Map, Schema, SchemaType, Struct, Value, logical};
use crate::error::ConnectError;

/// Appends values to the bytes of others.
#[derive(Debug)]
pub(super) struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    replaces_null: bool,
    decimals: DecimalFormat,
    depth: usize,
}

impl<'o> Encoder<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, replaces_null: bool, decimals: DecimalFormat) -> Self {
        Self {
            out,
            replaces_null,
            decimals,
            depth: 0,
        }
    }

    /// Writes text that is JSON already.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes a comma before every entry but the first.
    pub(super) fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    /// Opens an array or an object.
    pub(super) fn open(&mut self, mark: &str) -> Result<(), ConnectError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(self.depth));
        }
        self.raw(mark);
        Ok(())
    }

    /// Closes it.
    pub(super) fn close(&mut self, mark: &str) {
        self.depth -= 1;
        self.raw(mark);
    }

    /// Writes a value of a schema, or one that speaks for itself.
    ///
    /// What is inside calls this again, up to [`MAX_DEPTH`] times, so that this keeps little on the stack.
    pub(super) fn value(
        &mut self,
        schema: Option<&Schema>,
        value: &Value<'_>,
    ) -> Result<(), ConnectError> {
        match (schema, value) {
            (Some(schema), Value::Null) => return self.null(schema),
            (Some(schema), value) => match schema.name() {
                Some(
                    name @ (logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP),
                ) => {
                    return self.logical(name, schema, value);
                }
                _ => check_class(schema, value)?,
            },
            (None, _) => {}
        }
        match value {
            Value::Array(items) => self.array(schema, items),
            Value::Map(map) => self.map(schema, map),
            Value::Struct(structure) => self.structure(schema, structure),
            simple => self.simple(simple),
        }
    }

    fn null(&mut self, schema: &Schema) -> Result<(), ConnectError> {
        match schema.default_value() {
            Some(default) if self.replaces_null => self.value(Some(schema), default),
            _ if schema.is_optional() => {
                self.raw("null");
                Ok(())
            }
            _ => Err(ConnectError::data(
                "Conversion error: null value for field that is required and has no default value",
            )),
        }
    }

    fn logical(
        &mut self,
        name: &str,
        schema: &Schema,
        value: &Value<'_>,
    ) -> Result<(), ConnectError> {
        match name {
            logical::DECIMAL => return self.decimal(schema, value),
            logical::DATE => self.display(logical::date_to_days(schema, millis("Date", value)?)?),
            logical::TIME => self.display(logical::time_to_millis(schema, millis("Time", value)?)?),
            _ => self.display(millis("Timestamp", value)?),
        }
        Ok(())
    }

    fn simple(&mut self, value: &Value<'_>) -> Result<(), ConnectError> {
        match value {
            Value::Boolean(value) => self.raw(if *value { "true" } else { "false" }),
            Value::Int8(value) => self.whole(*value),
            Value::Int16(value) => self.whole(*value),
            Value::Int32(value) => self.whole(*value),
            Value::Int64(value) => self.whole(*value),
            Value::Float32(value) => self.float(value.is_finite(), |it| write_f32(it, *value)),
            Value::Float64(value) => self.float(value.is_finite(), |it| write_f64(it, *value)),
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Decimal(_) | Value::Date(_) => {
                return Err(ConnectError::data(format!(
                    "Java class class {} does not have corresponding schema type.",
                    value.java_class()
                )));
            }
            // The others are no simple values.
            Value::Null | Value::Array(_) | Value::Map(_) | Value::Struct(_) => self.raw("null"),
        }
        Ok(())
    }

    fn array(&mut self, schema: Option<&Schema>, items: &[Value<'_>]) -> Result<(), ConnectError> {
        self.open("[")?;
        let items_schema = schema.and_then(Schema::value_schema);
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(items_schema, item)?;
        }
        self.close("]");
        Ok(())
    }

    /// A map whose keys are text is an object, any other an array of pairs.
    fn map(&mut self, schema: Option<&Schema>, map: &Map<'_>) -> Result<(), ConnectError> {
        let is_text = |(key, _): (&Value<'_>, _)| matches!(key, Value::String(_));
        let (keys, values) = match schema {
            Some(schema) => (schema.key_schema(), schema.value_schema()),
            None => (None, None),
        };
        let is_object = match (schema, keys) {
            (None, _) => map.iter_unordered().all(is_text),
            (Some(_), Some(keys)) => keys.schema_type() == SchemaType::String,
            (Some(_), None) => return Err(no_key_schema()),
        };
        self.open(if is_object { "{" } else { "[" })?;
        for (index, (key, value)) in map.iter().enumerate() {
            self.separate(index);
            if is_object {
                self.name(keys, key)?;
                self.raw(":");
                self.value(values, value)?;
            } else {
                self.open("[")?;
                self.value(keys, key)?;
                self.raw(",");
                self.value(values, value)?;
                self.close("]");
            }
        }
        self.close(if is_object { "}" } else { "]" });
        Ok(())
    }

    /// A key is what its JSON value is as text.
    fn name(&mut self, schema: Option<&Schema>, key: &Value<'_>) -> Result<(), ConnectError> {
        let start = self.out.len();
        self.value(schema, key)?;
        if self.out.get(start) != Some(&b'"') {
            self.out.insert(start, b'"');
            self.raw("\"");
        }
        Ok(())
    }

    fn structure(
        &mut self,
        schema: Option<&Schema>,
        structure: &Struct<'_>,
    ) -> Result<(), ConnectError> {
        // Java needs a schema for the fields; without one it has nowhere to look.
        let schema = schema
            .filter(|schema| structure.schema() == *schema)
            .ok_or_else(|| ConnectError::data("Mismatching schema."))?;
        self.open("{")?;
        for field in schema.fields() {
            self.separate(field.index);
            self.string(&field.name);
            self.raw(":");
            self.value(Some(&field.schema), structure.at(field.index))?;
        }
        self.close("}");
        Ok(())
    }

    fn decimal(&mut self, schema: &Schema, value: &Value<'_>) -> Result<(), ConnectError> {
        let Value::Decimal(number) = value else {
            return Err(ConnectError::data(format!(
                "Invalid type for Decimal, expected BigDecimal but was class {}",
                value.java_class()
            )));
        };
        match self.decimals {
            DecimalFormat::Numeric => self.display(number),
            DecimalFormat::Base64 => {
                let bytes = logical::decimal_to_bytes(schema, number)?;
                self.bytes(&bytes);
            }
        }
        Ok(())
    }

    /// What is no number stands in quotes.
    fn float(&mut self, is_finite: bool, write: impl Fn(&mut Self) -> fmt::Result) {
        let quote = if is_finite { "" } else { "\"" };
        self.raw(quote);
        // Writing to memory does not fail.
        let _ = write(self);
        self.raw(quote);
    }

    fn whole(&mut self, value: impl itoa::Integer) {
        self.raw(itoa::Buffer::new().format(value));
    }

    fn display(&mut self, value: impl fmt::Display) {
        // Writing to memory does not fail.
        let _ = write!(self, "{value}");
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.raw("\"");
        self.raw(&base64::encoded(bytes));
        self.raw("\"");
    }

    /// Writes a text in quotes.
    pub(super) fn string(&mut self, text: &str) {
        self.raw("\"");
        // Nearly every text is plain, and to look at all of it without a branch is the quick way to know.
        if text
            .bytes()
            .fold(true, |plain, byte| plain & !is_special(byte))
        {
            self.raw(text);
        } else {
            self.escaped(text);
        }
        self.raw("\"");
    }

    #[cold]
    fn escaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some(index) = rest.bytes().position(is_special) {
            let (plain, special) = rest.split_at(index);
            self.raw(plain);
            let mut characters = special.chars();
            match characters.next() {
                Some('"') => self.raw("\\\""),
                Some('\\') => self.raw("\\\\"),
                Some('\u{8}') => self.raw("\\b"),
                Some('\t') => self.raw("\\t"),
                Some('\n') => self.raw("\\n"),
                Some('\u{c}') => self.raw("\\f"),
                Some('\r') => self.raw("\\r"),
                // What does not fit 16 bits is written as the two halves of a surrogate pair.
                other => {
                    let mut units = [0; 2];
                    for unit in other.unwrap_or_default().encode_utf16(&mut units) {
                        self.display(format_args!("\\u{unit:04X}"));
                    }
                }
            }
            rest = characters.as_str();
        }
        self.raw(rest);
    }
}

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.raw(text);
        Ok(())
    }
}

/// Whether a character that begins with this byte is not written as it is.
fn is_special(byte: u8) -> bool {
    !(0x20..0xF0).contains(&byte) || byte == b'"' || byte == b'\\'
}

fn millis(kind: &str, value: &Value<'_>) -> Result<i64, ConnectError> {
    match value {
        Value::Date(millis) => Ok(*millis),
        _ => Err(ConnectError::data(format!(
            "Invalid type for {kind}, expected Date but was class {}",
            value.java_class()
        ))),
    }
}

/// Whether a value is of its schema's type: Java casts it.
fn check_class(schema: &Schema, value: &Value<'_>) -> Result<(), ConnectError> {
    if value_type(value) == Some(schema.schema_type()) {
        return Ok(());
    }
    Err(wrong_class(schema.schema_type(), value))
}

#[cold]
fn wrong_class(kind: SchemaType, value: &Value<'_>) -> ConnectError {
    let kind = match kind {
        SchemaType::Bytes => "bytes type".to_owned(),
        kind => kind.java_name(),
    };
    ConnectError::data(format!(
        "Invalid type for {kind}: class {}",
        value.java_class()
    ))
}

fn too_deep(depth: usize) -> ConnectError {
    let limit = format!(
        "Document nesting depth ({depth}) exceeds the maximum allowed ({MAX_DEPTH}, from \
         `StreamWriteConstraints.getMaxNestingDepth()`)"
    );
    ConnectError::data_by(
        "Converting Kafka Connect data to byte[] failed due to serialization error: ",
        ConnectError::java(super::SERIALIZATION, limit),
    )
}

fn no_key_schema() -> ConnectError {
    ConnectError::java(
        "java.lang.NullPointerException",
        "Cannot invoke \"org.apache.kafka.connect.data.Schema.type()\" because the return value of \
         \"org.apache.kafka.connect.data.Schema.keySchema()\" is null",
    )
}
