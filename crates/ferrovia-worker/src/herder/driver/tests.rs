//! The driver with a runner that only reports.

use super::*;
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
