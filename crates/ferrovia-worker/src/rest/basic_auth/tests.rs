//! Answers to callers, recorded from Kafka Connect 4.2 but for the header that says what is wanted.

use axum::http::{HeaderMap, Uri};

use super::*;
use crate::config::StandaloneConfig;

fn extension(folder: &std::path::Path, names: &str) -> BasicAuth {
    let file = folder.join("names.properties");
    std::fs::write(&file, names).unwrap();
    let jaas = folder.join("jaas.conf");
    let text = format!(
        "KafkaConnect {{ org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file=\"{}\"; }};",
        file.display()
    );
    std::fs::write(&jaas, text).unwrap();
    let settings = [
        ("bootstrap.servers", "b:1"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("offset.storage.file.filename", "/tmp/o"),
        ("rest.login.config", jaas.to_str().unwrap()),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = StandaloneConfig::from_settings(settings.into()).unwrap();
    BasicAuth::new(&config.worker.rest).unwrap()
}

fn status(extension: &BasicAuth, method: &Method, path: &str, authorization: &str) -> u16 {
    let mut headers = HeaderMap::new();
    if !authorization.is_empty() {
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
    }
    let uri: Uri = path.parse().unwrap();
    let head = RequestHead {
        method,
        uri: &uri,
        headers: &headers,
    };
    extension
        .filter(head)
        .map_or(200, |answer| answer.status().as_u16())
}

#[test]
fn those_come_in_who_know_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let extension = extension(folder.path(), "user=pass\nempty=\n");
    for (authorization, expected) in [
        ("", 401),
        ("Basic dXNlcjpwYXNz", 200),
        ("basic dXNlcjpwYXNz", 200),
        // no, another name, no colon, no name, another scheme
        ("Basic dXNlcjpubw==", 401),
        ("Basic bm86cGFzcw==", 401),
        ("Basic dXNlcg==", 401),
        ("Basic OnBhc3M=", 401),
        ("Bearer x", 401),
        ("Basic", 401),
        ("Basic ", 401),
        // A name that does not exist, with no password.
        ("Basic bm86", 401),
        ("Basic ZW1wdHk6", 200),
        ("Basic ???", 500),
        ("Basic  dXNlcjpwYXNz", 500),
    ] {
        assert_eq!(
            status(&extension, &Method::GET, "/", authorization),
            expected,
            "{authorization}"
        );
    }
    assert_eq!(
        format!("{extension:?}"),
        "BasicAuth { credentials: [2 names] }"
    );
}

#[test]
fn signed_requests_of_workers_need_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let extension = extension(folder.path(), "user=pass");
    for (method, path, expected) in [
        (Method::POST, "/connectors/x/tasks", 200),
        (Method::POST, "/connectors/x%2Fy/tasks/?forward=true", 200),
        (Method::PUT, "/connectors/x/fence", 200),
        (Method::GET, "/connectors/x/tasks", 401),
        (Method::POST, "/connectors/x/fence", 401),
        (Method::POST, "/connectors/x/y/tasks", 401),
        (Method::POST, "/connectors//tasks", 401),
        (Method::POST, "/connectors/x/tasks/0/restart", 401),
    ] {
        assert_eq!(
            status(&extension, &method, path, ""),
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn a_file_without_names_lets_everybody_in() {
    let folder = tempfile::tempdir().unwrap();
    let extension = extension(folder.path(), "# nobody\n");
    assert_eq!(status(&extension, &Method::GET, "/", ""), 200);
}
