//! Validating configurations without creating anything.

use serde_json::json;

use ferrovia_tests::cluster::FILE_SINK;
use ferrovia_tests::http::Request;
use ferrovia_tests::scenario::Script;

use crate::creation::{sink, sink_with, with};

/// Good and bad settings, and bodies that are none.
pub(crate) fn of_settings(script: &mut Script) {
    let path = "/connector-plugins/FileStreamSink/config/validate";
    script.json("PUT", path, sink_with("name", "v"));
    script.json("PUT", path, sink(1));
    script.json("PUT", path, json!({"connector.class": FILE_SINK}));
    script.json(
        "PUT",
        path,
        json!({"connector.class": "FileStreamSink", "name": "v", "topics": "t"}),
    );
    for (key, value) in [
        ("tasks.max", json!("abc")),
        ("tasks.max", json!(0)),
        ("topics", json!("")),
        ("topics.regex", json!("t.*")),
        ("errors.tolerance", json!("some")),
        ("errors.retry.timeout", json!("x")),
        ("key.converter", json!("org.example.Missing")),
        (
            "header.converter",
            json!("org.apache.kafka.connect.converters.LongConverter"),
        ),
        ("transforms", json!("a")),
        ("transforms", json!("a,a")),
        ("predicates", json!("p")),
        ("errors.deadletterqueue.topic.name", json!("t")),
        ("consumer.override.max.poll.records", json!("many")),
        ("consumer.override.unknown", json!("1")),
        ("name", json!("")),
        ("unknown", json!("1")),
    ] {
        script.json("PUT", path, sink_with(key, value));
    }
    let cast = "org.apache.kafka.connect.transforms.Cast$Value";
    let chain = with(
        sink_with("transforms", "cast"),
        "transforms.cast.type",
        cast,
    );
    script.json("PUT", path, &chain);
    let chain = with(chain, "transforms.cast.spec", "a:int32");
    let chain = with(chain, "transforms.cast.predicate", "p");
    script.json("PUT", path, &chain);
    let matches = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";
    let chain = with(with(chain, "predicates", "p"), "predicates.p.type", matches);
    script.json("PUT", path, with(chain, "predicates.p.pattern", "("));
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "7",
        "{\"a\":{}}",
        "{\"a\":null}",
    ] {
        script.json("PUT", path, body);
    }
    script.json("PUT", "/connector-plugins/Other/config/validate", sink(1));
    script.json(
        "PUT",
        "/connector-plugins/FileStreamSinkConnector/config/validate",
        sink(1),
    );
    script.json("PUT", path, json!({"connector.class": "NoSuchConnector"}));
    script.ask(
        Request::new("PUT", path)
            .header("Content-Type", "text/plain")
            .text("{}"),
    );
    script.call("POST", path);
}
