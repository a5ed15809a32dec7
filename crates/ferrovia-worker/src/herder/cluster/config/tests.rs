//! Two workers that write to one config topic, on the embedded broker.

use std::sync::Arc;

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use tokio::time::timeout;

use super::*;
use crate::config::DistributedConfig;
use crate::storage::config::TargetState;
use crate::storage::log::{InternalTopic, LogSettings, TopicPurpose};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

async fn writer(broker: &EmbeddedBroker, support: &str) -> ConfigWriter {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let address = broker.address().to_string();
    let settings = [
        ("bootstrap.servers", &*address),
        ("group.id", "workers"),
        ("key.converter", string),
        ("value.converter", string),
        ("config.storage.topic", "configs"),
        ("offset.storage.topic", "offsets"),
        ("status.storage.topic", "statuses"),
        ("config.storage.replication.factor", "-1"),
        // What is demanded of a leader's producer goes before what is set.
        ("acks", "1"),
        ("exactly.once.source.support", support),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = DistributedConfig::from_settings(settings.into()).unwrap();
    let purpose = TopicPurpose::Configs;
    let topic = InternalTopic::of(&config, purpose);
    let opened = TopicLog::open(topic, LogSettings::of(&config, purpose).unwrap());
    let (log, mut events) = timeout(DEADLINE, opened).await.unwrap().unwrap();
    tokio::spawn(async move { while events.next().await.is_some() {} });
    ConfigWriter::new(log)
}

impl ConfigWriter {
    async fn lead(&mut self) {
        let (claim, claimed) = self.claim().unwrap();
        let claimed = timeout(DEADLINE, claimed).await.unwrap();
        self.take(claim, claimed).unwrap();
    }

    async fn put(&mut self, record: ConfigRecord) -> Result<(), WriteFailure> {
        let written = timeout(DEADLINE, self.write(&[record])).await.unwrap();
        written.map_err(|error| self.failure(error))
    }
}

fn target() -> ConfigRecord {
    ConfigRecord::Target {
        name: "c".into(),
        state: Some(TargetState::Paused),
    }
}

fn connector() -> ConfigRecord {
    ConfigRecord::Connector {
        name: "c".into(),
        settings: Some(Arc::default()),
    }
}

fn refused(loses_privileges: bool) -> Result<(), WriteFailure> {
    Err(WriteFailure {
        reason: AS_LEADER.to_owned(),
        loses_privileges,
    })
}

#[tokio::test]
async fn only_the_last_who_claimed_the_right_writes_what_leaders_write() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let mut one = writer(&broker, "preparing").await;
    let mut other = writer(&broker, "enabled").await;
    assert_eq!(
        one.put(connector()).await,
        refused(false),
        "it has no right"
    );
    assert_eq!(one.put(target()).await, Ok(()));
    one.lead().await;
    assert_eq!(one.put(connector()).await, Ok(()));
    other.lead().await;
    assert_eq!(other.put(connector()).await, Ok(()));
    assert_eq!(one.put(connector()).await, refused(true));
    assert_eq!(one.put(connector()).await, refused(false), "it was told");
    assert_eq!(one.put(target()).await, Ok(()));
    one.lead().await;
    assert_eq!(one.put(connector()).await, Ok(()));
    assert_eq!(other.put(connector()).await, refused(true));
    broker.stop().await;
}

#[tokio::test]
async fn failure_of_an_earlier_claim_leaves_the_right_of_a_later_one() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let mut writer = writer(&broker, "enabled").await;
    writer.lead().await;
    let early = WriteError {
        reason: "late".to_owned(),
        claim: Some(1),
    };
    writer.lead().await;
    assert!(!writer.failure(early).loses_privileges);
    assert_eq!(writer.put(connector()).await, Ok(()));
    broker.stop().await;
}

#[tokio::test]
async fn without_the_support_any_leader_writes() {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap();
    let mut writer = writer(&broker, "disabled").await;
    assert!(writer.claim().is_none());
    assert_eq!(writer.put(connector()).await, Ok(()));
    broker.stop().await;
}
