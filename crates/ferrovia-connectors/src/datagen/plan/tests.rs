//! Values by their properties, what is refused, and schemas made up at random.

use ferrovia_pipeline::data::validate::validate_value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const RECORDS: usize = 400;

fn record_of(field: &Json) -> String {
    json!({"type": "record", "name": "r", "fields": [{"name": "f", "type": field}]}).to_string()
}

fn plan(field: &Json, made: i64) -> Result<Plan, Fault> {
    Plan::compile(&*Avro::parse(&record_of(field))?, made)
}

/// Values of a field; each is checked to be one of its schema.
fn values_behind(field: &Json, made: i64) -> Vec<Value<'static>> {
    let plan = plan(field, made).unwrap();
    let mut state = plan.state(5);
    let one = |_| {
        let record = plan.next(&mut state);
        validate_value(&plan.schema, &record).unwrap();
        let Value::Struct(record) = record.into_owned() else {
            panic!("no record")
        };
        record.into_parts().1.remove(0)
    };
    (0..RECORDS).map(one).collect()
}

fn values(field: &Json) -> Vec<Value<'static>> {
    values_behind(field, 0)
}

fn with(kind: &str, properties: Json) -> Json {
    json!({"type": kind, "arg.properties": properties})
}

fn texts(field: &Json) -> Vec<String> {
    values(field).iter().map(ToString::to_string).collect()
}

#[test]
fn numbers_are_within_their_range() {
    let range = json!({"range": {"min": -3, "max": 3}});
    let mut ints: Vec<i32> = values(&with("int", range.clone()))
        .iter()
        .map(|value| match value {
            Value::Int32(int) => *int,
            other => panic!("{other:?}"),
        })
        .collect();
    ints.sort_unstable();
    ints.dedup();
    assert_eq!(ints, [-3, -2, -1, 0, 1, 2]);
    for value in values(&with("long", json!({"range": {"min": i64::MAX - 1}}))) {
        assert_eq!(value, Value::Int64(i64::MAX - 1));
    }
    for kind in ["float", "double"] {
        for (range, low, high) in [(range.clone(), -3.0, 3.0), (json!({}), 0.0, 1.0)] {
            for value in values(&with(kind, range.clone())) {
                let number = match value {
                    Value::Float32(number) => f64::from(number),
                    Value::Float64(number) => number,
                    other => panic!("{other:?}"),
                };
                assert!((low..high).contains(&number), "{kind} {number}");
            }
        }
        assert!(values(&with(kind, json!({"range": {}}))).len() == RECORDS);
    }
    let all = values(&json!("long"));
    assert!(
        all.iter()
            .any(|value| matches!(value, Value::Int64(number) if *number < i64::MIN / 2))
    );
}

#[test]
fn odds_decide_on_truth() {
    let truths = |odds: Json| {
        let values = values(&with("boolean", odds));
        values
            .iter()
            .filter(|value| **value == Value::Boolean(true))
            .count()
    };
    assert_eq!(truths(json!({"odds": 0.0})), 0);
    assert_eq!(truths(json!({"odds": 1.0})), RECORDS);
    assert!((20..120).contains(&truths(json!({"odds": 0.15}))));
    assert!((120..280).contains(&truths(json!({}))));
}

#[test]
fn iterations_go_on_begin_anew_and_are_restored() {
    let field = with(
        "int",
        json!({"iteration": {"start": 0, "restart": 5, "step": 2}}),
    );
    let all = values(&field);
    assert_eq!(all[..4], [0, 2, 4, 1].map(Value::Int32));
    assert_eq!(values_behind(&field, 3)[..20], all[3..23]);
    let field = json!({"type": "string", "arg.properties": {"iteration": {"start": 7}, "prefix": "a", "suffix": "z"}});
    assert_eq!(texts(&field)[..2], ["a7z", "a8z"]);
    let field = with("boolean", json!({"iteration": {"start": true}}));
    assert_eq!(values(&field)[..3], [true, false, true].map(Value::Boolean));
    assert_eq!(values_behind(&field, 1)[0], Value::Boolean(false));
    let field = with(
        "double",
        json!({"iteration": {"start": 0, "restart": 1, "step": 0.1}}),
    );
    assert_eq!(values(&field)[3], Value::Float64(0.3));
    let field = with("float", json!({"iteration": {"start": 0.5}}));
    assert_eq!(values(&field)[1], Value::Float32(1.5));
}

#[test]
fn one_schema_that_is_used_twice_counts_on() {
    let counted = json!({"type": "record", "name": "c", "fields": [
        {"name": "n", "type": with("long", json!({"iteration": {"start": 1}}))}]});
    let text = json!({"type": "record", "name": "r", "fields": [
        {"name": "a", "type": counted}, {"name": "b", "type": "c"}]});
    let plan = Plan::compile(&Avro::parse(&text.to_string()).unwrap(), 0).unwrap();
    let Value::Struct(record) = plan.next(&mut plan.state(1)) else {
        panic!("no record")
    };
    let number = |field: &str| record.get(field).unwrap().to_string();
    assert_eq!([number("a"), number("b")], ["Struct{n=1}", "Struct{n=2}"]);
}

#[test]
fn options_are_of_every_kind() {
    for (field, allowed) in [
        (
            with("string", json!({"options": ["a", "b"]})),
            vec!["a", "b"],
        ),
        (with("long", json!({"options": [1, 2]})), vec!["1", "2"]),
        (
            with("double", json!({"options": [1, 2.5]})),
            vec!["1.0", "2.5"],
        ),
        (
            json!({"type": "array", "items": "string", "arg.properties": {"options": [["a"], []]}}),
            vec!["[a]", "[]"],
        ),
        (
            json!({"type": "map", "values": "int", "arg.properties": {"options": [{"k": 1}]}}),
            vec!["{k=1}"],
        ),
        (
            json!({"type": "enum", "name": "e", "symbols": ["A", "B", "C"], "arg.properties": {"options": ["A", "C"]}}),
            vec!["A", "C"],
        ),
        (
            json!({"type": "record", "name": "x", "fields": [
                {"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string"], "default": null}],
                "arg.properties": {"options": [{"a": 1}, {"a": 2, "b": "t"}]}}),
            vec!["Struct{a=1}", "Struct{a=2,b=t}"],
        ),
    ] {
        let mut found = texts(&field);
        found.sort();
        found.dedup();
        let mut allowed = allowed;
        allowed.sort_unstable();
        assert_eq!(found, allowed, "{field}");
    }
}

#[test]
fn options_are_read_from_files() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("options");
    std::fs::write(&file, "\"north\" \"south\"\n").unwrap();
    let field = |encoding| {
        with(
            "string",
            json!({"options": {"file": file, "encoding": encoding}}),
        )
    };
    assert!(
        texts(&field("json"))
            .iter()
            .all(|text| text == "north" || text == "south")
    );
    let refused = plan(&field("binary"), 0).unwrap_err().to_string();
    assert_eq!(
        refused,
        "r.f: encoding binary of options is not supported, json is"
    );
}

#[test]
fn lengths_and_ends_hold() {
    for text in texts(&with(
        "string",
        json!({"length": {"min": 2, "max": 4}, "prefix": "<", "suffix": ">"}),
    )) {
        assert!((4..6).contains(&text.len()), "{text}");
        assert!(text.starts_with('<') && text.ends_with('>') && text.is_ascii());
    }
    for text in texts(&with("string", json!({"regex": "[a-z]+", "length": 3}))) {
        assert_eq!(text.len(), 3);
    }
    for value in values(&with("bytes", json!({"length": 5}))) {
        assert!(matches!(value, Value::Bytes(bytes) if bytes.len() == 5));
    }
    for value in values(&json!({"type": "fixed", "name": "f", "size": 7})) {
        assert!(matches!(value, Value::Bytes(bytes) if bytes.len() == 7));
    }
    for value in values(&json!({"type": "array", "items": "int"})) {
        assert!(matches!(value, Value::Array(items) if (8..16).contains(&items.len())));
    }
    let keys = json!({"length": 3, "keys": {"options": ["a", "b"]}});
    for value in values(&json!({"type": "map", "values": "int", "arg.properties": keys})) {
        assert!(matches!(value, Value::Map(map) if map.len() <= 2 && !map.is_empty()));
    }
}

#[test]
fn unions_are_of_every_member() {
    let found = texts(&json!(["null", with("int", json!({"options": [1]}))]));
    assert!(found.iter().any(|text| text == "1") && found.iter().any(|text| text == "null"));
    let found = texts(&json!([
        "null",
        with("int", json!({"options": [1]})),
        with("string", json!({"options": ["s"]}))
    ]));
    for member in ["null", "Struct{int=1}", "Struct{string=s}"] {
        assert!(found.iter().any(|text| text == member), "{member}");
    }
}

#[test]
fn logical_types_are_connects() {
    let range = json!({"min": 0, "max": 2});
    let logical = |kind: &str, logical: &str| json!({"type": kind, "logicalType": logical, "arg.properties": {"range": range}});
    for (field, day) in [
        (logical("int", "date"), 86_400_000),
        (logical("int", "time-millis"), 1),
        (logical("long", "timestamp-millis"), 1),
    ] {
        let found = values(&field);
        assert!(
            found.contains(&Value::Date(day)) && found.contains(&Value::Date(0)),
            "{field}"
        );
    }
    for precision in [1, 4, 18, 19, 60] {
        let field =
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": 1});
        for value in values(&field) {
            let Value::Decimal(decimal) = value else {
                panic!("{value:?}")
            };
            assert_eq!(decimal.scale, 1);
            let digits = decimal.unscaled.to_string();
            assert!(
                digits.trim_start_matches('-').len() <= precision,
                "{digits}"
            );
        }
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    for (field, reason) in [
        (
            with("int", json!({"range": {"min": 3, "max": 3}})),
            "r.f: min of range is not below its max",
        ),
        (
            with("int", json!({"range": {"min": 1.5}})),
            "r.f: min of range is not a whole number from -2147483648 to 2147483647",
        ),
        (
            with("int", json!({"range": 3})),
            "r.f: range is not an object",
        ),
        (
            with("int", json!({"options": ["a"]})),
            "r.f.options: \"a\" is not a value of int",
        ),
        (
            with("int", json!({"options": [], })),
            "r.f: options are empty",
        ),
        (
            with("int", json!({"options": [1], "range": {}})),
            "r.f: range stands beside options",
        ),
        (
            with("int", json!({"iteration": {"step": 1}})),
            "r.f: iteration has no start",
        ),
        (
            with("bytes", json!({"iteration": {"start": 1}})),
            "r.f: iteration of bytes is not supported",
        ),
    ] {
        assert_eq!(plan(&field, 0).unwrap_err().to_string(), reason, "{field}");
    }
}

#[test]
fn schemas_as_deep_as_they_may_be_are_made() {
    let within =
        |inner, _| json!({"type": "array", "items": inner, "arg.properties": {"length": 1}});
    let deep = (0..46).fold(json!("int"), within);
    assert_eq!(values(&deep).len(), RECORDS);
    assert!(plan(&within(within(deep, 0), 0), 0).is_err());
}

#[test]
fn records_that_cannot_be_made_are_refused() {
    let nested = |items: Json| json!({"type": "array", "items": items, "arg.properties": {"length": 60_000}});
    for (field, reason) in [
        (
            with("string", json!({"regex": "((a?){65536}){65536}"})),
            "r.f: regex ((a?){65536}){65536} cannot be used: a text may take more than 1048576 steps",
        ),
        (
            with("string", json!({"regex": "(((){65536}){2}b)*"})),
            "r.f: regex (((){65536}){2}b)* cannot be used: a text may take more than 1048576 steps",
        ),
        (
            with("string", json!({"regex": "(a"})),
            "r.f: regex (a cannot be used: a group is not closed",
        ),
        (
            with("string", json!({"length": -1})),
            "r.f: length is not a number from 0 on",
        ),
        (
            with("string", json!({"length": {"min": 2, "max": 2}})),
            "r.f: length has a max that is not above its min",
        ),
        (
            with("string", json!({"length": 1_000_000})),
            "r.f: length is more than 65536",
        ),
        (
            with("boolean", json!({"odds": 2})),
            "r.f: odds 2 are not within 0 and 1",
        ),
        (
            with("int", json!(7)),
            "r.f: arg.properties is not an object",
        ),
        (
            nested(nested(json!("int"))),
            "a record may have more than 1048576 values and characters",
        ),
        (
            json!("null"),
            "f: null stands alone, which Connect has no schema for",
        ),
    ] {
        assert_eq!(plan(&field, 0).unwrap_err().to_string(), reason, "{field}");
    }
    let alone = Avro::parse("\"int\"").unwrap();
    assert_eq!(
        Plan::compile(&alone, 0).unwrap_err().to_string(),
        "int is not a record"
    );
}

/// JSON that is nearly a schema.
fn any_schema() -> impl Strategy<Value = Json> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| json!(n)),
        (-5..20_i64).prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        Just(json!("a"))
    ]
    .boxed();
    let bounds =
        (number.clone(), number.clone()).prop_map(|(min, max)| json!({"min": min, "max": max}));
    let property = prop_oneof![
        Just(json!({})),
        bounds.clone().prop_map(|bounds| json!({"range": bounds})),
        bounds.prop_map(|bounds| json!({"length": bounds})),
        number.clone().prop_map(|length| json!({"length": length})),
        (number.clone(), number.clone(), number.clone()).prop_map(|(start, restart, step)| {
            json!({"iteration": {"start": start, "restart": restart, "step": step}})
        }),
        number
            .clone()
            .prop_map(|start| json!({"iteration": {"start": start}})),
        prop::collection::vec(number.clone(), 0..3).prop_map(|options| json!({"options": options})),
        "[a-z\\[\\]{}0-9|()*+?-]{0,8}".prop_map(|regex| json!({"regex": regex, "prefix": "p"})),
        number.clone().prop_map(|odds| json!({"odds": odds})),
    ]
    // Each a box of its own, or the strategy takes more stack than a test has.
    .boxed();
    let kinds = prop::sample::select(vec![
        "null", "boolean", "int", "long", "float", "double", "bytes", "string", "x", "array",
    ]);
    let logical = prop::sample::select(vec![
        "",
        "date",
        "time-millis",
        "timestamp-millis",
        "decimal",
    ]);
    let leaf = (kinds, property.clone(), logical, number.clone(), number).prop_map(
        |(kind, properties, logical, precision, scale)| {
            json!({"type": kind, "arg.properties": properties, "logicalType": logical,
                "precision": precision, "scale": scale})
        },
    );
    leaf.prop_recursive(4, 12, 3, move |inner| {
        let few = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (inner.clone(), property.clone()).prop_map(|(items, properties)| {
                json!({"type": "array", "items": items, "arg.properties": properties})
            }),
            (inner, property.clone()).prop_map(|(values, properties)| {
                json!({"type": "map", "values": values, "arg.properties": properties})
            }),
            few.clone().prop_map(Json::Array),
            (few, "[x-z]").prop_map(|(types, name)| {
                let fields = types.iter().zip(["a", "b", "c"]);
                let fields: Vec<Json> = fields
                    .map(|(kind, name)| json!({"name": name, "type": kind, "default": 0}))
                    .collect();
                json!({"type": "record", "name": name, "fields": fields})
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_schema_is_refused_or_makes_valid_records(field in any_schema(), made in any::<i64>()) {
        if let Ok(plan) = plan(&field, made) {
            let mut state = plan.state(9);
            for _ in 0..3 {
                let record = plan.next(&mut state);
                let valid = validate_value(&plan.schema, &record);
                prop_assert!(valid.is_ok(), "{valid:?}: {field}");
            }
        }
    }
}
