//! Text in the encodings that `StringConverter` knows.
//!
//! # Source
//! `org.apache.kafka.connect.storage.StringConverter`

use std::borrow::Cow;

use crate::error::ConnectError;

/// How `StringConverter` reads bytes (`converter.encoding`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// Malformed input becomes U+FFFD, as in Java.
    Utf8,
    /// A byte is a character.
    Latin1,
    /// Bytes above 0x7F become U+FFFD, as in Java.
    Ascii,
}

impl TextEncoding {
    /// The encoding of a Java charset name.
    ///
    /// # Errors
    /// [`ConnectError::Config`] for a charset that is not supported.
    pub(super) fn from_java_name(name: &str) -> Result<Self, ConnectError> {
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Ok(Self::Utf8),
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Ok(Self::Latin1),
            "US-ASCII" | "ASCII" => Ok(Self::Ascii),
            _ => Err(ConnectError::config(format!(
                "Invalid value {name} for configuration converter.encoding: supported are UTF-8, ISO-8859-1 and US-ASCII"
            ))),
        }
    }

    /// The bytes of a text; what the encoding does not know becomes a question mark.
    pub(super) fn encode(self, text: &str) -> Cow<'_, [u8]> {
        let highest = match self {
            Self::Utf8 => return Cow::Borrowed(text.as_bytes()),
            Self::Latin1 => 0xFF,
            Self::Ascii => 0x7F,
        };
        let byte = |character| match u8::try_from(u32::from(character)) {
            Ok(byte) if byte <= highest => byte,
            _ => b'?',
        };
        text.chars().map(byte).collect()
    }

    /// The text of bytes.
    #[inline]
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::Utf8 => match str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(replace_malformed(bytes)),
            },
            Self::Latin1 if bytes.is_ascii() => String::from_utf8_lossy(bytes),
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Ascii => bytes
                .iter()
                .map(|byte| {
                    if byte.is_ascii() {
                        char::from(*byte)
                    } else {
                        char::REPLACEMENT_CHARACTER
                    }
                })
                .collect(),
        }
    }
}

/// Text with U+FFFD for what is malformed, as many as Java puts there: an encoded surrogate, whole or cut short, is one
/// where Rust sees each of its bytes as malformed.
///
/// # Source
/// `java.lang.String(byte[], Charset)` of Java 17
#[cold]
fn replace_malformed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    // How many more bytes may belong to the surrogate that has just been replaced.
    let mut surrogate_rest = 0;
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            text.push_str(chunk.valid());
            surrogate_rest = 0;
        }
        match (surrogate_rest, chunk.invalid()) {
            (_, []) => {}
            (2, [0xA0..=0xBF]) => surrogate_rest = 1,
            (1, [0x80..=0xBF]) => surrogate_rest = 0,
            (_, invalid) => {
                text.push(char::REPLACEMENT_CHARACTER);
                surrogate_rest = if invalid == [0xED] { 2 } else { 0 };
            }
        }
    }
    text
}
