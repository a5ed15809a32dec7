//! Sources: what they say by themselves, and their offsets as users change them. The words are Java's.

use serde_json::{Value, json};

use super::*;
use crate::herder::ConnectorKind;
use crate::herder::request::Change;
use crate::storage::offsets::OffsetStore;

const SOURCE: [(&str, &str); 4] = [
    ("name", "c"),
    ("connector.class", "FileStreamSource"),
    ("topic", "t"),
    ("tasks.max", "2"),
];

fn with(more: &[(&'static str, &'static str)]) -> ConnectorFile {
    let mut settings = SOURCE.to_vec();
    settings.extend(more);
    file(&settings)
}

fn play(test: impl AsyncFnOnce(HerderHandle)) {
    let runner = Runner::reporting(State::Running, "");
    run(&runner, Duration::from_secs(5), test);
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    while !is_so().await {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_source_is_one_in_all_answers() {
    play(async |handle| {
        handle.create(with(&[])).await.unwrap();
        assert_eq!(handle.info("c").await.unwrap().kind, ConnectorKind::Source);
        assert_eq!(
            handle.status("c").await.unwrap().kind,
            ConnectorKind::Source
        );
        handle.stop().await.unwrap();
    });
}

#[test]
fn a_source_that_asks_gets_new_tasks() {
    play(async |handle| {
        handle.create(with(&[("asks", "once")])).await.unwrap();
        until(async || handle.info("c").await.unwrap().tasks.len() == 2).await;
        handle.stop().await.unwrap();
    });
}

#[test]
fn a_source_that_asks_without_end_leaves_time_for_others() {
    play(async |handle| {
        handle
            .create(with(&[("never.rests", "yes")]))
            .await
            .unwrap();
        until(async || handle.info("c").await.unwrap().tasks.len() == 2).await;
        let mut other = with(&[]);
        other.name = "d".to_owned();
        other.settings.insert("name".to_owned(), "d".to_owned());
        handle.create(other).await.unwrap();
        until(async || handle.info("d").await.unwrap().tasks.len() == 1).await;
        handle.stop().await.unwrap();
    });
}

#[test]
fn a_source_that_fails_by_itself_is_failed_and_its_tasks_go_on() {
    play(async |handle| {
        handle.create(with(&[("raises", "gone")])).await.unwrap();
        let is_failed = async || handle.status("c").await.unwrap().connector.state == State::Failed;
        until(is_failed).await;
        let status = handle.status("c").await.unwrap();
        let trace = "org.apache.kafka.connect.errors.ConnectException: gone";
        assert!(status.connector.trace.starts_with(trace), "{status:?}");
        handle.stop().await.unwrap();
    });
}

#[test]
fn groups_of_topics_that_cannot_be_used_fail_the_connector_at_its_start() {
    play(async |handle| {
        let refused = handle.create(with(&[("topic.creation.groups", "a")])).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            "Failed to start connector: c: org.apache.kafka.common.config.ConfigException: Missing required configuration \
             \"topic.creation.default.replication.factor\" which has no default value."
        );
        handle.stop().await.unwrap();
    });
}

fn offset(partition: Value, offset: Value) -> ConnectorOffset {
    ConnectorOffset { partition, offset }
}

async fn alter(handle: &HerderHandle, offsets: Vec<ConnectorOffset>) -> Result<String, String> {
    let name = "c".to_owned();
    message(handle.change(Change::AlterOffsets { name, offsets }).await)
}

async fn reset(handle: &HerderHandle) -> Result<String, String> {
    message(handle.change(Change::ResetOffsets("c".to_owned())).await)
}

fn message(outcome: Result<Outcome, HerderError>) -> Result<String, String> {
    match outcome {
        Ok(Outcome::Message(text)) => Ok(text),
        other => Err(other.unwrap_err().to_string()),
    }
}

async fn stopped(handle: &HerderHandle, more: &[(&'static str, &'static str)]) {
    let mut connector = with(more);
    connector.initial_state = InitialState::Stopped;
    handle.create(connector).await.unwrap();
}

#[test]
fn offsets_of_a_source_that_runs_are_not_changed() {
    play(async |handle| {
        handle.create(with(&[])).await.unwrap();
        let refused = reset(&handle).await.unwrap_err();
        assert!(
            refused.starts_with("Connectors must be in the STOPPED state"),
            "{refused}"
        );
        handle.stop().await.unwrap();
    });
}

#[test]
fn offsets_of_a_source_are_set_shown_and_forgotten() {
    let by_hand = |done| {
        format!(
            "The Connect framework-managed offsets for this connector have been {done} successfully. However, if this \
             connector manages offsets externally, they will need to be manually {done} in the system that the connector \
             uses."
        )
    };
    play(async |handle| {
        stopped(&handle, &[]).await;
        assert_eq!(handle.offsets("c").await.unwrap(), []);
        let a = json!({"filename": "a"});
        let mixed = json!({"position": 7, "text": "x", "part": 1.5, "none": null, "is": true});
        let wanted = vec![
            offset(a.clone(), json!({"position": 28})),
            offset(json!({"filename": "b", "n": 2}), mixed.clone()),
        ];
        assert_eq!(alter(&handle, wanted).await, Ok(by_hand("altered")));
        let shown = handle.offsets("c").await.unwrap();
        let expected = [
            offset(a.clone(), json!({"position": 28})),
            offset(json!({"filename": "b", "n": 2}), mixed),
        ];
        assert_eq!(shown, expected);
        let forgotten = vec![offset(a, Value::Null), offset(Value::Null, Value::Null)];
        assert_eq!(alter(&handle, forgotten).await, Ok(by_hand("altered")));
        assert_eq!(handle.offsets("c").await.unwrap().len(), 1);
        assert_eq!(reset(&handle).await, Ok(by_hand("reset")));
        assert_eq!(handle.offsets("c").await.unwrap(), []);
        assert_eq!(reset(&handle).await, Ok(by_hand("reset")));
        handle.stop().await.unwrap();
    });
}

#[test]
fn offsets_that_make_no_sense_are_refused() {
    play(async |handle| {
        stopped(&handle, &[("external", "yes")]).await;
        let refused = async |partition, position| {
            alter(&handle, vec![offset(partition, position)])
                .await
                .unwrap_err()
        };
        let primitive = "Offsets may only contain primitive types as values, but field";
        assert_eq!(
            refused(json!({"f": [1]}), json!({"p": 1})).await,
            format!("{primitive} f contains ARRAY")
        );
        assert_eq!(
            refused(json!({"f": 1}), json!({"p": {"q": 1}})).await,
            format!("{primitive} p contains MAP")
        );
        assert_eq!(
            refused(
                json!({"f": 1}),
                json!({"p": 18_446_744_073_709_551_615_u64})
            )
            .await,
            format!("{primitive} p contains class java.math.BigInteger")
        );
        assert_eq!(
            refused(Value::Null, json!({"p": 1})).await,
            "Partition objects cannot be null"
        );
        assert_eq!(handle.offsets("c").await.unwrap(), []);
        assert_eq!(
            reset(&handle).await.unwrap(),
            "The offsets for this connector have been reset successfully"
        );
        handle.stop().await.unwrap();
    });
}

#[test]
fn a_source_may_refuse_its_offsets() {
    for (how, expected) in [
        ("all", "none of 1"),
        (
            "ever",
            "Failed to modify offsets for connector c because it doesn't support external modification of offsets",
        ),
    ] {
        play(async |handle| {
            stopped(&handle, &[("refuses", how)]).await;
            let wanted = vec![offset(json!({"f": 1}), json!({"p": 1}))];
            assert_eq!(alter(&handle, wanted).await.unwrap_err(), expected);
            assert_eq!(handle.offsets("c").await.unwrap(), []);
            handle.stop().await.unwrap();
        });
    }
}

#[test]
fn a_connector_that_is_deleted_leaves_its_offsets_behind() {
    play(async |handle| {
        stopped(&handle, &[]).await;
        let wanted = vec![offset(json!({"f": 1}), json!({"p": 1}))];
        alter(&handle, wanted).await.unwrap();
        handle.change(Change::Delete("c".to_owned())).await.unwrap();
        stopped(&handle, &[]).await;
        assert_eq!(handle.offsets("c").await.unwrap().len(), 1);
        handle.stop().await.unwrap();
    });
}

/// Each source waits for its offsets, whose brokers never answer.
#[test]
fn sources_that_wait_for_their_offsets_keep_no_thread_from_others() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut settings = distributed();
        let address = silent.local_addr().unwrap().to_string();
        settings.insert("bootstrap.servers".to_owned(), address);
        let config = DistributedConfig::from_settings(settings).unwrap();
        let runner = Runner::reporting(State::Running, "");
        let mut parts = parts(runner, Duration::from_millis(50));
        parts.source_offsets = OffsetStore::topic(&config).unwrap();
        let (herder, handle) = Herder::new(parts);
        let asking = async {
            let create = async |class: &str, name: &str| {
                let mut connector = with(&[("topics", "t")]);
                connector.name = name.to_owned();
                let settings = [("name", name), ("connector.class", class)];
                let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
                connector.settings.extend(settings);
                handle.create(connector).await
            };
            let sources = async {
                tokio::join!(
                    create("FileStreamSource", "a"),
                    create("FileStreamSource", "b"),
                    create("FileStreamSource", "c")
                )
            };
            tokio::select! {
                _ = sources => panic!("their offsets cannot be read"),
                sink = create("FileStreamSink", "s") => sink.unwrap(),
            }
        };
        let either = Box::pin(async {
            tokio::select! {
                ended = herder.run() => panic!("{ended:?}"),
                () = asking => {}
            }
        });
        tokio::time::timeout(Duration::from_secs(20), either)
            .await
            .unwrap();
    });
}
