//! The offsets of sinks, read and changed in a real consumer group at the embedded broker, with a connector that answers
//! as its settings say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrovia_broker::{ApiKey, BrokerConfig, EmbeddedBroker, Fault, Times};
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::group::{GroupMembership, Subscription};
use ferrovia_client::settings::ConsumerSettings;
use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::SinkTask;
use ferrovia_worker::config::Settings;
use ferrovia_worker::config::worker::StandaloneConfig;
use ferrovia_worker::herder::offsets::ConnectorOffsets;
use ferrovia_worker::herder::{ConnectorCatalog, ConnectorOffset, ConnectorValidator, HerderError};
use ferrovia_worker::storage::offsets::OffsetStore;
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(20);
const NAME: &str = "s";
const ALTERED: &str = "The offsets for this connector have been altered successfully";
const RESET: &str = "The offsets for this connector have been reset successfully";
const NOT_FOUND_CODE: i16 = 69;
const NOT_COORDINATOR_CODE: i16 = 16;
const SUBSCRIBED_CODE: i16 = 86;
const FORBIDDEN_CODE: i16 = 30;

/// What a connector is told.
type Told = BTreeMap<(String, i32), Option<i64>>;

/// What connectors were told, by the setting `mark` of each test.
static TOLD: Mutex<BTreeMap<String, Vec<Told>>> = Mutex::new(BTreeMap::new());

/// Answers as its setting `answer` says.
struct Keeper;

impl SinkConnector for Keeper {
    fn config(&self) -> ConfigDef {
        ConfigDef::new()
    }

    fn start(&mut self, _: &BTreeMap<String, String>) -> Result<(), ConnectError> {
        panic!("nobody starts it");
    }

    fn task_configs(&self, _: usize) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        panic!("nobody starts it");
    }

    fn task(&self) -> Box<dyn SinkTask> {
        panic!("nobody starts it");
    }

    fn alter_offsets(
        &mut self,
        settings: &BTreeMap<String, String>,
        offsets: &Told,
    ) -> Result<bool, ConnectError> {
        let mark = settings.get("mark").cloned().unwrap_or_default();
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(mark).or_default().push(offsets.clone());
        drop(told);
        match settings.get("answer").map_or("", String::as_str) {
            "true" => Ok(true),
            "false" => Ok(false),
            "refused" => Err(ConnectError::failed("not below 7")),
            "unsupported" => Err(ConnectError::java(
                "java.lang.UnsupportedOperationException",
                "never",
            )),
            "wrong" => Err(ConnectError::java("java.lang.IllegalStateException", "oh")),
            _ => panic!("the connector panics"),
        }
    }
}

struct Catalog([ConnectorPlugin; 1]);

impl ConnectorCatalog for Catalog {
    fn connectors(&self) -> &[ConnectorPlugin] {
        &self.0
    }
}

/// A broker with the topics `t` (three partitions) and `u` (one), and a worker's offsets.
struct Stage {
    broker: EmbeddedBroker,
    offsets: ConnectorOffsets,
}

impl Stage {
    async fn new() -> Self {
        let broker = EmbeddedBroker::start(BrokerConfig {
            listen: "127.0.0.1:0".to_owned(),
            group_initial_rebalance_delay: Duration::ZERO,
            ..BrokerConfig::default()
        });
        let broker = broker.await.unwrap();
        assert!(broker.create_topic("t", 3) && broker.create_topic("u", 1));
        let offsets = offsets(&broker.address().to_string(), "All");
        Self { broker, offsets }
    }

    async fn read(&self, settings: &[(&str, &str)]) -> Result<Vec<String>, HerderError> {
        let read = self.offsets.read(NAME.into(), connector(settings));
        let shown = |entry: ConnectorOffset| format!("{} {}", entry.partition, entry.offset);
        Ok(in_time(read).await?.into_iter().map(shown).collect())
    }

    async fn modify(
        &self,
        settings: &[(&str, &str)],
        offsets: Option<Vec<ConnectorOffset>>,
    ) -> Result<String, HerderError> {
        let settings = Arc::new(connector(settings));
        in_time(self.offsets.modify(NAME.into(), settings, offsets)).await
    }

    /// Sets offsets of the partitions of `t` in order, and of no others.
    async fn set(&self, settings: &[(&str, &str)], offsets: &[i64]) {
        let offsets: Vec<_> = (0_i32..)
            .zip(offsets)
            .map(|(partition, offset)| entry("t", partition, Some(*offset)))
            .collect();
        assert_eq!(self.modify(settings, Some(offsets)).await.unwrap(), ALTERED);
    }

    fn committed(&self) -> [Option<i64>; 3] {
        [0, 1, 2].map(|partition| self.broker.committed_offset("connect-s", "t", partition))
    }

    async fn end(self) {
        tokio::time::timeout(DEADLINE, self.broker.stop())
            .await
            .unwrap();
    }
}

fn offsets(bootstrap: &str, policy: &str) -> ConnectorOffsets {
    let bytes = "org.apache.kafka.connect.converters.ByteArrayConverter";
    let settings = [
        ("bootstrap.servers", bootstrap),
        ("key.converter", bytes),
        ("value.converter", bytes),
        ("offset.storage.file.filename", "unused"),
        ("connector.client.config.override.policy", policy),
        ("admin.retry.backoff.ms", "10"),
        ("admin.reconnect.backoff.ms", "10"),
        ("admin.default.api.timeout.ms", "15000"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let worker = StandaloneConfig::from_settings(settings.into())
        .unwrap()
        .worker;
    let worker = Arc::new(worker);
    let catalog = Catalog([ConnectorPlugin {
        class: "keeper.KeeperConnector",
        task_class: "keeper.KeeperTask",
        version: "1",
        factory: ConnectorFactory::Sink(|| Box::new(Keeper)),
    }]);
    let validator = ConnectorValidator::new(Arc::new(catalog), Arc::clone(&worker));
    ConnectorOffsets::new(worker, Arc::new(validator), OffsetStore::in_memory())
}

/// The settings of a connector: the least, and these.
fn connector(settings: &[(&str, &str)]) -> Settings {
    let least = [
        ("name", NAME),
        ("connector.class", "KeeperConnector"),
        ("topics", "t"),
        ("answer", "true"),
    ];
    let all = least.iter().chain(settings);
    let all: BTreeMap<String, String> = all
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    all.into()
}

fn entry(topic: &str, partition: i32, offset: Option<i64>) -> ConnectorOffset {
    ConnectorOffset {
        partition: json!({"kafka_topic": topic, "kafka_partition": partition}),
        offset: offset.map_or(Value::Null, |offset| json!({"kafka_offset": offset})),
    }
}

async fn in_time<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    // On another task, as a herder does it.
    let running = tokio::spawn(future);
    tokio::time::timeout(DEADLINE, running)
        .await
        .unwrap()
        .unwrap()
}

fn failed<T>(text: &str) -> Result<T, HerderError> {
    Err(HerderError::Failed(text.to_owned()))
}

fn busy(verb: &str) -> String {
    format!(
        "Failed to {verb} consumer group offsets for connector s either because its tasks haven't stopped completely yet \
         or the connector was resumed before the request to {verb} its offsets could be successfully completed. If the \
         connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the \
         Connect cluster may need to be restarted to get rid of the zombie sink tasks."
    )
}

fn told(mark: &str) -> Vec<Told> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.get(mark).cloned().unwrap_or_default()
}

#[tokio::test]
async fn offsets_are_set_forgotten_and_shown_in_order() {
    let stage = Stage::new().await;
    assert_eq!(stage.read(&[]).await, Ok(Vec::new()));
    stage.set(&[], &[5, 6, 7]).await;
    let change = vec![
        entry("u", 0, Some(1)),
        entry("t", 2, Some(9)),
        entry("t", 1, None),
    ];
    let mark = [("mark", "alter")];
    assert_eq!(stage.modify(&mark, Some(change)).await.unwrap(), ALTERED);
    assert_eq!(
        stage.read(&[]).await.unwrap(),
        [
            r#"{"kafka_topic":"t","kafka_partition":0} {"kafka_offset":5}"#,
            r#"{"kafka_topic":"t","kafka_partition":2} {"kafka_offset":9}"#,
            r#"{"kafka_topic":"u","kafka_partition":0} {"kafka_offset":1}"#,
        ]
    );
    let expected = Told::from([
        (("t".to_owned(), 1), None),
        (("t".to_owned(), 2), Some(9)),
        (("u".to_owned(), 0), Some(1)),
    ]);
    assert_eq!(told("alter"), [expected]);
    stage.end().await;
}

#[tokio::test]
async fn reset_forgets_everything_and_may_be_repeated() {
    let stage = Stage::new().await;
    stage.set(&[], &[5, 6]).await;
    for _ in 0..2 {
        let mark = [("mark", "reset")];
        assert_eq!(stage.modify(&mark, None).await.unwrap(), RESET);
        assert_eq!(stage.committed(), [None; 3]);
    }
    let expected = Told::from([(("t".to_owned(), 0), None), (("t".to_owned(), 1), None)]);
    assert_eq!(told("reset"), [expected, Told::new()]);
    stage.end().await;
}

#[tokio::test]
async fn group_may_be_the_users_own() {
    let stage = Stage::new().await;
    let own = [("consumer.override.group.id", "mine")];
    stage.set(&own, &[5]).await;
    assert_eq!(stage.broker.committed_offset("mine", "t", 0), Some(5));
    assert_eq!(stage.read(&[]).await, Ok(Vec::new()));
    assert_eq!(stage.read(&own).await.unwrap().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn user_hears_of_offsets_that_the_connector_may_keep() {
    let stage = Stage::new().await;
    let quiet = [("answer", "false")];
    let expected = |done: &str| {
        format!(
            "The Connect framework-managed offsets for this connector have been {done} successfully. However, if this \
             connector manages offsets externally, they will need to be manually {done} in the system that the \
             connector uses."
        )
    };
    let one = vec![entry("t", 0, Some(3))];
    let altered = stage.modify(&quiet, Some(one)).await;
    assert_eq!(altered.unwrap(), expected("altered"));
    assert_eq!(stage.modify(&quiet, None).await.unwrap(), expected("reset"));
    stage.end().await;
}

#[tokio::test]
async fn connector_that_refuses_keeps_its_offsets() {
    let stage = Stage::new().await;
    stage.set(&[], &[5]).await;
    let no_more = "Failed to modify offsets for sink connector s";
    for (answer, expected) in [
        ("refused", "not below 7"),
        (
            "unsupported",
            "Failed to modify offsets for connector s because it doesn't support external modification of offsets",
        ),
        ("wrong", no_more),
        ("panics", no_more),
    ] {
        let settings = [("answer", answer)];
        let one = vec![entry("t", 0, Some(3))];
        assert_eq!(stage.modify(&settings, Some(one)).await, failed(expected));
        assert_eq!(stage.modify(&settings, None).await, failed(expected));
        assert_eq!(stage.committed(), [Some(5), None, None]);
    }
    stage.end().await;
}

#[tokio::test]
async fn tasks_in_the_group_are_in_the_way() {
    let stage = Stage::new().await;
    stage.set(&[], &[5, 6]).await;
    let consumer = ConsumerSettings::from_properties(&BTreeMap::from([
        (
            "bootstrap.servers".to_owned(),
            stage.broker.address().to_string(),
        ),
        ("group.id".to_owned(), "connect-s".to_owned()),
    ]));
    let consumer = consumer.unwrap();
    let cluster = Cluster::new(consumer.client.clone(), FramePool::new(1 << 16));
    let subscription = Subscription::Topics(vec!["t".to_owned()]);
    let (member, _events) = GroupMembership::join(cluster, &consumer, subscription).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while stage.broker.group_members("connect-s").is_empty() {
        assert!(Instant::now() < deadline, "never joined");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for change in [entry("t", 0, Some(1)), entry("t", 0, None)] {
        let altered = stage.modify(&[], Some(vec![change])).await;
        assert_eq!(altered, failed(&busy("alter")));
    }
    assert_eq!(stage.modify(&[], None).await, failed(&busy("reset")));
    assert_eq!(stage.committed(), [Some(5), Some(6), None]);
    assert_eq!(stage.read(&[]).await.unwrap().len(), 2);
    member.leave().await;
    assert_eq!(stage.modify(&[], None).await.unwrap(), RESET);
    stage.end().await;
}

#[tokio::test]
async fn offsets_that_make_no_sense_change_nothing() {
    let stage = Stage::new().await;
    stage.set(&[], &[5]).await;
    let mut one = entry("t", 0, Some(1));
    one.offset = json!({"kafka_offset": "many"});
    let expected = "Failed to parse the following Kafka offset value in the provided offsets: 'many'. Offset values for \
                    sink connectors need to be integers.";
    let mark = [("mark", "senseless")];
    assert_eq!(
        stage.modify(&mark, Some(vec![one])).await,
        Err(HerderError::BadRequest(expected.to_owned()))
    );
    assert_eq!(told("senseless"), Vec::<Told>::new());
    let below_zero = vec![entry("t", 0, Some(-1))];
    assert_eq!(
        stage.modify(&[], Some(below_zero)).await,
        failed("Failed to modify offsets for sink connector s")
    );
    assert_eq!(stage.committed(), [Some(5), None, None]);
    stage.end().await;
}

#[tokio::test]
async fn partition_that_does_not_exist_is_refused_at_once() {
    let stage = Stage::new().await;
    let begun = Instant::now();
    let elsewhere = vec![entry("missing", 0, Some(1))];
    assert_eq!(
        stage.modify(&[], Some(elsewhere)).await,
        failed("Failed to alter consumer group offsets for connector s")
    );
    // Java's admin client does not wait for a topic to appear, either.
    assert!(begun.elapsed() < Duration::from_secs(10));
    stage.end().await;
}

#[tokio::test]
async fn lost_answers_and_moving_coordinators_are_overcome() {
    let stage = Stage::new().await;
    let faults = stage.broker.faults();
    let moved = Fault::ErrorCode(NOT_COORDINATOR_CODE);
    for key in [
        ApiKey::OffsetCommit,
        ApiKey::OffsetFetch,
        ApiKey::OffsetDelete,
        ApiKey::DeleteGroups,
    ] {
        faults.inject(key, moved.clone(), Times::Once);
        faults.inject(key, Fault::DropAfterHandling, Times::Once);
    }
    stage.set(&[], &[5, 6, 7]).await;
    let forget = vec![entry("t", 0, None)];
    assert_eq!(stage.modify(&[], Some(forget)).await.unwrap(), ALTERED);
    assert_eq!(stage.committed(), [None, Some(6), Some(7)]);
    assert_eq!(stage.read(&[]).await.unwrap().len(), 2);
    assert_eq!(stage.modify(&[], None).await.unwrap(), RESET);
    assert_eq!(stage.committed(), [None; 3]);
    assert_eq!(faults.pending(), 0);
    stage.end().await;
}

#[tokio::test]
async fn brokers_refusals_are_told_in_javas_words() {
    let stage = Stage::new().await;
    stage.set(&[], &[5]).await;
    let change = |offset| Some(vec![entry("t", 0, offset)]);
    let refuse = |key, code| {
        let faults = stage.broker.faults();
        faults.inject(key, Fault::ErrorCode(code), Times::Once);
    };
    let plain = "Failed to alter consumer group offsets for connector s";
    refuse(ApiKey::OffsetDelete, SUBSCRIBED_CODE);
    assert_eq!(
        stage.modify(&[], change(None)).await,
        failed(&busy("alter"))
    );
    refuse(ApiKey::OffsetDelete, NOT_FOUND_CODE);
    assert_eq!(stage.modify(&[], change(None)).await, failed(plain));
    refuse(ApiKey::OffsetCommit, FORBIDDEN_CODE);
    assert_eq!(stage.modify(&[], change(Some(1))).await, failed(plain));
    refuse(ApiKey::DeleteGroups, FORBIDDEN_CODE);
    assert_eq!(
        stage.modify(&[], None).await,
        failed("Failed to reset consumer group offsets for sink connector s")
    );
    refuse(ApiKey::OffsetFetch, FORBIDDEN_CODE);
    assert_eq!(
        stage.modify(&[], None).await,
        failed("Failed to list offsets prior to resetting offsets for sink connector s")
    );
    refuse(ApiKey::OffsetFetch, FORBIDDEN_CODE);
    assert_eq!(
        stage.read(&[]).await,
        failed("Failed to retrieve consumer group offsets for sink connector s")
    );
    assert_eq!(stage.broker.faults().pending(), 0);
    assert_eq!(stage.committed(), [Some(5), None, None]);
    stage.end().await;
}

#[tokio::test]
async fn brokers_that_do_not_answer_are_given_up_in_time() {
    let stage = Stage::new().await;
    let short = [("admin.override.default.api.timeout.ms", "300")];
    let stalled = Fault::Delay(DEADLINE);
    stage
        .broker
        .faults()
        .inject(ApiKey::OffsetFetch, stalled, Times::Always);
    let begun = Instant::now();
    assert_eq!(
        stage.read(&short).await,
        failed("Failed to retrieve consumer group offsets for sink connector s")
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    stage.end().await;
}

#[tokio::test]
async fn class_that_is_not_here_is_named() {
    let stage = Stage::new().await;
    let other = [("connector.class", "x.Other")];
    for refused in [
        stage.read(&other).await.map(drop),
        stage.modify(&other, None).await.map(drop),
    ] {
        let Err(HerderError::BadRequest(text)) = refused else {
            panic!("not refused: {refused:?}");
        };
        let expected = "Failed to find any class that implements Connector and which name matches x.Other, available \
                        connectors are: PluginDesc{klass=class keeper.KeeperConnector";
        assert!(text.starts_with(expected), "{text}");
    }
    stage.end().await;
}

#[tokio::test]
async fn override_that_the_policy_forbids_is_refused() {
    let offsets = offsets("127.0.0.1:1", "None");
    let settings = connector(&[("admin.override.bootstrap.servers", "elsewhere:1")]);
    let refused = in_time(offsets.read(NAME.into(), settings)).await;
    let Err(HerderError::Failed(text)) = refused else {
        panic!("not refused: {refused:?}");
    };
    assert!(
        text.starts_with("Client Config Overrides not allowed"),
        "{text}"
    );
    assert!(!text.contains("elsewhere"), "{text}");
}
