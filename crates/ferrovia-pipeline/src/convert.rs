//! Converters: from the bytes of a record's key, value or header to what a connector sees, and back.

pub(crate) mod base64;
mod definition;
mod header;
mod json;
mod primitive;
mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use primitive::Primitive;

pub use definition::config_def;
pub use header::{HEADER_CONVERTER_CLASSES, HeaderConverter};
pub use json::JsonConverter;
pub use text::TextEncoding;

use crate::connector::is_plugin_named;
use crate::data::{Schema, SchemaAndValue, SchemaType, Value};
use crate::error::ConnectError;

/// A converter that has been configured for keys, values or headers. Cheap to clone.
///
/// It is a closed set of steps rather than an open trait, so that the loop over a batch's records branches on it
/// without a call through a pointer.
///
/// # Source
/// `org.apache.kafka.connect.storage.Converter`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Converter {
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`: the bytes themselves.
    ByteArray,
    /// `org.apache.kafka.connect.storage.StringConverter`: text in the given encoding.
    String(TextEncoding),
    /// `org.apache.kafka.connect.json.JsonConverter`
    Json(Arc<JsonConverter>),
    /// `org.apache.kafka.connect.converters.BooleanConverter`: a byte that is 0 or 1.
    Boolean,
    /// `org.apache.kafka.connect.converters.ShortConverter`: two bytes, the highest first.
    Short,
    /// `org.apache.kafka.connect.converters.IntegerConverter`: four bytes.
    Integer,
    /// `org.apache.kafka.connect.converters.LongConverter`: eight bytes.
    Long,
    /// `org.apache.kafka.connect.converters.FloatConverter`: four bytes.
    Float,
    /// `org.apache.kafka.connect.converters.DoubleConverter`: eight bytes.
    Double,
}

/// Where the bytes of a value are that was converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'v> {
    /// There are none: a tombstone, or a key or header that is null.
    Null,
    /// In the value itself.
    AsIs(&'v [u8]),
    /// Behind what was written before.
    Appended,
}

/// What a converter is used for (`converter.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterRole {
    /// Keys of records.
    Key,
    /// Values of records.
    Value,
    /// Values of headers.
    Header,
}

impl ConverterRole {
    /// The value of `converter.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::Header => "header",
        }
    }
}

const BYTE_ARRAY: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

/// The converter classes that are built in, in the order in which plugins are listed.
pub const CONVERTER_CLASSES: [&str; 9] = [
    "org.apache.kafka.connect.converters.BooleanConverter",
    BYTE_ARRAY,
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    JSON,
    STRING,
];

impl Converter {
    /// The converter of a Java class with its settings (without the `key.converter.` or `value.converter.` prefix);
    /// `Ok(None)` when the class is none of ours.
    ///
    /// # Errors
    /// [`ConnectError::Config`] when a setting has an unusable value, and what is wrong with a schema in the settings.
    pub fn from_class(
        class: &str,
        settings: &BTreeMap<String, String>,
        role: ConverterRole,
    ) -> Result<Option<Self>, ConnectError> {
        let mut known = CONVERTER_CLASSES.into_iter();
        let Some(class) = known.find(|known| is_plugin_named(known, "Converter", class)) else {
            return Ok(None);
        };
        if class == BYTE_ARRAY {
            // In Java it does not even look at its settings.
            return Ok(Some(Self::ByteArray));
        }
        let mut settings = settings.clone();
        settings.insert("converter.type".to_owned(), role.name().to_owned());
        let settings = definition::config_def_of(class).parse(&settings)?;
        Ok(Some(match class {
            STRING => {
                let encoding = settings.optional_string("converter.encoding");
                Self::String(TextEncoding::from_java_name(encoding.unwrap_or("UTF-8"))?)
            }
            JSON => Self::Json(Arc::new(JsonConverter::new(&settings)?)),
            primitive => match primitive.rsplit('.').next() {
                Some("BooleanConverter") => Self::Boolean,
                Some("ShortConverter") => Self::Short,
                Some("IntegerConverter") => Self::Integer,
                Some("LongConverter") => Self::Long,
                Some("FloatConverter") => Self::Float,
                Some("DoubleConverter") => Self::Double,
                _ => return Ok(None),
            },
        }))
    }

    /// The Java class, as headers of dead letters and log lines name it.
    pub fn class(&self) -> &'static str {
        let [
            boolean,
            byte_array,
            double,
            float,
            integer,
            long,
            short,
            json,
            string,
        ] = CONVERTER_CLASSES;
        match self {
            Self::ByteArray => byte_array,
            Self::String(_) => string,
            Self::Json(_) => json,
            Self::Boolean => boolean,
            Self::Short => short,
            Self::Integer => integer,
            Self::Long => long,
            Self::Float => float,
            Self::Double => double,
        }
    }

    /// Whether it accepts all bytes, so that it can wait until a value is asked for.
    pub fn is_view(&self) -> bool {
        matches!(self, Self::ByteArray | Self::String(_))
    }

    /// What a connector sees of `bytes`, for converters that accept all bytes; `None` for the others.
    #[inline]
    pub fn view<'a>(&self, bytes: Option<&'a [u8]>) -> Option<Value<'a>> {
        match (self, bytes) {
            (Self::ByteArray, Some(bytes)) => Some(Value::Bytes(Cow::Borrowed(bytes))),
            (Self::String(encoding), Some(bytes)) => Some(Value::String(encoding.decode(bytes))),
            (Self::ByteArray | Self::String(_), None) => Some(Value::Null),
            _ => None,
        }
    }

    /// What a connector sees of `bytes`, with its schema.
    ///
    /// # Errors
    /// The bytes are not what the converter expects, in Java's words.
    pub fn to_connect<'a>(
        &self,
        _topic: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        if let Some(value) = self.view(bytes) {
            return Ok(SchemaAndValue::new(self.schema(), value));
        }
        match (self, bytes) {
            (Self::Json(_), None) => Ok(SchemaAndValue::NULL),
            (Self::Json(json), Some(bytes)) => json.read(bytes),
            (_, None) => Ok(SchemaAndValue::new(self.schema(), Value::Null)),
            (_, Some(bytes)) => {
                let value = match self.primitive() {
                    Some(primitive) => primitive.read(bytes)?,
                    None => Value::Null,
                };
                Ok(SchemaAndValue::new(self.schema(), value))
            }
        }
    }

    /// The bytes of a value of a schema; `None` for a tombstone.
    ///
    /// # Errors
    /// The value is none that the converter can write, in Java's words.
    pub fn from_connect(
        &self,
        _topic: &str,
        schema: Option<&Schema>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let mut out = Vec::new();
        Ok(match self.write(&mut out, schema, value)? {
            Written::Null => None,
            Written::AsIs(bytes) => Some(bytes.into()),
            Written::Appended => Some(out),
        })
    }

    /// As [`from_connect`](Self::from_connect), but text and bytes that are stored as they are are borrowed, and others
    /// appended to `out`.
    ///
    /// # Errors
    /// See [`from_connect`](Self::from_connect). Something may have been appended nevertheless.
    pub fn write<'v>(
        &self,
        out: &mut Vec<u8>,
        schema: Option<&Schema>,
        value: &'v Value<'_>,
    ) -> Result<Written<'v>, ConnectError> {
        let is_other = |kind: SchemaType| schema.filter(|schema| schema.schema_type() != kind);
        match self {
            Self::Json(json) => return json.write(out, schema, value),
            Self::ByteArray => {
                if let Some(schema) = is_other(SchemaType::Bytes) {
                    return Err(wrong_schema("ByteArrayConverter", schema));
                }
            }
            Self::Boolean => {
                if let Some(schema) = is_other(SchemaType::Boolean) {
                    return Err(wrong_schema("BooleanConverter", schema));
                }
            }
            _ => {}
        }
        match (self, value) {
            (_, Value::Null) => return Ok(Written::Null),
            (Self::ByteArray, Value::Bytes(bytes)) => return Ok(Written::AsIs(bytes)),
            (Self::ByteArray, value) => return Err(incompatible("ByteArrayConverter", value)),
            (Self::String(encoding), Value::String(text)) => match encoding.encode(text) {
                Cow::Borrowed(bytes) => return Ok(Written::AsIs(bytes)),
                Cow::Owned(bytes) => out.extend(bytes),
            },
            (Self::String(encoding), value) => {
                out.extend_from_slice(&encoding.encode(&value.to_string()));
            }
            (_, value) => match self.primitive() {
                Some(primitive) => primitive.write(out, value)?,
                None => return Ok(Written::Null),
            },
        }
        Ok(Written::Appended)
    }

    /// The schema of everything that this converter reads; JSON has its own.
    /// What describes every value it makes; `None` where each has a schema of its own or none.
    pub fn schema(&self) -> Option<Schema> {
        match self {
            Self::Json(_) => None,
            Self::ByteArray => Some(primitive::optional(SchemaType::Bytes)),
            Self::String(_) => Some(primitive::optional(SchemaType::String)),
            other => other
                .primitive()
                .map(|primitive| primitive::optional(primitive.schema_type())),
        }
    }

    fn primitive(&self) -> Option<Primitive> {
        match self {
            Self::ByteArray | Self::String(_) | Self::Json(_) => None,
            Self::Boolean => Some(Primitive::Boolean),
            Self::Short => Some(Primitive::Short),
            Self::Integer => Some(Primitive::Integer),
            Self::Long => Some(Primitive::Long),
            Self::Float => Some(Primitive::Float),
            Self::Double => Some(Primitive::Double),
        }
    }
}

/// Two JSON converters are equal only if they are one.
impl PartialEq for Converter {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(one), Self::String(two)) => one == two,
            (Self::Json(one), Self::Json(two)) => Arc::ptr_eq(one, two),
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }
}

impl Eq for Converter {}

fn wrong_schema(converter: &str, schema: &Schema) -> ConnectError {
    ConnectError::data(format!(
        "Invalid schema type for {converter}: {}",
        schema.schema_type().java_name()
    ))
}

fn incompatible(converter: &str, value: &Value<'_>) -> ConnectError {
    ConnectError::data(format!(
        "{converter} is not compatible with objects of type class {}",
        value.java_class()
    ))
}

#[cfg(test)]
mod tests;
