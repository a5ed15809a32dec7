//! Facts about a log, on the embedded broker.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_broker::{BrokerConfig, EmbeddedBroker, Fault, Times};
use ferrovia_client::admin::configs::topic_configs;
use ferrovia_client::admin::topics::{NewTopic, create_topics, delete_topics};
use ferrovia_client::settings::{ClientSettings, IsolationLevel, ProducerSettings};
use ferrovia_pipeline::batch::{BatchOptions, Codec};
use kafka_protocol::messages::ApiKey;
use tokio::time::timeout;

use super::*;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

async fn broker(config: BrokerConfig) -> EmbeddedBroker {
    EmbeddedBroker::start(config).await.unwrap()
}

fn settings(broker: &EmbeddedBroker) -> LogSettings {
    let properties = [
        ("bootstrap.servers", broker.address().to_string()),
        ("retry.backoff.ms", "10".to_owned()),
        ("retry.backoff.max.ms", "50".to_owned()),
        ("reconnect.backoff.ms", "10".to_owned()),
        ("reconnect.backoff.max.ms", "50".to_owned()),
        ("metadata.max.age.ms", "500".to_owned()),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value));
    LogSettings {
        client: ClientSettings::from_properties(&properties.into()).unwrap(),
        isolation: IsolationLevel::ReadUncommitted,
        batch: BatchOptions {
            codec: Codec::Lz4,
            ..BatchOptions::default()
        },
        privileged: None,
    }
}

fn topic(purpose: TopicPurpose, partitions: i32) -> InternalTopic {
    InternalTopic {
        name: "t".into(),
        purpose,
        partitions: Some(partitions),
        replication_factor: None,
        configs: BTreeMap::new(),
    }
}

async fn open(broker: &EmbeddedBroker, topic: InternalTopic) -> (TopicLog, LogEvents) {
    let opened = timeout(DEADLINE, TopicLog::open(topic, settings(broker))).await;
    opened.unwrap().unwrap()
}

fn record(key: &str, value: &str) -> NewRecord {
    NewRecord::new(key.to_owned(), Some(value.to_owned()))
}

async fn append(log: &TopicLog, key: &str, value: &str) {
    let written = timeout(DEADLINE, log.append(vec![record(key, value)])).await;
    written.unwrap().unwrap();
}

/// The records up to this mark, as `key=value`.
async fn read_to(events: &mut LogEvents, mark: ReadMark) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match timeout(DEADLINE, events.next()).await.unwrap().unwrap() {
            LogEvent::Record(record) => seen.push(shown(&record)),
            LogEvent::ReachedEnd(reached) if reached >= mark => return seen,
            LogEvent::ReachedEnd(_) => {}
            LogEvent::Lost { found, .. } => seen.push(format!("lost, on at {found}")),
        }
    }
}

fn shown(record: &LogRecord) -> String {
    let text = |bytes: &Option<bytes::Bytes>| match bytes {
        Some(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        None => "-".to_owned(),
    };
    format!("{}={}", text(&record.key), text(&record.value))
}

#[tokio::test]
async fn what_is_written_is_read_in_order() {
    let broker = broker(BrokerConfig::default()).await;
    let (log, mut events) = open(&broker, topic(TopicPurpose::Configs, 1)).await;
    assert!(read_to(&mut events, ReadMark::OPENED).await.is_empty());
    let many = (0..100).map(|n| record("k", &n.to_string())).collect();
    let first = log.append(vec![record("a", "1"), NewRecord::new("b", None::<String>)]);
    let second = log.append(many);
    let both = async { tokio::join!(first, second) };
    let (first, second) = timeout(DEADLINE, both).await.unwrap();
    first.unwrap();
    second.unwrap();
    let seen = read_to(&mut events, log.request_end()).await;
    assert_eq!(seen[..3], ["a=1", "b=-", "k=0"]);
    assert_eq!((seen.len(), seen[101].as_str()), (102, "k=99"));
    // Another worker reads the same before it is told that it has come to the end.
    let (_log, mut events) = open(&broker, topic(TopicPurpose::Configs, 1)).await;
    assert_eq!(read_to(&mut events, ReadMark::OPENED).await, seen);
    broker.stop().await;
}

#[tokio::test]
async fn whoever_claims_the_right_to_write_takes_it_from_all_others() {
    let broker = broker(BrokerConfig::default()).await;
    let settings = LogSettings {
        isolation: IsolationLevel::ReadCommitted,
        privileged: Some(ProducerSettings {
            transactional_id: Some("leader".into()),
            ..ProducerSettings::with_defaults(settings(&broker).client)
        }),
        ..settings(&broker)
    };
    let open = async || {
        let opened = TopicLog::open(topic(TopicPurpose::Configs, 1), settings.clone());
        timeout(DEADLINE, opened).await.unwrap().unwrap()
    };
    let claim = async |log: &TopicLog| timeout(DEADLINE, log.claim().unwrap()).await.unwrap();
    let (log, mut events) = open().await;
    let (other, _events) = open().await;
    let first = claim(&log).await.unwrap();
    let both = vec![record("a", "1"), record("b", "1")];
    timeout(DEADLINE, first.append(both))
        .await
        .unwrap()
        .unwrap();
    let second = claim(&other).await.unwrap();
    timeout(DEADLINE, second.append(vec![record("a", "2")]))
        .await
        .unwrap()
        .unwrap();
    let late = first.append(vec![record("a", "3")]);
    assert!(timeout(DEADLINE, late).await.unwrap().is_err());
    // What needs no right goes on, and a new claim gets it back.
    append(&log, "c", "4").await;
    let again = claim(&log).await.unwrap();
    timeout(DEADLINE, again.append(vec![record("a", "5")]))
        .await
        .unwrap()
        .unwrap();
    let seen = read_to(&mut events, log.request_end()).await;
    assert_eq!(seen, ["a=1", "b=1", "a=2", "c=4", "a=5"]);
    broker.stop().await;
}

#[tokio::test]
async fn end_is_reached_when_its_records_are_taken() {
    let broker = broker(BrokerConfig::default()).await;
    let (log, mut events) = open(&broker, topic(TopicPurpose::Statuses, 3)).await;
    read_to(&mut events, ReadMark::OPENED).await;
    for n in 0..10 {
        append(&log, &format!("k{n}"), "v").await;
    }
    let mut taken = 0;
    let end = log.read_to_end();
    tokio::pin!(end);
    loop {
        tokio::select! {
            biased;
            reached = &mut end => break reached.unwrap(),
            event = events.next() => {
                taken += usize::from(matches!(event, Some(LogEvent::Record(_))));
            }
        }
    }
    assert_eq!(taken, 10);
    assert_eq!(broker.topic_end_offsets("t").iter().sum::<i64>(), 10);
    drop(events);
    let ended = timeout(DEADLINE, log.read_to_end()).await.unwrap();
    assert_eq!(ended, Err(TopicLogError::Closed));
    broker.stop().await;
}

#[tokio::test]
async fn topic_is_made_for_compaction_and_one_that_is_not_is_refused() {
    let broker = broker(BrokerConfig::default()).await;
    let cluster = Cluster::new(settings(&broker).client, FramePool::new(0));
    let (_log, _events) = open(&broker, topic(TopicPurpose::Offsets, 2)).await;
    let configs = topic_configs(&cluster, &["t".into()], None).await.unwrap();
    let configs = configs["t"].as_ref().unwrap();
    assert_eq!(configs["cleanup.policy"].as_deref(), Some("compact"));
    let unfit = TopicLog::open(topic(TopicPurpose::Configs, 1), settings(&broker)).await;
    assert_eq!(
        unfit.unwrap_err().to_string(),
        "Topic 't' supplied via the 'config.storage.topic' property is required to have a single partition in order to \
         guarantee consistency of connector configurations, but found 2 partitions."
    );
    assert!(broker.create_topic("forgets", 1));
    let mut forgets = topic(TopicPurpose::Statuses, 1);
    forgets.name = "forgets".into();
    let unfit = TopicLog::open(forgets, settings(&broker)).await;
    assert_eq!(
        unfit.unwrap_err().to_string(),
        "Topic 'forgets' supplied via the 'status.storage.topic' property is required to have 'cleanup.policy=compact' to \
         guarantee consistency and durability of connector and task statuses, but found the topic currently has \
         'cleanup.policy=delete'. Continuing would likely result in eventually losing connector and task statuses and \
         problems restarting this Connect cluster in the future. Change the 'status.storage.topic' property in the \
         Connect worker configurations to use a topic with 'cleanup.policy=compact'."
    );
    broker.stop().await;
}

#[tokio::test]
async fn errors_that_pass_are_waited_for() {
    const INVALID_REPLICATION_FACTOR: i16 = 38;
    const NOT_LEADER: i16 = 6;
    let broker = broker(BrokerConfig::default()).await;
    let faults = broker.faults();
    let code = Fault::ErrorCode;
    faults.inject(
        ApiKey::CreateTopics,
        code(INVALID_REPLICATION_FACTOR),
        Times::N(2),
    );
    for api in [ApiKey::ListOffsets, ApiKey::Fetch, ApiKey::Produce] {
        faults.inject(api, code(NOT_LEADER), Times::N(2));
        faults.inject(api, Fault::Drop, Times::Once);
    }
    let (log, mut events) = open(&broker, topic(TopicPurpose::Configs, 1)).await;
    append(&log, "a", "1").await;
    append(&log, "b", "2").await;
    let seen = read_to(&mut events, log.request_end()).await;
    assert_eq!(seen, ["a=1", "b=2"]);
    broker.stop().await;
}

#[tokio::test]
async fn refused_record_is_told_and_the_next_is_written() {
    const MESSAGE_TOO_LARGE: i16 = 10;
    let broker = broker(BrokerConfig::default()).await;
    let (log, mut events) = open(&broker, topic(TopicPurpose::Configs, 1)).await;
    let refusal = Fault::ErrorCode(MESSAGE_TOO_LARGE);
    broker
        .faults()
        .inject(ApiKey::Produce, refusal, Times::Once);
    let refused = timeout(DEADLINE, log.append(vec![record("a", "1")])).await;
    assert!(matches!(
        refused.unwrap(),
        Err(TopicLogError::Refused { .. })
    ));
    append(&log, "b", "2").await;
    assert_eq!(read_to(&mut events, log.request_end()).await, ["b=2"]);
    broker.stop().await;
}

#[tokio::test]
async fn broker_that_comes_back_is_read_and_written_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = BrokerConfig {
        data_dir: Some(folder.path().to_owned()),
        ..BrokerConfig::default()
    };
    let first = broker(config.clone()).await;
    let listen = first.address().to_string();
    let (log, mut events) = open(&first, topic(TopicPurpose::Configs, 1)).await;
    append(&log, "a", "1").await;
    assert_eq!(read_to(&mut events, log.request_end()).await, ["a=1"]);
    first.stop().await;
    let written = log.append(vec![record("b", "2")]);
    let mark = log.request_end();
    let second = async { broker(BrokerConfig { listen, ..config }).await };
    let (written, second) = timeout(DEADLINE, async { tokio::join!(written, second) })
        .await
        .unwrap();
    written.unwrap();
    append(&log, "c", "3").await;
    let mut seen = read_to(&mut events, mark).await;
    seen.extend(read_to(&mut events, log.request_end()).await);
    assert_eq!(seen, ["b=2", "c=3"]);
    second.stop().await;
}

#[tokio::test]
async fn topic_that_was_made_anew_is_read_from_its_beginning() {
    let broker = broker(BrokerConfig::default()).await;
    // The reader does not come to hear of it by the age of its metadata.
    let mut settings_of_log = settings(&broker);
    settings_of_log.client.metadata_max_age = DEADLINE * 10;
    let opened = TopicLog::open(topic(TopicPurpose::Configs, 1), settings_of_log);
    let (log, mut events) = timeout(DEADLINE, opened).await.unwrap().unwrap();
    for n in 0..3 {
        append(&log, "old", &n.to_string()).await;
    }
    assert_eq!(read_to(&mut events, log.request_end()).await.len(), 3);
    let cluster = Cluster::new(settings(&broker).client, FramePool::new(0));
    delete_topics(&cluster, &["t".into()]).await.unwrap();
    let again = NewTopic {
        name: "t".into(),
        partitions: Some(1),
        replication_factor: None,
        configs: BTreeMap::new(),
    };
    create_topics(&cluster, &[again], false).await.unwrap();
    append(&log, "new", "1").await;
    let seen = read_to(&mut events, log.request_end()).await;
    assert_eq!(seen, ["lost, on at 0", "new=1"]);
    broker.stop().await;
}
