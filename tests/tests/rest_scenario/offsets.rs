//! Reading, altering and resetting the offsets of `n`, which is stopped.

use serde_json::{Value, json};

use ferrovia_tests::scenario::Script;

fn one(partition: Value, offset: Value) -> Value {
    json!({"offsets": [{"partition": partition, "offset": offset}]})
}

/// Every kind of wrong partition and offset, then right ones.
pub(crate) fn read_and_changed(script: &mut Script) {
    let path = "/connectors/n/offsets";
    let at = |partition: Value| json!({"kafka_topic": "t", "kafka_partition": partition});
    let to = |offset: Value| json!({"kafka_offset": offset});
    script.get(&[path]);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "{\"offsets\":7}",
        "{\"offsets\":[7]}",
    ] {
        script.json("PATCH", path, body);
    }
    for body in [
        json!({}),
        json!({"offsets": null}),
        json!({"offsets": []}),
        json!({"offsets": [{}]}),
        json!({"offsets": [], "unknown": 1}),
        one(json!(null), to(json!(1))),
        one(json!({}), to(json!(1))),
        one(json!({"kafka_topic": "t"}), to(json!(1))),
        one(json!({"kafka_partition": 0}), to(json!(1))),
        one(
            json!({"kafka_topic": null, "kafka_partition": 0}),
            to(json!(1)),
        ),
        one(
            json!({"kafka_topic": 7, "kafka_partition": 0}),
            to(json!(1)),
        ),
        one(at(json!(null)), to(json!(1))),
        one(at(json!("x")), to(json!(1))),
        one(at(json!(1.5)), to(json!(1))),
        one(at(json!(-1)), to(json!(1))),
        one(at(json!(0)), json!({})),
        one(at(json!(0)), json!({"other": 1})),
        one(at(json!(0)), to(json!(null))),
        one(at(json!(0)), to(json!("x"))),
        one(at(json!(0)), to(json!(1.5))),
        one(at(json!(0)), to(json!(-5))),
        one(
            json!({"kafka_topic": "missing", "kafka_partition": 0}),
            to(json!(1)),
        ),
    ] {
        script.json("PATCH", path, body);
    }
    script.json("PATCH", path, one(at(json!(0)), to(json!(3))));
    script.json("PATCH", path, one(at(json!("1")), to(json!("5"))));
    script.get(&[path]);
    script.json("PATCH", path, one(at(json!(1)), json!(null)));
    script.get(&[path]);
    script.call("POST", path);
    script.call("PUT", path);
    script.call("DELETE", path);
    script.get(&[path]);
    script.call("DELETE", path);
    // What runs from here on reads the topic again.
    script.json("PATCH", path, one(at(json!(0)), to(json!(0))));
}
