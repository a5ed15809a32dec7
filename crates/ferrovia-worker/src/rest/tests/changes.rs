//! Every endpoint that changes something, before a herder that a test writes: what it is asked, and what comes of it.

use super::*;
use crate::herder::scripted::{restarting, sink};

fn made(change: &Change) -> Result<Outcome, HerderError> {
    let (info, is_new) = match change {
        Change::Create { name, .. } => (sink(name), true),
        Change::Put { name, .. } => (sink(name), name.starts_with("new")),
        Change::Patch { name, .. } => (sink(name), false),
        Change::RestartMany { name, .. } => return Ok(Outcome::Restarting(restarting(name))),
        Change::AlterOffsets { .. } | Change::ResetOffsets(_) => {
            return Ok(Outcome::Message("done".to_owned()));
        }
        _ => return Ok(Outcome::Done),
    };
    Ok(Outcome::Connector { info, is_new })
}

const INFO: &str =
    r#"{"name":"n","config":{"name":"n"},"tasks":[{"connector":"n","task":0}],"type":"sink"}"#;

#[test]
fn a_connector_is_made_and_its_address_told() {
    run(async {
        let stage = stage(&[], made).await;
        let body = r#"{"name":" n ","config":{"a":1},"initial_state":"paused"} rest"#;
        let (status, head, body) = stage.ask("POST", "/connectors?forward=x", body).await;
        assert_eq!((status, body.as_str()), (201, INFO));
        assert!(
            head.contains("location: http://w/connectors/n\r\n"),
            "{head}"
        );
        assert_eq!(
            stage.last(),
            r#"Some(Create { name: "n", settings: {"a": Some("1"), "name": Some("n")}, initial_state: Some(Paused) })"#
        );
        let body = r#"{"name":"s/l ä?#%","config":{}}"#;
        let (_, head, _) = stage.ask("POST", "/connectors/", body).await;
        let location = "location: http://w/connectors/s/l%20%C3%A4%3F%23%25\r\n";
        assert!(head.contains(location), "{head}");
    });
}

#[test]
fn settings_are_put_and_patched() {
    run(async {
        let stage = stage(&[], made).await;
        let put = stage
            .ask("PUT", "/connectors/n/config", r#"{"a":null}"#)
            .await;
        assert_eq!((put.0, put.2.as_str()), (200, INFO));
        let wanted = r#"Some(Put { name: "n", settings: {"a": None, "name": Some("n")} })"#;
        assert_eq!(stage.last(), wanted);
        let (status, head, _) = stage
            .ask("PUT", "/connectors/new%20%2F/config/", "{}")
            .await;
        assert_eq!(status, 201);
        assert!(
            head.contains("location: http://w/connectors/new%20/\r\n"),
            "{head}"
        );
        assert!(
            stage.last().contains(r#"name: "new /""#),
            "{}",
            stage.last()
        );
        let patch = stage
            .ask("PATCH", "/connectors/n/config", r#"{"b":null,"name":"z"}"#)
            .await;
        assert_eq!((patch.0, patch.2.as_str()), (200, INFO));
        let wanted = r#"Some(Patch { name: "n", patch: {"b": None, "name": Some("z")} })"#;
        assert_eq!(stage.last(), wanted);
    });
}

#[test]
fn states_are_changed_with_javas_statuses() {
    run(async {
        let stage = stage(&[], made).await;
        for (method, target, status, change) in [
            ("PUT", "/connectors/n/pause", 202, r#"Pause("n")"#),
            ("PUT", "/connectors/n/resume", 202, r#"Resume("n")"#),
            ("PUT", "/connectors/n/stop", 204, r#"Stop("n")"#),
            ("DELETE", "/connectors/n", 204, r#"Delete("n")"#),
            ("DELETE", "/connectors/a%2Fb", 204, r#"Delete("a/b")"#),
            ("POST", "/connectors/n/restart", 204, r#"Restart("n")"#),
            (
                "POST",
                "/connectors/n/restart?includeTasks=",
                204,
                r#"Restart("n")"#,
            ),
            (
                "POST",
                "/connectors/n/restart?includeTasks=yes",
                204,
                r#"Restart("n")"#,
            ),
            (
                "PUT",
                "/connectors/n/topics/reset",
                202,
                r#"ResetTopics("n")"#,
            ),
            (
                "PUT",
                "/connectors/n/fence",
                204,
                r#"Fence { name: "n", signature: Signature { authorization: None, algorithm: None, body: [] } }"#,
            ),
            (
                "POST",
                "/connectors/n/tasks/3/restart",
                204,
                r#"RestartTask { connector: "n", task: 3 }"#,
            ),
        ] {
            let (got, _, body) = stage.ask(method, target, "").await;
            assert_eq!((got, body.as_str()), (status, ""), "{target}");
            assert_eq!(stage.last(), format!("Some({change})"), "{target}");
        }
    });
}

#[test]
fn a_restart_of_many_tells_their_states() {
    run(async {
        let stage = stage(&[], made).await;
        let target = "/connectors/n/restart?includeTasks=TRUE&onlyFailed=x";
        let (status, _, body) = stage.ask("POST", target, "").await;
        assert_eq!(status, 202);
        assert_eq!(
            body,
            r#"{"name":"n","connector":{"state":"RESTARTING","worker_id":"w:1","version":"4.2.0"},"tasks":[{"id":0,"state":"RESTARTING","worker_id":"w:1","version":"4.2.0"}],"type":"sink"}"#
        );
        let wanted = r#"Some(RestartMany { name: "n", only_failed: false, include_tasks: true })"#;
        assert_eq!(stage.last(), wanted);
    });
}

#[test]
fn offsets_and_topics_are_told_and_changed() {
    run(async {
        let stage = stage(&[], made).await;
        let (_, _, body) = stage.ask("GET", "/connectors/n/offsets", "").await;
        let told = r#"{"offsets":[{"partition":{"kafka_partition":0,"kafka_topic":"t"},"offset":{"kafka_offset":3}}]}"#;
        assert_eq!(body, told);
        let missing = stage.error("GET", "/connectors/nope/offsets", "").await;
        assert_eq!(missing, (404, "Connector nope not found".to_owned()));
        let (status, _, body) = stage.ask("PATCH", "/connectors/n/offsets", told).await;
        assert_eq!((status, body.as_str()), (200, r#"{"message":"done"}"#));
        let twice = r#"{"offsets":[{"partition":{"a":1},"offset":null},{"partition":{"a":1},"offset":{"b":2}}]}"#;
        stage.ask("PATCH", "/connectors/n/offsets", twice).await;
        let last = stage.last();
        assert_eq!(last.matches("ConnectorOffset {").count(), 1, "{last}");
        assert!(last.contains(r#""b": Number(2)"#), "{last}");
        let (status, _, _) = stage.ask("DELETE", "/connectors/n/offsets", "").await;
        assert_eq!(status, 200);
        let (_, _, body) = stage.ask("GET", "/connectors/n/topics", "").await;
        assert_eq!(body, r#"{"n":{"topics":["a","b"]}}"#);
    });
}

#[test]
fn topics_are_a_secret_where_they_are_not_tracked() {
    run(async {
        let off = stage(&[("topic.tracking.enable", "false")], made).await;
        let refused = (403, "Topic tracking is disabled.".to_owned());
        assert_eq!(off.error("GET", "/connectors/n/topics", "").await, refused);
        assert_eq!(
            off.error("PUT", "/connectors/n/topics/reset", "").await,
            refused
        );
        let fixed = stage(&[("topic.tracking.allow.reset", "false")], made).await;
        let refused = (403, "Topic tracking reset is disabled.".to_owned());
        assert_eq!(
            fixed.error("PUT", "/connectors/n/topics/reset", "").await,
            refused
        );
        assert_eq!(fixed.ask("GET", "/connectors/n/topics", "").await.0, 200);
    });
}

#[test]
fn what_cannot_be_understood_is_refused_in_javas_words() {
    run(async {
        let stage = stage(&[], made).await;
        let mismatch = |a, b| {
            format!(
                "Connector name configuration ({a}) doesn't match connector name in the URL ({b})"
            )
        };
        let no_map =
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null";
        for (method, target, body, status, words) in [
            ("POST", "/connectors", r#"{"name":5,"config":{"name":"6"}}"#, 400, mismatch("6", "5")),
            ("PUT", "/connectors/n/config", r#"{"name":"m"}"#, 400, mismatch("m", "n")),
            ("PUT", "/connectors/n/config", "", 500, no_map.to_owned()),
            ("PUT", "/connectors/n/config", "null", 500, no_map.to_owned()),
            ("POST", "/connectors", r#"{"name":"n"}"#, 500, no_map.to_owned()),
            ("POST", "/connectors", "", 500, "Cannot invoke \"org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest.name()\" because \"createRequest\" is null".to_owned()),
            ("PATCH", "/connectors/n/config", "", 500, "Cannot invoke \"java.util.Map.forEach(java.util.function.BiConsumer)\" because \"patch\" is null".to_owned()),
            ("PATCH", "/connectors/n/offsets", "{}", 400, "Partitions / offsets need to be provided for an alter offsets request".to_owned()),
            ("POST", "/connectors/n/tasks/x/restart", "", 404, "HTTP 404 Not Found".to_owned()),
            ("POST", "/connectors/n/tasks", "", 500, "No content to map due to end-of-input\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1]".to_owned()),
        ] {
            let answer = stage.error(method, target, body).await;
            assert_eq!(answer, (status, words), "{method} {target} {body}");
        }
        assert_eq!(stage.last(), "None");
    });
}

#[test]
fn the_herders_refusals_have_their_statuses() {
    run(async {
        let mut answers = vec![
            (404, HerderError::NotFound("x".into())),
            (400, HerderError::BadRequest("x".into())),
            (409, HerderError::AlreadyExists("x".into())),
            (409, HerderError::Conflict("x".into())),
            (403, HerderError::Forbidden("x".into())),
            (503, HerderError::Unavailable("x".into())),
            (500, HerderError::Config("x".into())),
            (500, HerderError::Failed("x".into())),
        ];
        let expected: Vec<u16> = answers.iter().rev().map(|(status, _)| *status).collect();
        let stage = stage(&[], move |_| Err(answers.pop().unwrap().1)).await;
        for status in expected {
            let answer = stage.error("PUT", "/connectors/n/stop", "").await;
            assert_eq!(answer, (status, "x".to_owned()));
        }
    });
}

#[test]
fn signatures_reach_the_herder_as_they_came() {
    run(async {
        let stage = stage(&[], made).await;
        let signed = |authorization: &str, algorithm: &str| {
            format!(
                "X-Connect-Authorization: {authorization}\r\nX-Connect-Request-Signature-Algorithm: {algorithm}\r\n"
            )
        };
        let ask = async |headers: String, body: &str| {
            let target = "/connectors/n/tasks";
            whole(stage.addresses[0], "POST", target, &headers, body).await
        };
        let (status, _, _) = ask(signed("aGk", "hmacsha256"), r#"[{"a":1,"b":null}]"#).await;
        assert_eq!(status, 204);
        let last = stage.last();
        assert!(last.contains(r#"tasks: [{"a": "1"}], signature: Signature { authorization: Some("aGk"), algorithm: Some("hmacsha256"), body: [91,"#), "{last}");
        let (status, _, body) = ask(signed("aGk=", "Hmacxx"), "[]").await;
        assert_eq!(
            (status, body.as_str()),
            (
                400,
                r#"{"error_code":400,"message":"Algorithm Hmacxx not available"}"#
            )
        );
        let (status, _, body) = ask(signed("?", "HmacSHA256"), "[]").await;
        assert_eq!(
            (status, body.as_str()),
            (
                400,
                r#"{"error_code":400,"message":"Input byte[] should at least have 2 bytes for base64 bytes"}"#
            )
        );
    });
}
