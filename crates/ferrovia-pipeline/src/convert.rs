//! Converters: from the bytes of a record's key or value to what a connector sees.

pub(crate) mod base64;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::connector::is_plugin_named;
use crate::data::Value;
use crate::error::ConnectError;

/// A converter that has been configured for keys or for values.
///
/// It is a closed set of steps rather than an open trait, so that the loop over a batch's records branches on it
/// without a call through a pointer.
///
/// # Source
/// `org.apache.kafka.connect.storage.Converter`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Converter {
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`: the bytes themselves.
    ByteArray,
    /// `org.apache.kafka.connect.storage.StringConverter`: text in the given encoding.
    String(TextEncoding),
}

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

/// The converter classes that are built in, in the order in which plugins are listed.
pub const CONVERTER_CLASSES: [&str; 2] = [
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.storage.StringConverter",
];

impl Converter {
    /// The converter of a Java class with its settings (without the `key.converter.` or `value.converter.` prefix);
    /// `Ok(None)` when the class is none of ours.
    ///
    /// # Errors
    /// [`ConnectError::Config`] when a setting has an unusable value.
    pub fn from_class(
        class: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, ConnectError> {
        let is = |known: &str| is_plugin_named(known, "Converter", class);
        let [byte_array, string] = CONVERTER_CLASSES;
        if is(byte_array) {
            return Ok(Some(Self::ByteArray));
        }
        if is(string) {
            let encoding = settings
                .get("converter.encoding")
                .map_or("UTF-8", String::as_str);
            return TextEncoding::from_java_name(encoding).map(|text| Some(Self::String(text)));
        }
        Ok(None)
    }

    /// What a connector sees of `bytes`.
    #[inline]
    pub fn to_connect<'a>(&self, bytes: Option<&'a [u8]>) -> Value<'a> {
        match (self, bytes) {
            (_, None) => Value::Null,
            (Self::ByteArray, Some(bytes)) => Value::Bytes(Cow::Borrowed(bytes)),
            (Self::String(encoding), Some(bytes)) => Value::String(encoding.decode(bytes)),
        }
    }
}

impl TextEncoding {
    /// The encoding of a Java charset name.
    ///
    /// # Errors
    /// [`ConnectError::Config`] for a charset that is not supported.
    fn from_java_name(name: &str) -> Result<Self, ConnectError> {
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Ok(Self::Utf8),
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Ok(Self::Latin1),
            "US-ASCII" | "ASCII" => Ok(Self::Ascii),
            _ => Err(ConnectError::config(format!(
                "Invalid value {name} for configuration converter.encoding: supported are UTF-8, ISO-8859-1 and US-ASCII"
            ))),
        }
    }

    #[inline]
    fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn string(encoding: &str) -> Converter {
        let settings = BTreeMap::from([("converter.encoding".to_owned(), encoding.to_owned())]);
        Converter::from_class(
            "org.apache.kafka.connect.storage.StringConverter",
            &settings,
        )
        .unwrap()
        .unwrap()
    }

    #[test]
    fn malformed_utf8_becomes_the_replacement_character() {
        let value = string("UTF-8").to_connect(Some(b"a\xffb"));
        assert_eq!(value, Value::String(Cow::Borrowed("a\u{fffd}b")));
    }

    #[test]
    fn malformed_utf8_gives_as_many_replacements_as_in_java() {
        // Printed by Java 17, with R for U+FFFD.
        let golden: [(&[u8], &str); 20] = [
            (b"\xed\xa0\x80", "R"),
            (b"\xed\xbf\xbf", "R"),
            (b"\xed\xa0", "R"),
            (b"\xed\xa0A", "RA"),
            (b"\xedA", "RA"),
            (b"\xed\xa0\x80\xed\xa0", "RR"),
            (b"\xed\xa0\xff", "RR"),
            (b"\xf4\x90\x80\x80", "RRRR"),
            (b"\xf0\x9f\x9a", "R"),
            (b"\xf0\x9f\x9aA", "RA"),
            (b"\xf0(\x8c\xbc", "R(RR"),
            (b"\xe2(\xa1", "R(R"),
            (b"\xf8\x88\x80\x80\x80", "RRRRR"),
            (b"\xc0\xaf", "RR"),
            (b"\xc3(", "R("),
            (b"\xe0\x80AA", "RRAA"),
            (b"\xf0\x8fA\x80", "RRAR"),
            (b"\xf4\x90A", "RRA"),
            (b"\xf0\x90A\x80", "RAR"),
            (b"\xff\x80", "RR"),
        ];
        for (bytes, expected) in golden {
            let value = string("UTF-8").to_connect(Some(bytes));
            assert_eq!(
                value.to_string().replace('\u{fffd}', "R"),
                expected,
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn well_formed_text_is_borrowed() {
        let Value::String(text) = string("utf-8").to_connect(Some("grün".as_bytes())) else {
            panic!("not a string");
        };
        assert!(matches!(text, Cow::Borrowed("grün")));
    }

    #[test]
    fn latin1_and_ascii_read_bytes_as_java_does() {
        assert_eq!(
            string("ISO-8859-1").to_connect(Some(b"\xe9")).to_string(),
            "é"
        );
        assert_eq!(
            string("US-ASCII").to_connect(Some(b"\xe9")).to_string(),
            "\u{fffd}"
        );
    }

    #[test]
    fn absent_bytes_are_null_for_every_converter() {
        assert!(string("UTF-8").to_connect(None).is_null());
        assert!(Converter::ByteArray.to_connect(None).is_null());
    }

    #[test]
    fn unknown_encoding_names_the_key() {
        let settings = BTreeMap::from([("converter.encoding".to_owned(), "EBCDIC".to_owned())]);
        let error = Converter::from_class("StringConverter", &settings).unwrap_err();
        assert!(error.to_string().contains("converter.encoding"), "{error}");
    }

    #[test]
    fn alias_is_understood() {
        let converter = Converter::from_class("String", &BTreeMap::new()).unwrap();
        assert_eq!(converter, Some(Converter::String(TextEncoding::Utf8)));
    }

    #[test]
    fn unknown_class_is_nobodys() {
        assert_eq!(
            Converter::from_class("com.example.Mine", &BTreeMap::new()).unwrap(),
            None
        );
    }
}
