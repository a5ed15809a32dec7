//! Transformations, predicates, expressions and date formats against what Java's classes did with the same input.
//!
//! `fixtures/java/TransformCases.java` printed the cases. Every line is one: what went in and what came out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod data;

use std::collections::BTreeMap;

use ferrovia_pipeline::batch::TimestampType;
use ferrovia_pipeline::config::{ConfigDef, ConfigDefault};
use ferrovia_pipeline::data::time::DateFormat;
use ferrovia_pipeline::data::{Headers, Origin, Record, Schema, SchemaAndValue, SchemaType, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::pattern::JavaPattern;
use ferrovia_pipeline::predicate::PredicatePlugin;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_pipeline::transform::{Fate, TransformationPlugin};
use serde_json::{Value as Json, json};

use data::{json_of, read_data};

const CASES: &str = include_str!("../fixtures/transform_cases.jsonl");
/// When the records were made that have a timestamp.
const TIMESTAMP: i64 = 1_700_000_000_123;

fn cases(kind: &str) -> Vec<Json> {
    let lines = CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let cases: Vec<Json> = lines.filter(|case: &Json| case["kind"] == kind).collect();
    assert!(!cases.is_empty(), "no case of {kind}");
    cases
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn settings(case: &Json) -> BTreeMap<String, String> {
    let settings = case["settings"].as_object().unwrap().iter();
    settings
        .map(|(key, value)| (key.clone(), text(value).to_owned()))
        .collect()
}

/// Fails with every case that differs, not with the first alone.
fn report(kind: &str, count: usize, faults: &[String]) {
    let shown = faults
        .iter()
        .take(40)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        faults.is_empty(),
        "{} of {count} {kind} cases differ:\n{shown}",
        faults.len()
    );
}

fn error_json(error: &ConnectError) -> Json {
    json!({"error": error.class(), "message": error.to_string()})
}

fn text_value(text: &'static str) -> SchemaAndValue<'static> {
    SchemaAndValue::new(Schema::of(SchemaType::String), Value::text(text))
}

fn record<'a>(
    origin: &'a TopicPartition,
    key: SchemaAndValue<'a>,
    value: SchemaAndValue<'a>,
    timestamp: Option<i64>,
) -> Record<'a> {
    let mut headers = Headers::new();
    headers.add("h1", text_value("one"));
    headers.add(
        "h2",
        SchemaAndValue::new(Schema::of(SchemaType::Int32), Value::Int32(2)),
    );
    headers.add("h1", text_value("again"));
    Record {
        topic: "orders".into(),
        partition: Some(3),
        key,
        value,
        timestamp,
        headers,
        origin: Origin::Kafka {
            partition: origin,
            offset: 1234,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

fn headers_json(record: &Record<'_>) -> Json {
    let pairs = record.headers.iter();
    pairs
        .map(|header| json!([header.key, json_of(&header.value)]))
        .collect()
}

/// What differs between two records.
fn changes(before: &Record<'_>, after: &Record<'_>) -> Json {
    let mut changes = serde_json::Map::new();
    if before.topic != after.topic {
        changes.insert("topic".into(), json!(after.topic));
    }
    for (name, old, new) in [
        ("key", &before.key, &after.key),
        ("value", &before.value, &after.value),
    ] {
        if json_of(old) != json_of(new) {
            changes.insert(name.into(), json_of(new));
        }
    }
    if headers_json(before) != headers_json(after) {
        changes.insert("headers".into(), headers_json(after));
    }
    Json::Object(changes)
}

fn named_data() -> BTreeMap<String, SchemaAndValue<'static>> {
    let named = cases("data").into_iter();
    named
        .map(|case| (text(&case["name"]).to_owned(), read_data(&case["value"])))
        .collect()
}

#[test]
fn records_are_changed_as_in_java() {
    let (cases, data) = (cases("apply"), named_data());
    let origin = TopicPartition::new("orders", 3);
    let mut faults = Vec::new();
    for case in &cases {
        let class = text(&case["class"]);
        let name = text(&case["data"]);
        let timestamp = (!name.starts_with('@')).then_some(TIMESTAMP);
        let chosen = data[name.trim_start_matches('@')].clone();
        let (key, value) = if class.ends_with("$Key") {
            (chosen, text_value("other"))
        } else {
            (text_value("other"), chosen)
        };
        let before = record(&origin, key, value, timestamp);
        let plugin = TransformationPlugin::find(class).unwrap();
        let result = match (plugin.new)(&settings(case)) {
            Err(error) => json!({"refused": error_json(&error)}),
            Ok(mut transformation) => {
                let mut after = before.clone();
                match transformation.apply(&mut after) {
                    Ok(Fate::Kept) => changes(&before, &after),
                    Ok(Fate::Dropped) => Json::Null,
                    Err(error) => error_json(&error),
                }
            }
        };
        if result != case["result"] {
            faults.push(format!(
                "{class} {} on {name}\n  Java {}\n  here {result}",
                case["settings"], case["result"]
            ));
        }
    }
    report("apply", cases.len(), &faults);
}

#[test]
fn bad_settings_are_refused_as_in_java() {
    let cases = cases("refuse");
    let mut faults = Vec::new();
    for case in &cases {
        let (class, settings) = (text(&case["class"]), settings(case));
        let refused = match TransformationPlugin::find(class) {
            Some(plugin) => (plugin.new)(&settings).err(),
            None => (PredicatePlugin::find(class).unwrap().new)(&settings).err(),
        };
        let result = refused.as_ref().map(error_json);
        if result.as_ref() != Some(&case["result"]) {
            faults.push(format!(
                "{class} {settings:?}\n  Java {}\n  here {result:?}",
                case["result"]
            ));
        }
    }
    report("refuse", cases.len(), &faults);
}

#[test]
fn predicates_hold_as_in_java() {
    let (cases, data) = (cases("test"), named_data());
    let origin = TopicPartition::new("orders", 3);
    for case in &cases {
        let plugin = PredicatePlugin::find(text(&case["class"])).unwrap();
        let predicate = (plugin.new)(&settings(case)).unwrap();
        let value = data[text(&case["data"])].clone();
        let record = record(&origin, SchemaAndValue::NULL, value, Some(1));
        assert_eq!(json!(predicate.test(&record)), case["result"], "{case}");
    }
}

fn definition_of(class: &str) -> ConfigDef {
    match TransformationPlugin::find(class) {
        Some(plugin) => (plugin.config)(),
        None => (PredicatePlugin::find(class).unwrap().config)(),
    }
}

#[test]
fn definitions_are_javas() {
    let mut classes: Vec<String> = Vec::new();
    for case in &cases("config") {
        let class = text(&case["class"]);
        let definition = definition_of(class);
        let keys: Json = definition
            .keys()
            .map(|key| {
                let default = match key.default() {
                    ConfigDefault::Required => json!(false),
                    ConfigDefault::Null => Json::Null,
                    ConfigDefault::Value(value) => json!(value.to_string()),
                };
                let importance = format!("{:?}", key.how_important()).to_uppercase();
                let kind = key.config_type().to_string();
                json!([key.name(), kind, default, importance, key.documentation()])
            })
            .collect();
        assert_eq!(keys, case["keys"], "{class}");
        classes.push(class.to_owned());
    }
    classes.sort();
    let known = ferrovia_pipeline::transform::PLUGINS
        .iter()
        .map(|plugin| plugin.class);
    let mut known: Vec<&str> = known.collect();
    known.extend(
        ferrovia_pipeline::predicate::PLUGINS
            .iter()
            .map(|plugin| plugin.class),
    );
    known.sort_unstable();
    assert_eq!(known, classes);
}

/// What Java compiles and we say that we cannot have.
const UNSUPPORTED: [&str; 2] = ["\\N{SPACE}", "\\X"];

#[test]
fn expressions_match_as_in_java() {
    let texts = cases("texts")[0]["texts"].clone();
    let texts: Vec<&str> = texts.as_array().unwrap().iter().map(text).collect();
    let cases = cases("expression");
    let mut faults = Vec::new();
    for case in &cases {
        let pattern = text(&case["pattern"]);
        let result = match JavaPattern::new(pattern) {
            Err(_) if UNSUPPORTED.contains(&pattern) => continue,
            Err(error) => {
                json!({"kind": "expression", "pattern": pattern, "error": error.to_string()})
            }
            Ok(compiled) => {
                let matched = texts.iter().filter(|text| compiled.matches(text));
                let replaced = texts.iter().filter_map(|text| {
                    let changed = compiled.replace_first(text, "<$0>").unwrap();
                    (changed != **text).then(|| json!([text, changed]))
                });
                let (matched, replaced): (Json, Json) =
                    (matched.copied().collect(), replaced.collect());
                json!({"kind": "expression", "pattern": pattern, "matched": matched, "replaced": replaced})
            }
        };
        if result != *case {
            faults.push(format!("{pattern}\n  Java {case}\n  here {result}"));
        }
    }
    report("expression", cases.len(), &faults);
}

#[test]
fn dates_are_written_as_in_java() {
    let cases = cases("date");
    let mut faults = Vec::new();
    for case in &cases {
        let pattern = text(&case["pattern"]);
        match DateFormat::new(pattern) {
            Err(error) => assert_eq!(json!(error.to_string()), case["error"], "{pattern}"),
            Ok(format) => {
                for pair in case["shown"].as_array().expect(pattern) {
                    let shown = format.format(pair[0].as_i64().unwrap());
                    if json!(shown) != pair[1] {
                        faults.push(format!("{pattern}: {pair}, here {shown}"));
                    }
                }
            }
        }
    }
    report("date", cases.len(), &faults);
}

#[test]
fn dates_are_read_as_in_java() {
    let cases = cases("read");
    let mut faults = Vec::new();
    for case in &cases {
        let pattern = text(&case["pattern"]);
        let format = DateFormat::new(pattern).unwrap();
        for pair in case["results"].as_array().unwrap() {
            let read = format.parse(text(&pair[0]));
            if json!(read) != pair[1] {
                faults.push(format!("{pattern}: {pair}, here {read:?}"));
            }
        }
    }
    report("read", cases.len(), &faults);
}
