//! Schemas as Connect sees them, and what is no schema.

use ferrovia_pipeline::data::{Schema, SchemaType, Value};
use serde_json::{Value as Json, json};

use super::connect::schema_of;
use super::*;

fn schema(json: &Json) -> Schema {
    schema_of(&Avro::parse(&json.to_string()).unwrap()).unwrap()
}

fn parameters(schema: &Schema) -> Vec<String> {
    let parameters = schema.parameters().iter();
    parameters
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

#[test]
fn records_keep_names_docs_and_defaults() {
    let record = schema(
        &json!({"type": "record", "name": "r", "namespace": "n.s", "doc": "A.", "fields": [
            {"name": "a", "type": "int", "doc": "B.", "default": 4},
            {"name": "b", "type": ["null", "string"], "default": null},
            {"name": "c", "type": {"type": "record", "name": "inner", "fields": []}},
            {"name": "d", "type": "inner"},
            {"name": "e", "type": "int", "default": "no int"},
        ]}),
    );
    assert_eq!(record.name(), Some("n.s.r"));
    assert_eq!(
        parameters(&record),
        [
            "io.confluent.connect.avro.record.doc=A.",
            "io.confluent.connect.avro.field.doc.a=B."
        ]
    );
    let field = |name| record.field(name).unwrap().schema.clone();
    assert_eq!(field("a").default_value(), Some(&Value::Int32(4)));
    assert_eq!(
        parameters(&field("a")),
        ["io.confluent.connect.avro.field.default=true"]
    );
    assert_eq!(field("b"), Schema::optional(SchemaType::String));
    assert_eq!(field("c").name(), Some("n.s.inner"));
    assert_eq!(field("c"), field("d"));
    assert_eq!(field("e").default_value(), None);
}

#[test]
fn enums_and_fixed_have_their_parameters() {
    let sides = schema(
        &json!({"type": "enum", "name": "x.Side", "symbols": ["BUY", "SELL"], "doc": "D.", "default": "BUY"}),
    );
    assert_eq!(
        (sides.schema_type(), sides.name()),
        (SchemaType::String, Some("x.Side"))
    );
    assert_eq!(
        parameters(&sides),
        [
            "io.confluent.connect.avro.enum.doc.Side=D.",
            "io.confluent.connect.avro.enum.default.Side=BUY",
            "io.confluent.connect.avro.Enum=x.Side",
            "io.confluent.connect.avro.Enum.BUY=BUY",
            "io.confluent.connect.avro.Enum.SELL=SELL",
        ]
    );
    let fixed = schema(&json!({"type": "fixed", "name": "f", "size": 4}));
    assert_eq!(
        (fixed.schema_type(), fixed.name()),
        (SchemaType::Bytes, Some("f"))
    );
    assert_eq!(parameters(&fixed), ["connect.fixed.size=4"]);
}

#[test]
fn unions_are_structs_unless_null_is_the_other_member() {
    let union = schema(&json!(["null", "int", {"type": "record", "name": "n.r", "fields": []}]));
    assert_eq!(union.name(), Some("io.confluent.connect.avro.Union"));
    assert!(union.is_optional());
    let names: Vec<&str> = union.fields().iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["int", "r"]);
    assert!(
        union
            .fields()
            .iter()
            .all(|field| field.schema.is_optional())
    );
    assert_eq!(schema(&json!(["string"])), Schema::of(SchemaType::String));
    assert_eq!(
        schema(&json!(["long", "null"])),
        Schema::optional(SchemaType::Int64)
    );
}

#[test]
fn logical_and_connect_types_are_known() {
    let decimal =
        schema(&json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}));
    assert_eq!(
        parameters(&decimal),
        ["scale=2", "connect.decimal.precision=4"]
    );
    assert_eq!(decimal.version(), Some(1));
    let kind = |json: &Json| schema(json).schema_type();
    assert_eq!(
        kind(&json!({"type": "int", "connect.type": "int8"})),
        SchemaType::Int8
    );
    assert_eq!(
        kind(&json!({"type": "long", "logicalType": "timestamp-micros"})),
        SchemaType::Int64
    );
    let more = schema(
        &json!({"type": "string", "connect.name": "c", "connect.version": 3, "connect.doc": "d",
        "connect.parameters": {"k": "v"}, "avro.java.string": "String"}),
    );
    assert_eq!(
        (more.name(), more.version(), more.doc()),
        (Some("c"), Some(3), Some("d"))
    );
    assert_eq!(parameters(&more), ["k=v", "avro.java.string=String"]);
}

#[test]
fn what_is_no_schema_is_refused() {
    let deep = (0..200).fold(json!("int"), |inner, n| match n % 2 {
        0 => json!({"type": "array", "items": inner}),
        _ => json!({"type": "map", "values": inner}),
    });
    let chain: Vec<Json> = (0..60)
        .map(|n| {
            json!({"type": "record", "name": format!("c{n}"), "fields": match n {
                0 => json!([]),
                n => json!([{"name": "f", "type": format!("c{}", n - 1)}]),
            }})
        })
        .collect();
    let field = |kind: Json| json!({"type": "record", "name": "r", "fields": [{"name": "a", "type": kind}]});
    for (json, reason) in [
        (json!(7), "7 is not a schema"),
        (json!({}), "a schema has no type"),
        (field(json!("number")), "r.a: number is not a known type"),
        (
            field(json!(["null", "r"])),
            "r.a: r holds itself: recursive schemas are not supported",
        ),
        (field(json!([])), "r.a: a union has no members"),
        (
            field(json!(["int", "int"])),
            "r.a: int stands twice in a union",
        ),
        (
            field(json!({"type": "array"})),
            "r.a: array schema without items",
        ),
        (
            json!({"type": "record", "fields": []}),
            "record schema without a name",
        ),
        (
            json!({"type": "record", "name": "r"}),
            "r: record schema without fields",
        ),
        (
            json!({"type": "record", "name": "1r", "fields": []}),
            "\"1r\" is not a name",
        ),
        (
            json!({"type": "enum", "name": "e", "symbols": ["A", "A"]}),
            "an enum's symbols are none, or one stands twice",
        ),
        (
            Json::Array(chain),
            "more than 48 schemas stand in each other",
        ),
    ] {
        let refused = Avro::parse(&json.to_string()).unwrap_err().to_string();
        assert!(refused.ends_with(reason), "{refused}");
    }
    assert!(Avro::parse(&deep.to_string()).is_err());
    assert!(Avro::parse("{").is_err());
}

#[test]
fn schemas_that_use_others_again_and_again_are_bounded() {
    let mut fields =
        vec![json!({"name": "f0", "type": {"type": "record", "name": "c0", "fields": []}})];
    for n in 1..30 {
        let before = format!("c{}", n - 1);
        let twice = json!([{"name": "a", "type": before}, {"name": "b", "type": before}]);
        let record = json!({"type": "record", "name": format!("c{n}"), "fields": twice});
        fields.push(json!({"name": format!("f{n}"), "type": record}));
    }
    let avro =
        Avro::parse(&json!({"type": "record", "name": "r", "fields": fields}).to_string()).unwrap();
    let refused = schema_of(&avro).unwrap_err().to_string();
    assert!(
        refused.ends_with("a record has more than 10000 values"),
        "{refused}"
    );
}
