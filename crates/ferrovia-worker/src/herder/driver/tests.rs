//! The driver with a runner that only reports.

mod sources;

use std::collections::BTreeMap;

use super::*;
use crate::config::ConnectorFile;
use crate::config::DistributedConfig;
use crate::herder::machine::ClusterRules;
use crate::herder::testing::{Runner, file, parts};
use crate::status::State;

const SINK: [(&str, &str); 4] = [
    ("name", "s"),
    ("connector.class", "FileStreamSink"),
    ("topics", "t"),
    ("tasks.max", "2"),
];

fn run(runner: &Runner, stop_timeout: Duration, test: impl AsyncFnOnce(HerderHandle)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (herder, handle) = Herder::new(parts(runner.clone(), stop_timeout));
    let deadline = Duration::from_secs(20);
    runtime.block_on(async {
        let both = async { tokio::join!(herder.run(), test(handle)) };
        let (herding, ()) = tokio::time::timeout(deadline, both).await.unwrap();
        herding.unwrap();
    });
}

#[test]
fn a_created_connector_has_its_tasks_begun_with_their_settings() {
    let runner = Runner::reporting(State::Running, "");
    run(&runner, Duration::from_secs(5), async |handle| {
        handle.create(file(&SINK)).await.unwrap();
        assert_eq!(handle.info("s").await.unwrap().tasks.len(), 2);
        while runner.settings().len() < 2 {
            tokio::task::yield_now().await;
        }
        let settings = runner.settings();
        assert!(settings.values().all(|task| task["topics"] == "t"));
        handle.stop().await.unwrap();
    });
}

#[test]
fn a_connector_that_fails_to_start_fails_its_creation() {
    let runner = Runner::reporting(State::Running, "");
    run(&runner, Duration::from_secs(5), async |handle| {
        let settings = [
            ("name", "b"),
            ("connector.class", "Broken"),
            ("topics", "t"),
        ];
        let error = handle
            .create(file(&settings))
            .await
            .unwrap_err()
            .to_string();
        let expected = "Failed to start connector: b: \
                        org.apache.kafka.connect.errors.ConnectException: no way";
        assert_eq!(error, expected);
        assert_eq!(
            handle.status("b").await.unwrap().connector.state,
            State::Failed
        );
        handle.stop().await.unwrap();
    });
}

#[test]
fn stopping_does_not_wait_for_deaf_tasks_beyond_the_limit() {
    run(&Runner::deaf(), Duration::from_millis(50), async |handle| {
        handle.create(file(&SINK)).await.unwrap();
        handle.stop().await.unwrap();
        assert_eq!(handle.overview().await, Err(HerderError::Stopping));
    });
}

#[test]
fn a_connector_that_panics_fails_alone() {
    let runner = Runner::reporting(State::Running, "");
    run(&runner, Duration::from_secs(5), async |handle| {
        let mut settings = SINK.to_vec();
        settings.push(("panics", "yes"));
        let error = handle
            .create(file(&settings))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("panicked while it started"), "{error}");
        assert_eq!(
            handle.status("s").await.unwrap().connector.state,
            State::Failed
        );
        handle.stop().await.unwrap();
    });
}

/// A worker of a cluster whose topics are opened by `opening`.
fn in_cluster(opening: Opening) -> (Herder<Runner>, HerderHandle) {
    let runner = Runner::reporting(State::Running, "");
    let mut parts = parts(runner, Duration::from_secs(5));
    let config = DistributedConfig::from_settings(distributed()).unwrap();
    parts.rules.cluster = Some(ClusterRules {
        gives_exactly_once: false,
        has_transactional_leader: false,
        url: "http://w:1/".into(),
        protocol: config.protocol,
        rebalance_delay_max: config.rebalance_delay_max,
        sync_timeout: config.sync_timeout,
        unsync_backoff: config.unsync_backoff,
        signatures: config.signatures,
    });
    parts.cluster = Some(opening);
    Herder::new(parts)
}

/// The settings of a worker of a cluster.
fn distributed() -> BTreeMap<String, String> {
    let settings = [
        ("bootstrap.servers", "127.0.0.1:1"),
        ("group.id", "g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
    ];
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let deadline = Duration::from_secs(20);
    runtime.block_on(async { tokio::time::timeout(deadline, test).await.unwrap() });
}

#[test]
fn users_are_answered_while_the_topics_are_opened_and_the_worker_can_end() {
    let (herder, handle) = in_cluster(Box::pin(std::future::pending()));
    block_on(async {
        let asking = async {
            handle.ready().await.unwrap();
            assert_eq!(handle.is_ready(Duration::from_secs(5)).await, Ok(false));
            assert!(handle.overview().await.unwrap().is_empty());
            let stage = handle.stage().unwrap();
            let expected = "The worker is currently initializing and reading to the end of internal topics, which began at ";
            assert!(stage.starts_with(expected), "{stage}");
            handle.stop().await.unwrap();
        };
        let (ended, ()) = tokio::join!(herder.run(), asking);
        assert_eq!(ended, Ok(()));
    });
}

#[test]
fn topic_that_cannot_be_opened_ends_the_worker_with_the_reason() {
    let (herder, handle) = in_cluster(Box::pin(async { Err("no such topic".to_owned()) }));
    block_on(async {
        assert_eq!(herder.run().await, Err("no such topic".to_owned()));
        assert_eq!(handle.overview().await, Err(HerderError::Stopping));
    });
}
