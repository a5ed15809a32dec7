//! A value as a connector sees it.

use std::borrow::Cow;
use std::fmt;

/// A key or value after its converter. It borrows from the batch wherever it can.
///
/// # Source
/// `org.apache.kafka.connect.data.SchemaAndValue`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// No value: a tombstone, or a record without a key.
    Null,
    /// Optional bytes, as `ByteArrayConverter` gives them.
    Bytes(&'a [u8]),
    /// An optional string, as `StringConverter` gives it.
    String(Cow<'a, str>),
}

impl Value<'_> {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The bytes that print this value: text as UTF-8, bytes as they are, and `null` for no value.
    pub fn as_printed(&self) -> &[u8] {
        match self {
            Self::Null => b"null",
            Self::Bytes(bytes) => bytes,
            Self::String(text) => text.as_bytes(),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            other => f.write_str(&String::from_utf8_lossy(other.as_printed())),
        }
    }
}
