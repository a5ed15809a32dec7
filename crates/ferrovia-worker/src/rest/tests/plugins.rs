//! The plugin endpoints: what they refuse before anything is validated, and how answers are formed.

use super::*;

const JSON: &str = "Content-Type: application/json\r\n";
const VALIDATE: &str = "/connector-plugins/FileStreamSink/config/validate";

async fn validate(served: &Served, target: &str, headers: &str, body: &str) -> (String, String) {
    let (status, _, body) = send(served.address, "PUT", target, headers, body).await;
    (status, body)
}

#[test]
fn connectors_are_listed_and_other_plugins_on_request() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let list = async |query: &str| {
            let target = format!("/connector-plugins{query}");
            let (status, _, body) = request(served.address, "GET", &target, "-").await;
            assert_eq!(status, "200");
            body
        };
        let sink = r#"{"class":"org.apache.kafka.connect.file.FileStreamSinkConnector","type":"sink","version":"4.2.0"}"#;
        let connectors = list("").await;
        assert!(connectors.starts_with(&format!("[{sink},")), "{connectors}");
        assert_eq!(list("?connectorsOnly=TRUE").await, connectors);
        assert_eq!(list("?connectorsOnly=").await, connectors);
        assert_eq!(list("/").await, connectors);
        let all = list("?connectorsOnly=false&connectorsOnly=true").await;
        for plugin in [
            r#"{"class":"org.apache.kafka.connect.transforms.Cast$Key","type":"transformation","version":"4.2.0"}"#,
            r#"{"class":"org.apache.kafka.connect.transforms.predicates.HasHeaderKey","type":"predicate","version":"4.2.0"}"#,
            r#"{"class":"org.apache.kafka.connect.storage.StringConverter","type":"converter","version":"4.2.0"}"#,
            r#"{"class":"org.apache.kafka.connect.storage.SimpleHeaderConverter","type":"header_converter","version":"4.2.0"}"#,
        ] {
            assert!(all.contains(plugin), "{plugin}");
        }
    });
}

#[test]
fn definitions_have_javas_members() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let target = "/connector-plugins/FileStreamSink/config";
        let (_, _, body) = request(served.address, "GET", target, "-").await;
        let first = r#"[{"name":"file","type":"STRING","required":false,"default_value":null,"importance":"HIGH","documentation":"","group":null,"order_in_group":-1,"width":"NONE","display_name":"file","dependents":[]},{"name":"name""#;
        assert!(body.starts_with(first), "{body}");
        let (status, _, body) =
            request(served.address, "GET", "/connector-plugins/Nope/config", "-").await;
        assert_eq!(
            (status.as_str(), body.as_str()),
            (
                "404",
                r#"{"error_code":404,"message":"Unknown plugin Nope."}"#
            )
        );
    });
}

#[test]
fn a_validated_configuration_is_answered_in_javas_form() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let body = r#"{"connector.class":"FileStreamSink","tasks.max":0}"#;
        let (status, body) = validate(&served, VALIDATE, JSON, body).await;
        assert_eq!(status, "200");
        let start = r#"{"name":"FileStreamSink","error_count":4,"groups":["Common","Transforms","Predicates","Error Handling"],"configs":[{"definition":{"name":"name","type":"STRING","required":true,"#;
        assert!(body.starts_with(start), "{body}");
        let value = r#""value":{"name":"tasks.max","value":"0","recommended_values":[],"errors":["Invalid value 0 for configuration tasks.max: Value must be at least 1"],"visible":true}}"#;
        assert!(body.contains(value), "{body}");
    });
}

#[test]
fn what_cannot_be_validated_is_refused_as_in_java() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let other = r#"{"connector.class":"FileStreamSource"}"#;
        let missing = r#"{"name":"n"}"#;
        let cases = [
            (
                JSON,
                other,
                "400",
                "Included connector type FileStreamSource does not match request type FileStreamSink",
            ),
            (
                JSON,
                missing,
                "500",
                "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Connector config {name=n} contains no connector type",
            ),
            (
                JSON,
                "",
                "500",
                "Cannot invoke \\\"java.util.Map.get(Object)\\\" because \\\"connectorConfig\\\" is null",
            ),
            (JSON, "null", "500", "Cannot invoke"),
            (
                JSON,
                "[]",
                "500",
                "from Array value (token `JsonToken.START_ARRAY`)",
            ),
            (JSON, "{\"a\":", "500", "Unexpected end-of-input"),
            ("", other, "415", "HTTP 415 Unsupported Media Type"),
            (
                "Content-Type: text/plain\r\n",
                other,
                "415",
                "HTTP 415 Unsupported Media Type",
            ),
        ];
        for (headers, body, status, message) in cases {
            let answer = validate(&served, VALIDATE, headers, body).await;
            assert_eq!(answer.0, status, "{body}: {}", answer.1);
            assert!(answer.1.contains(message), "{body}: {}", answer.1);
        }
    });
}
