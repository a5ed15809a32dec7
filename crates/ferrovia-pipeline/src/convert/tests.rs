//! Tests of converters by their class names, and of text.

use super::*;

fn string(encoding: &str) -> Converter {
    let settings = BTreeMap::from([("converter.encoding".to_owned(), encoding.to_owned())]);
    Converter::from_class(
        "org.apache.kafka.connect.storage.StringConverter",
        &settings,
        ConverterRole::Value,
    )
    .unwrap()
    .unwrap()
}

#[test]
fn malformed_utf8_becomes_the_replacement_character() {
    let value = string("UTF-8").view(Some(b"a\xffb")).unwrap();
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
        let value = string("UTF-8").view(Some(bytes)).unwrap();
        assert_eq!(
            value.to_string().replace('\u{fffd}', "R"),
            expected,
            "{bytes:x?}"
        );
    }
}

#[test]
fn well_formed_text_is_borrowed() {
    let Some(Value::String(text)) = string("utf-8").view(Some("grün".as_bytes())) else {
        panic!("not a string");
    };
    assert!(matches!(text, Cow::Borrowed("grün")));
}

#[test]
fn latin1_and_ascii_read_bytes_as_java_does() {
    assert_eq!(
        string("ISO-8859-1")
            .view(Some(b"\xe9"))
            .unwrap()
            .to_string(),
        "é"
    );
    assert_eq!(
        string("US-ASCII").view(Some(b"\xe9")).unwrap().to_string(),
        "\u{fffd}"
    );
}

#[test]
fn absent_bytes_are_null_for_every_converter() {
    assert!(string("UTF-8").view(None).unwrap().is_null());
    assert!(Converter::ByteArray.view(None).unwrap().is_null());
}

#[test]
fn unknown_encoding_names_the_key() {
    let settings = BTreeMap::from([("converter.encoding".to_owned(), "EBCDIC".to_owned())]);
    let error =
        Converter::from_class("StringConverter", &settings, ConverterRole::Key).unwrap_err();
    assert!(error.to_string().contains("converter.encoding"), "{error}");
}

#[test]
fn alias_is_understood() {
    let converter =
        Converter::from_class("String", &BTreeMap::new(), ConverterRole::Value).unwrap();
    assert_eq!(converter, Some(Converter::String(TextEncoding::Utf8)));
}

#[test]
fn unknown_class_is_nobodys() {
    assert_eq!(
        Converter::from_class("com.example.Mine", &BTreeMap::new(), ConverterRole::Value).unwrap(),
        None
    );
}
