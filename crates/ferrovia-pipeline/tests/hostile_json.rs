//! Damaged JSON documents, schemas and header texts: none may panic, and what is read can be written and read again.
//!
//! Cases are drawn from a seed. `FERROVIA_JSON_CASES` says how many, `FERROVIA_JSON_SEED` which.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use ferrovia_pipeline::convert::{Converter, ConverterRole, HeaderConverter};
use ferrovia_pipeline::data::project::project;
use ferrovia_pipeline::data::{SchemaAndValue, Value};

/// Enough to meet every kind of damage; a million takes some seconds with optimisation.
const CASES: u64 = if cfg!(debug_assertions) {
    60_000
} else {
    100_000
};

const DOCUMENTS: [&str; 8] = [
    r#"{"id":17,"price":12.5,"tags":["a","grün","\u00e9\ud83d\ude00"],"nested":{"x":null,"y":[true,false,-1e-7]}}"#,
    r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int8"},{"field":"b","type":"string","optional":true,"default":"q"}],"name":"n","version":3,"doc":"d"},"payload":{"a":1,"b":"x"}}"#,
    r#"{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},"payload":"ew=="}"#,
    r#"{"schema":{"type":"map","keys":{"type":"int32"},"values":{"type":"array","items":{"type":"double"}}},"payload":[[1,[1.5,2]],[17,[]]]}"#,
    r#"{"schema":{"type":"struct","fields":[{"field":"d","type":"int32","name":"org.apache.kafka.connect.data.Date"},{"field":"t","type":"int32","name":"org.apache.kafka.connect.data.Time"},{"field":"s","type":"int64","name":"org.apache.kafka.connect.data.Timestamp","default":5}]},"payload":{"d":1,"t":2,"s":3}}"#,
    r#"[123456789012345678901234567890,1.7976931348623157e308,4.9E-324,0.1,1e400,-0.0]"#,
    r#"{"schema":{"type":"map","keys":{"type":"string"},"values":{"type":"float"}},"payload":{"NaN":0.1,"b":1e39}}"#,
    r#"[1,"2024-01-02",{"a":[2.5,"x\"y"]},03:04:05.000Z,12345678901234567890]"#,
];

/// What is put into documents to damage them.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "null",
    "true",
    "0",
    "-",
    "1e9",
    ".5",
    "e",
    " ",
    "\u{7f}",
    "{}",
    "[]",
    "\"type\":",
    "\"optional\":true,",
    "\"default\":",
    "9999999999999999999",
];

/// A small generator of numbers (SplitMix64), so that cases can be repeated.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn damage(draw: &mut Draw, document: &mut Vec<u8>) {
    for _ in 0..=draw.below(3) {
        let at = draw.below(document.len());
        match draw.below(6) {
            0 if !document.is_empty() => document[at] = draw.byte(),
            1 if !document.is_empty() => document[at] ^= 1 << draw.below(8),
            2 => document.truncate(at),
            3 => {
                let piece = PIECES[draw.below(PIECES.len())];
                document.splice(at..at, piece.bytes());
            }
            4 => {
                let end = (at + draw.below(12)).min(document.len());
                document.drain(at..end);
            }
            _ => {
                let from = draw.below(document.len());
                let end = (from + draw.below(40)).min(document.len());
                let copied = document[from..end].to_vec();
                document.splice(at..at, copied);
            }
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn json(settings: &[(&str, &str)]) -> Converter {
    let settings: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let converter = Converter::from_class("Json", &settings, ConverterRole::Value);
    converter.unwrap().unwrap()
}

/// Whether something in a value is not written as what it was read from: what is no number becomes text, and without a
/// schema, numbers of other types become longs and doubles.
fn is_kept(value: &Value<'_>) -> bool {
    match value {
        Value::Float32(number) => number.is_finite(),
        Value::Float64(number) => number.is_finite(),
        Value::Array(items) => items.iter().all(is_kept),
        Value::Map(map) => map
            .iter_unordered()
            .all(|(key, value)| is_kept(key) && is_kept(value)),
        // A null that came of a value of another type is written as the field's default.
        Value::Struct(structure) => {
            let mut values = structure.values().iter();
            values.all(|value| !value.is_null() && is_kept(value))
        }
        // A decimal that was read as a number may have another scale than its schema.
        Value::Decimal(_) => false,
        _ => true,
    }
}

fn check(converter: &Converter, document: &[u8]) -> bool {
    let read = match converter.to_connect("t", Some(document)) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.trace().is_empty());
            return false;
        }
    };
    let SchemaAndValue { schema, value } = &read;
    assert!(value.to_string().len() < 1_000_000);
    let Ok(written) = converter.from_connect("t", schema.as_ref(), value) else {
        return true;
    };
    if let Some(schema) = schema {
        // Nothing is checked but that it ends: defaults may be missing.
        let _ = project(schema, value.clone(), schema);
    }
    if let Some(bytes) = written
        && is_kept(value)
        && let Ok(again) = converter.to_connect("t", Some(&bytes))
    {
        assert_eq!(again.value, *value, "{}", String::from_utf8_lossy(&bytes));
    }
    true
}

#[test]
fn damaged_documents_are_values_or_errors() {
    let cases = setting("FERROVIA_JSON_CASES", CASES);
    let mut draw = Draw(setting("FERROVIA_JSON_SEED", 1));
    let converters = [
        json(&[("schemas.enable", "false")]),
        json(&[]),
        json(&[("decimal.format", "NUMERIC"), ("schemas.cache.size", "3")]),
    ];
    let simple = HeaderConverter::Simple;
    let mut values = 0;
    for _ in 0..cases {
        let mut document = DOCUMENTS[draw.below(DOCUMENTS.len())].as_bytes().to_vec();
        damage(&mut draw, &mut document);
        for converter in &converters {
            values += u64::from(check(converter, &document));
        }
        let header = simple.to_connect_header("t", "h", Some(&document)).unwrap();
        let schema = header.schema.as_ref();
        let text = simple.from_connect_header("t", "h", schema, &header.value);
        assert_eq!(text.unwrap().is_none(), header.value.is_null());
    }
    // Otherwise the damage hides what comes behind the reader.
    assert!(
        values > cases / 20,
        "{values} of {cases} documents were read"
    );
}
