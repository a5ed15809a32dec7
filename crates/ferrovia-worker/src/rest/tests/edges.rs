//! What happens around the endpoints: who may come in, from where, how much they may send, and over what.

use super::*;
use crate::config::listener::Listener;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::rest::client::ClientError;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rest/tests/tls");

fn nothing(_: &Change) -> Result<Outcome, HerderError> {
    Ok(Outcome::Done)
}

fn pem(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

#[test]
fn browsers_are_told_which_pages_may_call() {
    run(async {
        let settings = [
            ("access.control.allow.origin", "http://a.example,http://b.*"),
            ("access.control.allow.methods", "GET,PUT,DELETE"),
        ];
        let stage = stage(&settings, nothing).await;
        let ask = async |method: &str, headers: &str| {
            whole(
                stage.addresses[0],
                method,
                "/connectors/n/topics",
                headers,
                "",
            )
            .await
            .1
        };
        let head = ask("GET", "Origin: http://bcd\r\n").await;
        assert!(head.contains("vary: Origin\r\n"), "{head}");
        assert!(
            head.contains("access-control-allow-origin: http://bcd\r\n"),
            "{head}"
        );
        let head = ask("GET", "Origin: http://c\r\n").await;
        assert!(!head.contains("access-control"), "{head}");
        let first = "Origin: http://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
        let head = ask("OPTIONS", first).await;
        for line in [
            "HTTP/1.1 200 OK",
            "access-control-allow-origin: http://a.example",
            "access-control-allow-methods: GET,PUT,DELETE",
            "access-control-allow-headers: Content-Type",
            "access-control-max-age: 60",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
    });
}

#[test]
fn answers_get_the_headers_that_are_configured() {
    run(async {
        let rules = "add X-One:1, \"set X-Two: a, b\", setDate Expires: 0";
        let stage = stage(&[("response.http.headers.config", rules)], nothing).await;
        for target in ["/health", "/nothing"] {
            let (_, head, _) = stage.ask("GET", target, "").await;
            assert!(
                head.contains("x-one: 1\r\nx-two: a, b\r\nexpires: "),
                "{head}"
            );
            assert!(head.contains(" GMT"), "{head}");
        }
    });
}

#[test]
fn methods_are_told_in_javas_order() {
    run(async {
        let stage = stage(&[], nothing).await;
        for (target, methods) in [
            ("/connectors", "HEAD, POST, GET, OPTIONS"),
            ("/connectors/c1/pause", "OPTIONS, PUT"),
        ] {
            let (status, head, body) = stage.ask("OPTIONS", target, "").await;
            assert_eq!((status, body.as_str()), (200, methods));
            assert!(head.contains("content-type: text/plain\r\n"), "{head}");
            assert!(
                head.contains(&format!("allow: {}\r\n", methods.replace(' ', ""))),
                "{head}"
            );
        }
        assert_eq!(stage.ask("OPTIONS", "/nope", "").await.0, 404);
    });
}

#[test]
fn bodies_have_a_kind_and_a_limit() {
    run(async {
        let stage = stage(&[], nothing).await;
        let at = stage.addresses[0];
        let ask = async |target: &str, headers: &str, body: &str| {
            send(at, "PUT", target, headers, body).await
        };
        let (status, kind, _) =
            ask("/connectors/n/config", "Content-Type: text/plain\r\n", "{}").await;
        assert_eq!((status.as_str(), kind.as_str()), ("415", "-"));
        let (status, kind, _) = ask("/connectors/n/config", "", "{}").await;
        assert_eq!(
            (status.as_str(), kind.as_str()),
            ("415", "application/json")
        );
        let (status, _, _) = ask("/connectors/n/pause", "Content-Type: text/plain\r\n", "{}").await;
        assert_eq!(status, "415");
        let (status, _, _) = ask("/connectors/n/fence", "Content-Type: text/plain\r\n", "{}").await;
        assert_eq!(status, "204");
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
        let json = "Content-Type: application/json; charset=utf-8\r\n";
        let (status, kind, body) = ask("/connectors/n/config", json, &large).await;
        assert_eq!(
            (status.as_str(), kind.as_str()),
            ("413", "application/json")
        );
        assert_eq!(
            body,
            r#"{"error_code":413,"message":"HTTP 413 Payload Too Large"}"#
        );
    });
}

#[test]
fn addresses_that_cannot_be_read_are_refused() {
    run(async {
        let stage = stage(&[], nothing).await;
        for target in [
            "/connectors/%zz/topics",
            "/connectors/%ff/topics",
            "/connectors//topics",
        ] {
            let answer = stage.error("GET", target, "").await;
            assert_eq!(answer, (400, "HTTP 400 Bad Request".to_owned()));
        }
        let (_, _, body) = stage.ask("GET", "/connectors/a%2Fb%3F/topics/", "").await;
        assert_eq!(body, r#"{"a/b?":{"topics":["a","b"]}}"#);
    });
}

#[test]
fn admin_endpoints_have_their_own_listeners_or_none() {
    run(async {
        let own = stage(&[("admin.listeners", "http://127.0.0.1:0")], nothing).await;
        let ask =
            async |at: usize, target: &str| request(own.addresses[at], "GET", target, "-").await.0;
        assert_eq!(ask(0, "/admin/loggers/root").await, "404");
        assert_eq!(ask(1, "/admin/loggers/root").await, "200");
        assert_eq!(ask(1, "/connectors").await, "404");
        assert_eq!(ask(0, "/health").await, "200");
        let off = stage(&[("admin.listeners", "")], nothing).await;
        assert_eq!(off.ask("GET", "/admin/loggers", "").await.0, 404);
    });
}

#[test]
fn levels_are_told_and_set() {
    run(async {
        let stage = stage(&[], nothing).await;
        let ask = async |method: &str, target: &str, body: &str| {
            let (status, _, body) = stage.ask(method, target, body).await;
            format!("{status} {body}")
        };
        let root = "/admin/loggers/root";
        assert_eq!(
            ask("GET", root, "").await,
            r#"200 {"level":"INFO","last_modified":null}"#
        );
        let up = "/admin/loggers/made.up";
        assert_eq!(
            ask("PUT", up, r#"{"level":"trace"}"#).await,
            r#"200 ["made.up"]"#
        );
        assert_eq!(ask("PUT", up, r#"{"level":"TRACE","x":1}"#).await, "200 []");
        let other = "/admin/loggers/made.up?scope=other";
        assert_eq!(
            ask("PUT", other, r#"{"level":"OFF"}"#).await,
            r#"200 ["made.up"]"#
        );
        assert!(
            ask("GET", up, "")
                .await
                .starts_with(r#"200 {"level":"OFF","last_modified":1"#)
        );
        let all = ask("GET", "/admin/loggers/", "").await;
        assert!(
            all.contains(r#""org.apache.kafka.connect":{"level":"INFO","last_modified":null}"#),
            "{all}"
        );
        assert!(!all.contains("made.up"), "{all}");
        let cluster = "/admin/loggers/a.b?scope=Cluster";
        assert_eq!(ask("PUT", cluster, r#"{"level":"warn"}"#).await, "204 ");
        assert_eq!(
            stage.last(),
            r#"Some(LogLevel { namespace: "a.b", level: "WARN" })"#
        );
        for (body, status, words) in [
            (
                "",
                500,
                "Cannot invoke \"java.util.Map.get(Object)\" because \"levelMap\" is null",
            ),
            (
                "{}",
                400,
                "Desired 'level' parameter was not specified in request.",
            ),
            (
                r#"{"level":null}"#,
                400,
                "Desired 'level' parameter was not specified in request.",
            ),
            (r#"{"level":"nope"}"#, 404, "invalid log level 'nope'."),
            (r#"{"level":1}"#, 404, "invalid log level '1'."),
            (r#"{"level":""}"#, 500, "Illegal null or empty Level name."),
        ] {
            assert_eq!(
                stage.error("PUT", up, body).await,
                (status, words.to_owned())
            );
        }
        let missing = stage.error("GET", "/admin/loggers/nope", "").await;
        assert_eq!(missing, (404, "Logger nope not found.".to_owned()));
    });
}

#[test]
fn the_interface_describes_itself() {
    run(async {
        let stage = stage(&[], nothing).await;
        let (status, _, body) = stage.ask("GET", "/openapi.json", "").await;
        assert_eq!(status, 200);
        let described: serde_json::Value = serde_json::from_str(&body).unwrap();
        for (path, methods) in described["paths"].as_object().unwrap() {
            let target = path.replace("{task}", "0").replace(['{', '}'], "");
            let (_, head, _) = stage.ask("OPTIONS", &target, "").await;
            for method in methods.as_object().unwrap().keys() {
                assert!(
                    head.contains(&method.to_uppercase()),
                    "{method} {path}: {head}"
                );
            }
        }
    });
}

#[test]
fn an_extension_that_does_not_exist_is_refused() {
    run(async {
        let config = config(&[("rest.extension.classes", "x.Y")]);
        let error = RestServer::bind(&config).await.unwrap_err();
        assert!(
            error.to_string().contains("Class x.Y could not be found."),
            "{error}"
        );
    });
}

#[test]
fn passwords_are_asked_for_at_every_endpoint() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let names = folder.path().join("names");
        std::fs::write(&names, "user=pass").unwrap();
        let jaas = folder.path().join("jaas");
        let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
        let text = format!(
            "KafkaConnect {{ {module} required file=\"{}\"; }};",
            names.display()
        );
        std::fs::write(&jaas, text).unwrap();
        let class =
            "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
        let settings = [
            ("rest.extension.classes", class),
            ("rest.login.config", jaas.to_str().unwrap()),
        ];
        let stage = stage(&settings, nothing).await;
        let (status, head, body) = stage.ask("GET", "/health", "").await;
        assert_eq!(
            (status, body.as_str()),
            (401, "User cannot access the resource.")
        );
        assert!(
            head.contains("www-authenticate: Basic realm=\"KafkaConnect\""),
            "{head}"
        );
        let user = "Authorization: Basic dXNlcjpwYXNz\r\n";
        let (status, _, _) = whole(stage.addresses[0], "GET", "/health", user, "").await;
        assert_eq!(status, 200);
        assert_eq!(stage.ask("PUT", "/admin/loggers/root", "{}").await.0, 401);
        assert_eq!(stage.ask("GET", "/nothing", "").await.0, 404);
        assert_eq!(stage.ask("DELETE", "/health", "").await.0, 405);
        assert_eq!(stage.ask("OPTIONS", "/health", "").await.0, 401);
        assert_eq!(stage.ask("PUT", "/connectors/n/fence", "").await.0, 204);
    });
}

/// A server that shows `worker.pem` over TLS.
fn tls(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let settings = [
        ("listeners", "https://127.0.0.1:0".to_owned()),
        ("listeners.https.ssl.keystore.type", "PEM".to_owned()),
        (
            "listeners.https.ssl.keystore.certificate.chain",
            one_line("worker.pem"),
        ),
        ("listeners.https.ssl.keystore.key", one_line("worker.key")),
        ("listeners.https.ssl.truststore.type", "PEM".to_owned()),
        ("listeners.https.ssl.truststore.location", pem("ca.pem")),
    ];
    let more = more.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let all = settings.into_iter().chain(more);
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn one_line(name: &str) -> String {
    std::fs::read_to_string(pem(name))
        .unwrap()
        .replace('\n', " ")
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect()
}

async fn fenced(url: &str, client: &[(String, String)]) -> Result<(), ClientError> {
    let client = InternalClient::new(config(&borrowed(client)).tls);
    client
        .fence(url, "n", b"key", MacAlgorithm::HmacSha256)
        .await
}

#[test]
fn workers_talk_over_tls_and_check_each_other() {
    run(async {
        let required = [("listeners.https.ssl.client.auth", "required")];
        let server = stage(&borrowed(&tls(&required)), nothing).await;
        assert!(
            server.url.starts_with("https://127.0.0.1:"),
            "{}",
            server.url
        );
        assert_eq!(fenced(&server.url, &tls(&[])).await, Ok(()));
        // Without a certificate nobody gets in.
        let trusting = [
            ("ssl.truststore.type".to_owned(), "PEM".to_owned()),
            ("ssl.truststore.location".to_owned(), pem("ca.pem")),
        ];
        let refused = fenced(&server.url, &trusting).await.unwrap_err();
        assert!(matches!(refused, ClientError::Unusable(_)), "{refused:?}");
        let nobody = fenced(&server.url, &[]).await.unwrap_err();
        assert!(
            nobody.to_string().contains("ssl.truststore.location"),
            "{nobody}"
        );
    });
}

#[test]
fn the_name_in_a_certificate_counts_unless_it_must_not() {
    run(async {
        let other = [
            (
                "listeners.https.ssl.keystore.certificate.chain",
                one_line("other.pem"),
            ),
            ("listeners.https.ssl.keystore.key", one_line("other.key")),
        ];
        let other: Vec<(&str, &str)> = other.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let server = stage(&borrowed(&tls(&other)), nothing).await;
        let refused = fenced(&server.url, &tls(&[])).await.unwrap_err();
        assert!(refused.to_string().contains("certificate"), "{refused}");
        let any = tls(&[("listeners.https.ssl.endpoint.identification.algorithm", "")]);
        assert_eq!(fenced(&server.url, &any).await, Ok(()));
    });
}

#[test]
fn certificates_that_cannot_be_used_are_refused_at_start() {
    run(async {
        let key = pem("worker.key");
        for (settings, words) in [
            (
                vec![("listeners", "https://127.0.0.1:0")],
                "https needs ssl.keystore.location",
            ),
            (
                vec![
                    ("listeners", "https://127.0.0.1:0"),
                    ("ssl.keystore.location", "/x.jks"),
                ],
                "only PEM is read; turn /x.jks into PEM",
            ),
            (
                vec![
                    ("listeners", "https://127.0.0.1:0"),
                    ("ssl.keystore.type", "PEM"),
                    ("ssl.keystore.location", "/nowhere.pem"),
                ],
                "cannot read /nowhere.pem",
            ),
            (
                vec![
                    ("listeners", "https://127.0.0.1:0"),
                    ("ssl.keystore.type", "PEM"),
                    ("ssl.keystore.location", &key),
                ],
                "there is no certificate in it",
            ),
        ] {
            let error = RestServer::bind(&config(&settings)).await.unwrap_err();
            let text = format!("{error}");
            assert!(text.contains(words), "{text}");
        }
        let plain = config(&[("ssl.keystore.location", "/x.jks")]);
        assert_eq!(
            plain.listeners,
            [Listener::parse("http://127.0.0.1:0").unwrap()]
        );
        RestServer::bind(&plain).await.unwrap();
    });
}

#[test]
fn slow_callers_are_cut_off() {
    run(async {
        let mut server = RestServer::bind(&config(&[])).await.unwrap();
        server.header_timeout = Duration::from_millis(50);
        let address = server.addresses()[0];
        let (herder, _) = scripted(nothing);
        let (_stop, stopping) = watch::channel(false);
        tokio::task::spawn_local(server.serve(herder, None, stopping));
        let asked = "GET /health HTTP/1.1\r\nHost: w\r\n";
        for begun in ["", asked, &format!("{asked}\r\n{asked}X-Slow: ")] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let heard = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer));
            heard.await.expect("the connection ends").unwrap();
            let answers = begun.matches("\r\n\r\n").count();
            assert_eq!(
                answer.matches("HTTP/1.1 200 ").count(),
                answers,
                "{begun}: {answer}"
            );
        }
    });
}

/// Refuses everybody who does not say please.
#[derive(Debug)]
struct Polite;

impl RestExtension for Polite {
    fn filter(&self, request: RequestHead<'_>) -> Option<axum::response::Response> {
        use axum::response::IntoResponse;
        let is_polite = request.uri.query() == Some("please");
        (!is_polite).then(|| axum::http::StatusCode::PAYMENT_REQUIRED.into_response())
    }
}

#[test]
fn an_extension_sees_requests_first() {
    run(async {
        let server = RestServer::bind(&config(&[])).await.unwrap();
        let server = server.with_extension(Arc::new(Polite));
        let address = server.addresses()[0];
        let (herder, _) = scripted(nothing);
        let (_stop, stopping) = watch::channel(false);
        tokio::task::spawn_local(server.serve(herder, None, stopping));
        assert_eq!(request(address, "GET", "/health", "-").await.0, "402");
        assert_eq!(
            request(address, "GET", "/health?please", "-").await.0,
            "200"
        );
    });
}
