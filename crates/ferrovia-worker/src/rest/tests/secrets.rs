//! A value that settings only point to is never shown: not by REST, not in statuses, not in logs.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::set_global_default;

use super::*;

const CANARY: &str = "canary-5d1c77";

/// Keeps everything that is logged, on all threads of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Fields(&mut self.0.lock().unwrap()));
        span::Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Fields(&mut text));
        text.push('\n');
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A worker whose provider `f` reads files.
fn with_provider() -> ConnectorValidator {
    validator(&[
        ("config.providers", "f"),
        (
            "config.providers.f.class",
            "org.apache.kafka.common.config.provider.FileConfigProvider",
        ),
    ])
}

/// What users get to see of a connector whose task fails with the secret in its words.
async fn running(served: &Served, runner: &Runner, common: &[(&str, &str)]) -> Vec<String> {
    let settings = [common, &[("name", "good")]].concat();
    served.herder.create(file(&settings)).await.unwrap();
    while runner.settings().is_empty() {
        tokio::task::yield_now().await;
    }
    let of_task = runner.settings().into_values().next().unwrap();
    assert_eq!(of_task["file"], CANARY, "the task gets the value");
    let task = crate::status::TaskId::new("good", 0);
    let status = async || served.herder.task_status(task.clone()).await.unwrap();
    while status().await.is_none() {
        tokio::task::yield_now().await;
    }
    let mut told = Vec::new();
    for target in [
        "/connectors/good",
        "/connectors/good/config",
        "/connectors/good/tasks",
        "/connectors/good/status",
        "/connectors/good/tasks/0/status",
        "/connectors?expand=info&expand=status",
    ] {
        told.push(request(served.address, "GET", target, "-").await.2);
    }
    told
}

/// What users get to see of connectors that do not start, for the secret is of no use to them.
async fn refused(served: &Served, variable: &str, common: &[(&str, &str)]) -> Vec<String> {
    let mut told = Vec::new();
    for own in [
        [("name", "broken"), ("tells", variable)],
        [("name", "invalid"), ("tasks.max", variable)],
    ] {
        let settings = [common, &own].concat();
        let error = served.herder.create(file(&settings)).await.unwrap_err();
        told.push(error.to_string());
    }
    told.push(
        request(served.address, "GET", "/connectors/broken/status", "-")
            .await
            .2,
    );
    told
}

/// The answers about configurations that have the secret in all sorts of places.
async fn validated(served: &Served, variable: &str) -> Vec<String> {
    let list = variable.replace("password", "list");
    let mut told = Vec::new();
    for (key, value) in [
        ("file", variable),
        ("tasks.max", variable),
        ("topics", &list),
        ("transforms", &list),
        ("key.converter", variable),
        ("consumer.override.client.id", variable),
        ("consumer.override.max.poll.records", variable),
        ("connector.class", variable),
    ] {
        let mut settings = serde_json::json!({
            "name": "n", "connector.class": "FileStreamSink", "topics": "t",
        });
        settings[key] = serde_json::json!(value);
        let target = match key {
            "connector.class" => "/connector-plugins/%7D/config/validate",
            _ => "/connector-plugins/FileStreamSink/config/validate",
        };
        let json = "Content-Type: application/json\r\n";
        let (_, _, body) = send(served.address, "PUT", target, json, &settings.to_string()).await;
        assert!(body.contains("${f:"), "{key}: {body}");
        told.push(body);
    }
    told
}

#[test]
fn a_secret_is_shown_nowhere() {
    let log = Log::default();
    set_global_default(log.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.properties");
    std::fs::write(&path, format!("password={CANARY}\nlist=a,{CANARY}\n")).unwrap();
    let variable = format!("${{f:{}:password}}", path.display());
    run(async {
        let runner = Runner::reporting(State::Failed, "org.x.E: cannot log in with canary-5d1c77");
        let served = serve_with(runner.clone(), with_provider()).await;
        let common = [
            ("connector.class", "FileStreamSink"),
            ("topics", "t"),
            ("file", variable.as_str()),
        ];
        let mut told = running(&served, &runner, &common).await;
        told.extend(refused(&served, &variable, &common).await);
        told.extend(validated(&served, &variable).await);
        for text in &told {
            assert!(!text.contains(CANARY), "{text}");
        }
        let is_told = |what: &str| told.iter().any(|text| text.contains(what));
        assert!(is_told("cannot log in with ${f:"), "{told:?}");
        assert!(is_told("no way to use ${f:"), "{told:?}");
        served.herder.stop().await.unwrap();
    });
    let logged = log.text();
    for line in [
        "Creating connector good",
        "Error while starting connector broken",
    ] {
        assert!(logged.contains(line), "{line} is missing: {logged}");
    }
    assert!(!logged.contains(CANARY), "{logged}");
}
