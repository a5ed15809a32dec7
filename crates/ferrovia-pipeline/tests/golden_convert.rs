//! Converters against what Kafka 4.2's own classes did on Java 17: `fixtures/java/ConvertGolden.java` has written the
//! files in `fixtures/convert`. Another folder of such files can be named in `FERROVIA_CONVERT_GOLDEN`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

use ferrovia_pipeline::convert::{Converter, ConverterRole, HeaderConverter};
use ferrovia_pipeline::data::number::{write_f32, write_f64};
use ferrovia_pipeline::data::{
    Decimal, Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value, calendar,
};
use ferrovia_pipeline::error::ConnectError;

const CLASSES: &str = "org.apache.kafka.connect.converters.";

/// The lines of a file, each cut at its tabs.
fn lines(name: &str) -> Vec<Vec<String>> {
    let folder = std::env::var_os("FERROVIA_CONVERT_GOLDEN").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/convert"
            ))
        },
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Checks every case and shows those that differ.
fn check(cases: impl IntoIterator<Item = (String, String, String)>) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (case, expected, found) in cases {
        count += 1;
        if expected != found {
            wrong.push(format!("{case}\n  java: {expected}\n  here: {found}"));
        }
    }
    assert!(count > 50, "{count} cases only");
    let shown = wrong.iter().take(40).cloned().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        shown.join("\n")
    );
}

/// Undoes the generator's way of writing text.
fn unescaped(text: &str) -> Vec<u16> {
    let mut units = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            units.push(u16::try_from(u32::from(character)).unwrap());
            continue;
        }
        if rest.next() == Some('\\') {
            units.push(u16::from(b'\\'));
        } else {
            let digits: String = rest.by_ref().take(4).collect();
            units.push(u16::from_str_radix(&digits, 16).unwrap());
        }
    }
    units
}

/// As the generator writes text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for unit in text.encode_utf16() {
        match unit {
            0x5c => out.push_str("\\\\"),
            0x20..0x7f => out.push(char::from(u8::try_from(unit).unwrap())),
            _ => write!(out, "\\u{unit:04x}").unwrap(),
        }
    }
    out
}

fn dump_schema(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else {
        return "-".to_owned();
    };
    let mut text = schema.schema_type().name().to_owned();
    if schema.is_optional() {
        text.push('?');
    }
    if let Some(name) = schema.name() {
        write!(text, "#{name}").unwrap();
    }
    if let Some(version) = schema.version() {
        write!(text, "@{version}").unwrap();
    }
    if let Some(doc) = schema.doc() {
        write!(text, "%{doc}").unwrap();
    }
    if !schema.parameters().is_empty() {
        let entries: Vec<String> = schema
            .parameters()
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        write!(text, "{{{}}}", entries.join(", ")).unwrap();
    }
    if let Some(default) = schema.default_value() {
        write!(text, "={}", dump(default)).unwrap();
    }
    match schema.schema_type() {
        SchemaType::Array => write!(text, "({})", dump_schema(schema.value_schema())).unwrap(),
        SchemaType::Map => {
            let (keys, values) = (schema.key_schema(), schema.value_schema());
            write!(text, "({},{})", dump_schema(keys), dump_schema(values)).unwrap();
        }
        SchemaType::Struct => {
            let fields = schema.fields().iter();
            let fields: Vec<String> = fields
                .map(|field| format!("{}:{}", field.name, dump_schema(Some(&field.schema))))
                .collect();
            write!(text, "({})", fields.join(",")).unwrap();
        }
        _ => {}
    }
    text
}

fn dump(value: &Value<'_>) -> String {
    match value {
        Value::Int8(_) => format!("i8:{value}"),
        Value::Int16(_) => format!("i16:{value}"),
        Value::Int32(_) => format!("i32:{value}"),
        Value::Int64(_) => format!("i64:{value}"),
        Value::Float32(_) => format!("f32:{value}"),
        Value::Float64(_) => format!("f64:{value}"),
        Value::String(text) => format!("'{text}'"),
        Value::Bytes(bytes) => format!("b:{}", hex(bytes)),
        Value::Decimal(number) => format!("dec:{}/{}", number.unscaled, number.scale),
        Value::Date(millis) => format!("date:{millis}"),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(dump).collect::<Vec<_>>().join(","))
        }
        Value::Map(map) => {
            let entries = map.iter();
            let entries = entries.map(|(key, value)| format!("{}={}", dump(key), dump(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::Struct(structure) => {
            let fields = structure.schema().fields().iter();
            let fields =
                fields.map(|field| format!("{}={}", field.name, dump(structure.at(field.index))));
            format!("S{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        simple => simple.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// An error with its causes, as the generator shortens them.
fn dump_error(error: &ConnectError) -> String {
    let mut text = format!("ERROR {}: {error}", error.class());
    let mut cause = error.source();
    while let Some(below) = cause {
        cause = below.source();
        let next = cause.map(ToString::to_string);
        match below.downcast_ref::<ConnectError>() {
            Some(error) if next == Some(error.to_string()) => {
                write!(text, " <- {}", error.class()).unwrap();
            }
            Some(error) => write!(text, " <- {}: {error}", error.class()).unwrap(),
            None => write!(text, " <- {below}").unwrap(),
        }
    }
    shortened(text)
}

fn shortened(mut text: String) -> String {
    let source =
        "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: ";
    while let Some(start) = text.find(source) {
        let end = start + text[start..].find(']').unwrap();
        let place = text[start + source.len()..end].replace(", column: ", ":");
        text.replace_range(start..=end, &place);
    }
    // Where a byte is no UTF-8 Java points elsewhere: at the end of a name, or at the buffer's end.
    if text.contains("Invalid UTF-8")
        && let Some(place) = text.find("\n at ")
    {
        text.truncate(place);
    }
    for (long, short) in [
        (
            "Converting byte[] to Kafka Connect data failed due to serialization error: ",
            "CONVERTING",
        ),
        ("org.apache.kafka.connect.errors.", ""),
        ("org.apache.kafka.common.errors.", ""),
        ("com.fasterxml.jackson.core.", ""),
    ] {
        text = text.replace(long, short);
    }
    match text.find("JsonConverter with schemas.enable requires ") {
        Some(start) => format!("{}ENVELOPE", &text[..start]),
        None => text,
    }
}

fn converter(class: &str, settings: &[(&str, &str)]) -> Result<Converter, ConnectError> {
    let settings: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Converter::from_class(class, &settings, ConverterRole::Value).map(Option::unwrap)
}

fn json(settings: &[(&str, &str)]) -> Converter {
    converter("org.apache.kafka.connect.json.JsonConverter", settings).unwrap()
}

fn read_json(converter: &Converter, document: &[u8]) -> String {
    let read = match converter.to_connect("t", Some(document)) {
        Ok(read) => read,
        Err(error) => return dump_error(&error),
    };
    let SchemaAndValue { schema, value } = &read;
    let written = match converter.from_connect("t", schema.as_ref(), value) {
        Ok(Some(bytes)) => String::from_utf8(bytes).unwrap(),
        Ok(None) => "-".to_owned(),
        Err(error) => dump_error(&error),
    };
    let schema = dump_schema(schema.as_ref());
    format!("{schema} {} => {written} => {value}", dump(value))
}

/// Reads a text that is written as its head, what is repeated, how often, the middle, what is repeated as often, the tail.
fn read_long(converter: &Converter, parts: &str) -> String {
    let parts: Vec<&str> = parts.split('|').collect();
    let count = parts[2].parse().unwrap();
    let (one, two) = (parts[1].repeat(count), parts[4].repeat(count));
    let text = [parts[0], &one, parts[3], &two, parts[5]].concat();
    match converter.to_connect("t", Some(text.as_bytes())) {
        Ok(_) => "ok".to_owned(),
        Err(error) => dump_error(&error),
    }
}

#[test]
fn numbers_print_as_in_java() {
    let cases = lines("numbers.tsv").into_iter().map(|line| {
        let mut found = String::new();
        let text = &line[1];
        match line[0].as_str() {
            "d" => {
                let bits = u64::from_str_radix(text, 16).unwrap();
                write_f64(&mut found, f64::from_bits(bits)).unwrap();
            }
            "f" => {
                let bits = u32::from_str_radix(text, 16).unwrap();
                write_f32(&mut found, f32::from_bits(bits)).unwrap();
            }
            "b" => match Decimal::parse(text) {
                Some(number) => {
                    write!(found, "{number} ").unwrap();
                    write_f64(&mut found, number.to_f64()).unwrap();
                    found.push(' ');
                    write_f32(&mut found, number.to_f32()).unwrap();
                    write!(found, " {}", number.to_i64()).unwrap();
                }
                None => found.push_str("NumberFormatException"),
            },
            _ => {
                let millis = text.parse().unwrap();
                calendar::write_date(&mut found, millis).unwrap();
                found.push(' ');
                let moment = calendar::Moment::of(millis);
                moment.write_day(&mut found).unwrap();
                found.push('T');
                moment.write_time(&mut found).unwrap();
            }
        }
        (line[1].clone(), line[2].clone(), found)
    });
    check(cases);
}

#[test]
fn json_is_read_and_written_as_in_java() {
    let content = r#"{"type":"struct","fields":[{"field":"a","type":"int32"}]}"#;
    let converters = BTreeMap::from([
        ("plain", json(&[("schemas.enable", "false")])),
        ("envelope", json(&[])),
        ("nulls", json(&[("replace.null.with.default", "false")])),
        ("numeric", json(&[("decimal.format", "numeric")])),
        ("content", json(&[("schema.content", content)])),
        ("int", json(&[("schema.content", r#"{"type":"int32"}"#)])),
    ]);
    let cases = lines("json.tsv").into_iter().map(|line| {
        if line[0] == "long" {
            let found = read_long(&converters["plain"], &line[1]);
            return (line[1].clone(), line[2].clone(), escaped(&found));
        }
        let document: Vec<u8> = unescaped(&line[1])
            .into_iter()
            .map(|unit| u8::try_from(unit).unwrap())
            .collect();
        let found = escaped(&read_json(&converters[line[0].as_str()], &document));
        let expected = match line[2].split_once("\\u000a at") {
            Some((kept, _)) if kept.contains("Invalid UTF-8") => &kept.to_owned(),
            _ => &line[2],
        };
        // Half a surrogate pair is kept by Java until it is written, here it becomes U+FFFD at once.
        let read = |text: &str| text.split(" => ").next().map(str::to_owned).unwrap();
        if expected.contains("\\ufffd") {
            return (line[1].clone(), read(expected), read(&found));
        }
        // Bytes within other values print as an identity in Java.
        let found = match expected.strip_suffix("=> ?") {
            Some(kept) if found.starts_with(kept) => expected.clone(),
            _ => found,
        };
        (format!("{} {}", line[0], line[1]), expected.clone(), found)
    });
    check(cases);
}

#[test]
fn header_texts_are_taken_for_what_java_takes_them() {
    let simple = HeaderConverter::from_class("SimpleHeader", &BTreeMap::new());
    let simple = simple.unwrap().unwrap();
    let cases = lines("values.tsv").into_iter().map(|line| {
        let text = String::from_utf16(&unescaped(&line[0])).unwrap();
        let read = simple.to_connect_header("t", "h", Some(text.as_bytes()));
        let SchemaAndValue { schema, value } = read.unwrap();
        let written = simple.from_connect_header("t", "h", None, &value).unwrap();
        let written =
            written.map_or_else(|| "-".to_owned(), |bytes| String::from_utf8(bytes).unwrap());
        let schema = dump_schema(schema.as_ref());
        let found = format!("{schema} {} => {written}", dump(&value));
        (line[0].clone(), line[1].clone(), escaped(&found))
    });
    check(cases);
}

/// The values that the generator writes with each converter.
fn objects() -> Vec<Value<'static>> {
    let pair = SchemaBuilder::structure()
        .field("a", Schema::of(SchemaType::Int32))
        .and_then(|builder| builder.field("b", Schema::optional(SchemaType::String)))
        .unwrap()
        .build();
    let mut one = Struct::new(pair.clone()).unwrap();
    one.put("a", Value::Int32(1)).unwrap();
    let mut two = one.clone();
    two.put("b", Value::text("y")).unwrap();
    let mut map = Map::new();
    map.put("k", Value::Float64(1.0));
    vec![
        Value::Null,
        Value::Boolean(true),
        Value::Int8(1),
        Value::Int16(2),
        Value::Int32(3),
        Value::Int64(4),
        Value::Float32(5.5),
        Value::Float64(6.5),
        Value::Float32(f32::NAN),
        Value::text("téxt"),
        Value::Array(vec![Value::Int64(1), Value::text("x")]),
        Value::Map(map),
        Value::Struct(one),
        Value::Struct(two),
        Value::decimal(Decimal::new(150, 2)),
        Value::Date(86_400_000),
        Value::Array(vec![Value::Null]),
        Value::Float64(f64::from_bits(1)),
    ]
}

#[test]
fn other_converters_read_and_write_as_javas() {
    let objects = objects();
    let cases = lines("converters.tsv").into_iter().map(|line| {
        let found = match line[0].as_str() {
            "read" => {
                let converter = converter(&line[1], &[]).unwrap();
                let bytes = (line[2] != "-").then(|| from_hex(&line[2]));
                match converter.to_connect("t", bytes.as_deref()) {
                    Ok(read) => {
                        let schema = dump_schema(read.schema.as_ref());
                        format!("{schema} {}", dump(&read.value))
                    }
                    Err(error) => dump_error(&error),
                }
            }
            "write" => {
                let converter = converter(&line[1], &[]).unwrap();
                let (index, schema) = line[2].split_once(' ').unwrap();
                let schema = (schema == "bytes").then(|| Schema::of(SchemaType::Bytes));
                let value = &objects[index.parse::<usize>().unwrap()];
                match converter.from_connect("t", schema.as_ref(), value) {
                    Ok(bytes) => bytes.map_or_else(|| "-".to_owned(), |bytes| hex(&bytes)),
                    Err(error) => dump_error(&error),
                }
            }
            _ => {
                let content = String::from_utf16(&unescaped(&line[2])).unwrap();
                match converter(&line[1], &[("schema.content", &content)]) {
                    Ok(_) => "ok".to_owned(),
                    Err(error) => dump_error(&error),
                }
            }
        };
        (line[..3].join(" "), line[3].clone(), escaped(&found))
    });
    check(cases);
}

#[test]
fn classes_go_by_their_whole_names_too() {
    for name in ["Long", "LongConverter", &format!("{CLASSES}LongConverter")] {
        assert_eq!(converter(name, &[]).unwrap(), Converter::Long);
    }
}
