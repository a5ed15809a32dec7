//! Converters of headers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Converter, ConverterRole, TextEncoding, Written};
use crate::connector::is_plugin_named;
use crate::data::{Schema, SchemaAndValue, SchemaType, Value, values};
use crate::error::ConnectError;

/// A converter that has been configured for headers. Cheap to clone.
///
/// # Source
/// `org.apache.kafka.connect.storage.HeaderConverter`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderConverter {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`: text that looks like a number, a date, a list or a map
    /// is one.
    Simple,
    /// A converter of keys and values.
    Converter(Converter),
}

/// The class that is the default.
pub(super) const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// The classes that are built in, in the order in which plugins are listed.
pub const HEADER_CONVERTER_CLASSES: [&str; 10] = {
    let [a, b, c, d, e, f, g, h, string] = super::CONVERTER_CLASSES;
    [a, b, c, d, e, f, g, h, SIMPLE, string]
};

impl HeaderConverter {
    /// The converter of a Java class with its settings (without the `header.converter.` prefix); `Ok(None)` when the
    /// class is none of ours.
    ///
    /// # Errors
    /// As [`Converter::from_class`].
    pub fn from_class(
        class: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, ConnectError> {
        if is_plugin_named(SIMPLE, "Converter", class) {
            return Ok(Some(Self::Simple));
        }
        let converter = Converter::from_class(class, settings, ConverterRole::Header)?;
        Ok(converter.map(Self::Converter))
    }

    /// The Java class, as headers of dead letters and log lines name it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Simple => SIMPLE,
            Self::Converter(converter) => converter.class(),
        }
    }

    /// Whether it accepts all bytes.
    pub fn accepts_all(&self) -> bool {
        match self {
            Self::Simple => true,
            Self::Converter(converter) => converter.is_view(),
        }
    }

    /// What a header's bytes stand for.
    ///
    /// # Errors
    /// The bytes are not what the converter expects. [`Simple`](Self::Simple) accepts all.
    pub fn to_connect_header<'a>(
        &self,
        topic: &str,
        _header: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        match (self, bytes) {
            (Self::Converter(converter), bytes) => converter.to_connect(topic, bytes),
            (Self::Simple, None) => Ok(SchemaAndValue::NULL),
            (Self::Simple, Some(bytes)) => {
                let text = TextEncoding::Utf8.decode(bytes);
                Ok(values::parse_string(&text).unwrap_or_else(|_too_deep| {
                    SchemaAndValue::new(
                        Schema::of(SchemaType::Bytes),
                        Value::Bytes(Cow::Borrowed(bytes)),
                    )
                }))
            }
        }
    }

    /// The bytes of a header's value.
    ///
    /// # Errors
    /// The value is none that the converter can write. [`Simple`](Self::Simple) writes all.
    pub fn from_connect_header(
        &self,
        _topic: &str,
        _header: &str,
        schema: Option<&Schema>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let mut bytes = Vec::new();
        let is_there = self.write(&mut bytes, schema, value)?;
        Ok(is_there.then_some(bytes))
    }

    /// As [`from_connect_header`](Self::from_connect_header), but the bytes are appended to `out`. Answers whether there are
    /// any: a header may be null.
    ///
    /// # Errors
    /// See [`from_connect_header`](Self::from_connect_header).
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        schema: Option<&Schema>,
        value: &Value<'_>,
    ) -> Result<bool, ConnectError> {
        match (self, value) {
            (Self::Converter(converter), value) => {
                return Ok(match converter.write(out, schema, value)? {
                    Written::Null => false,
                    Written::AsIs(bytes) => {
                        out.extend_from_slice(bytes);
                        true
                    }
                    Written::Appended => true,
                });
            }
            (Self::Simple, Value::Null) => return Ok(false),
            (Self::Simple, Value::Int32(number)) => {
                out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
            (Self::Simple, Value::Int64(number)) => {
                out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
            (Self::Simple, Value::String(text)) => out.extend_from_slice(text.as_bytes()),
            (Self::Simple, value) => out.extend_from_slice(values::to_text(value).as_bytes()),
        }
        Ok(true)
    }
}
