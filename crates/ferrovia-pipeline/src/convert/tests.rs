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

fn converter(class: &str) -> Converter {
    Converter::from_class(class, &BTreeMap::new(), ConverterRole::Value)
        .unwrap()
        .unwrap()
}

#[test]
fn every_listed_class_is_a_converter_of_headers_too() {
    for class in HEADER_CONVERTER_CLASSES {
        let converter = HeaderConverter::from_class(class, &BTreeMap::new());
        assert!(converter.unwrap().is_some(), "{class}");
        assert!(config_def(class).is_some(), "{class}");
    }
    for class in CONVERTER_CLASSES {
        assert!(
            converter(class)
                .to_connect("t", None)
                .unwrap()
                .value
                .is_null()
        );
    }
}

#[test]
fn settings_are_checked_in_javas_words() {
    let settings = BTreeMap::from([("decimal.format".to_owned(), "HEX".to_owned())]);
    let error = Converter::from_class("Json", &settings, ConverterRole::Key).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid value HEX for configuration decimal.format: String must be one of (case insensitive): NUMERIC, BASE64"
    );
}

#[test]
fn encodings_write_what_they_can() {
    let text = Value::text("aé€😀");
    let written = |encoding| {
        let bytes = string(encoding).from_connect("t", None, &text).unwrap();
        bytes.unwrap()
    };
    assert_eq!(written("UTF-8"), "aé€😀".as_bytes());
    assert_eq!(written("ISO-8859-1"), b"a\xe9??");
    assert_eq!(written("US-ASCII"), b"a???");
}

#[test]
fn bytes_nested_too_deep_for_a_header_stay_bytes() {
    let text = "[".repeat(100_000);
    let read = HeaderConverter::Simple
        .to_connect_header("t", "h", Some(text.as_bytes()))
        .unwrap();
    assert_eq!(read.schema, Some(Schema::of(SchemaType::Bytes)));
    assert_eq!(read.value, Value::Bytes(Cow::Borrowed(text.as_bytes())));
}

fn survives(class: &str, value: &Value<'_>) -> Result<(), proptest::test_runner::TestCaseError> {
    let converter = converter(class);
    let bytes = converter.from_connect("t", None, value).unwrap().unwrap();
    let read = converter.to_connect("t", Some(&bytes)).unwrap();
    proptest::prop_assert_eq!(&read.value, value);
    let schema = read.schema.unwrap();
    crate::data::validate::validate_value(&schema, value).unwrap();
    Ok(())
}

proptest::proptest! {
    #[test]
    fn values_survive_their_converter(
        short: i16, integer: i32, long: i64, float in -1e30_f32..1e30, double in -1e300_f64..1e300, boolean: bool,
        text: String, bytes: Vec<u8>,
    ) {
        survives("Short", &Value::Int16(short))?;
        survives("Integer", &Value::Int32(integer))?;
        survives("Long", &Value::Int64(long))?;
        survives("Float", &Value::Float32(float))?;
        survives("Double", &Value::Float64(double))?;
        survives("Boolean", &Value::Boolean(boolean))?;
        survives("String", &Value::text(&text))?;
        survives("ByteArray", &Value::Bytes(Cow::Borrowed(&bytes)))?;
    }

    #[test]
    fn texts_in_lists_survive_headers(texts in proptest::collection::vec("[a-zé]{1,6}", 1..5)) {
        let value = Value::Array(texts.into_iter().map(|text| Value::String(Cow::Owned(text))).collect());
        let simple = HeaderConverter::Simple;
        let bytes = simple.from_connect_header("t", "h", None, &value).unwrap().unwrap();
        let read = simple.to_connect_header("t", "h", Some(&bytes)).unwrap();
        proptest::prop_assert_eq!(read.value, value);
    }

    #[test]
    fn base64_survives(bytes: Vec<u8>) {
        proptest::prop_assert_eq!(base64::decoded(&base64::encoded(&bytes)).unwrap(), bytes);
    }
}
