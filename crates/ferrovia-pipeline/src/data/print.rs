//! Values as Java's `toString` shows them: what a file sink writes, and what messages quote.

use std::borrow::Cow;
use std::fmt;

use crate::data::number::{write_f32, write_f64};
use crate::data::{Map, Struct, Value, calendar};

impl Value<'_> {
    /// The bytes that print this value: text as UTF-8, bytes as they are, everything else as Java shows it.
    pub fn as_printed(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Null => Cow::Borrowed(b"null"),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::String(text) => Cow::Borrowed(text.as_bytes()),
            other => Cow::Owned(other.to_string().into_bytes()),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Int8(value) => write!(f, "{value}"),
            Self::Int16(value) => write!(f, "{value}"),
            Self::Int32(value) => write!(f, "{value}"),
            Self::Int64(value) => write!(f, "{value}"),
            Self::Float32(value) => write_f32(f, *value),
            Self::Float64(value) => write_f64(f, *value),
            Self::String(text) => f.write_str(text),
            Self::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => write!(f, "{map}"),
            Self::Struct(structure) => write!(f, "{structure}"),
            Self::Decimal(value) => write!(f, "{value}"),
            Self::Date(millis) => calendar::write_date(f, *millis),
        }
    }
}

impl fmt::Display for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Struct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Struct{")?;
        let present = self
            .schema()
            .fields()
            .iter()
            .filter(|field| !self.at(field.index).is_null());
        for (index, field) in present.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", field.name, self.at(field.index))?;
        }
        f.write_str("}")
    }
}
