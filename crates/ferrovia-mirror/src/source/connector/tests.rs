//! Tests of this module: a connector between two embedded brokers.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ferrovia_broker::{Fault, Times};
use ferrovia_client::admin::configs::topic_configs;
use ferrovia_client::cluster::TopicSelection;
use ferrovia_client::{Cluster, TopicPartition};
use kafka_protocol::messages::ApiKey;

use super::*;
use crate::testing::{DEADLINE, Said, Stage, listening, make_topic, wait_until, with};

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// A topic's number of partitions.
async fn partitions(cluster: &Cluster, topic: &str) -> Option<usize> {
    cluster.want_topics(TopicSelection::All);
    let view = cluster.refresh().await.unwrap();
    view.partition_count(topic)
}

#[test]
fn exactly_once_needs_a_consumer_that_reads_what_is_committed() {
    let connector = MirrorSourceConnector::default();
    let plain = map(&[("exactly.once.support", "required")]);
    let support = |settings: &_| connector.exactly_once_support(settings);
    assert_eq!(support(&plain), Some(ExactlyOnceSupport::Unsupported));
    let faults = connector.validate(&plain);
    assert_eq!(faults, [ConfigError::rule(EXACTLY_ONCE, NOT_COMMITTED)]);
    for key in [
        "consumer.isolation.level",
        "source.consumer.isolation.level",
    ] {
        let mut committed = plain.clone();
        committed.insert(key.to_owned(), "read_committed".to_owned());
        assert_eq!(support(&committed), Some(ExactlyOnceSupport::Supported));
        assert!(connector.validate(&committed).is_empty());
    }
}

#[test]
fn settings_of_offset_syncs_are_refused_where_none_are_written() {
    let connector = MirrorSourceConnector::default();
    let off = ("emit.offset-syncs.enabled", "false");
    assert!(connector.validate(&map(&[off])).is_empty());
    for key in [
        "offset-syncs.topic.location",
        "offset-syncs-source-producer.acks",
    ] {
        let faults = connector.validate(&map(&[off, (key, "x")]));
        let message = "MirrorSourceConnector can't setup offset-syncs feature while emit.offset-syncs.enabled set to false";
        assert_eq!(faults, [ConfigError::rule(EMIT_OFFSET_SYNCS, message)]);
    }
}

#[test]
fn disabled_connector_starts_nothing() {
    let stage = Stage::new();
    let (context, _heard) = listening();
    let mut connector = MirrorSourceConnector::default();
    let settings = stage.settings(&[("enabled", "false")]);
    connector.start(&settings, context).unwrap();
    assert!(connector.jobs.is_none());
    assert!(connector.task_configs(3).unwrap().is_empty());
}

#[test]
fn start_makes_copies_as_the_sources_topics_are_and_divides_them() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 3, &[("retention.ms", "1234")]);
    make_topic(&stage.source, "B.back", 1, &[]);
    make_topic(&stage.source, "A.checkpoints.internal", 1, &[]);
    make_topic(&stage.source, "payments", 2, &[]);
    make_topic(&stage.target, "A.payments", 1, &[]);
    let (context, _heard) = listening();
    let mut connector = MirrorSourceConnector::default();
    let settings = stage.settings(&[("sync.topic.configs.enabled", "false")]);
    connector.start(&settings, context).unwrap();
    with(&stage.target, async |cluster| {
        assert_eq!(partitions(&cluster, "A.orders").await, Some(3));
        assert_eq!(partitions(&cluster, "A.payments").await, Some(2));
        assert_eq!(partitions(&cluster, "A.B.back").await, None);
        let orders: [Arc<str>; 1] = ["A.orders".into()];
        let configs = topic_configs(&cluster, &orders, None).await.unwrap();
        let configs = configs.into_values().next().unwrap().unwrap();
        assert_eq!(configs["retention.ms"].as_deref(), Some("1234"));
    });
    with(&stage.source, async |cluster| {
        let syncs = partitions(&cluster, "mm2-offset-syncs.B.internal").await;
        assert_eq!(syncs, Some(1));
    });
    let tasks = connector.task_configs(2).unwrap();
    let assigned: Vec<&str> = tasks
        .iter()
        .map(|task| task["task.assigned.partitions"].as_str())
        .collect();
    let expected = ["orders-0,orders-2,payments-1", "orders-1,payments-0"];
    assert_eq!(assigned, expected);
    assert_eq!(
        (&*tasks[0]["task.index"], &*tasks[1]["task.index"]),
        ("0", "1")
    );
    assert_eq!(connector.task_configs(9).unwrap().len(), 5);
    connector.stop().unwrap();
}

/// A connector that looks for topics each second, and does nothing else.
fn looking_for_topics(stage: &Stage) -> (MirrorSourceConnector, Receiver<Said>) {
    let settings = stage.settings(&[
        ("refresh.topics.interval.seconds", "1"),
        ("sync.topic.configs.enabled", "false"),
        ("sync.topic.acls.enabled", "false"),
    ]);
    let (context, heard) = listening();
    let mut connector = MirrorSourceConnector::default();
    connector.start(&settings, context).unwrap();
    (connector, heard)
}

#[test]
fn topic_that_appears_is_copied_and_the_tasks_are_divided_anew() {
    let stage = Stage::new();
    let (mut connector, heard) = looking_for_topics(&stage);
    assert!(connector.task_configs(2).unwrap().is_empty());
    make_topic(&stage.source, "late", 1, &[]);
    let said = heard.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(said, Said::Reconfigure));
    let tasks = connector.task_configs(2).unwrap();
    assert_eq!(tasks[0]["task.assigned.partitions"], "late-0");
    wait_until("the copy", || {
        with(&stage.target, async |cluster| {
            partitions(&cluster, "A.late").await == Some(1)
        })
    });
    connector.stop().unwrap();
}

#[test]
fn topic_whose_copy_cannot_be_made_is_given_to_a_task() {
    let stage = Stage::new();
    let (mut connector, heard) = looking_for_topics(&stage);
    let refused = Fault::ErrorCode(TOPIC_AUTHORIZATION_FAILED);
    let faults = stage.source.faults();
    faults.inject(ApiKey::DescribeConfigs, refused, Times::Always);
    make_topic(&stage.source, "late", 1, &[]);
    let said = heard.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(said, Said::Reconfigure));
    let tasks = connector.task_configs(2).unwrap();
    assert_eq!(tasks[0]["task.assigned.partitions"], "late-0");
    connector.stop().unwrap();
}

#[test]
fn target_that_cannot_change_configs_one_by_one_fails_the_connector() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let (context, heard) = listening();
    let mut connector = MirrorSourceConnector::default();
    connector.start(&stage.settings(&[]), context).unwrap();
    let Said::Failure(error) = heard.recv_timeout(DEADLINE).unwrap() else {
        panic!("the connector fails");
    };
    let text = "the target cluster 'B' is not compatible with IncrementalAlterConfigs API";
    assert_eq!(error.to_string(), text);
    connector.stop().unwrap();
}

#[test]
fn start_ends_within_its_time_where_no_cluster_answers() {
    let stage = Stage::new();
    let settings = stage.settings(&[
        ("admin.timeout.ms", "50"),
        ("source.cluster.bootstrap.servers", "127.0.0.1:1"),
        ("target.cluster.bootstrap.servers", "127.0.0.1:1"),
    ]);
    let (context, _heard) = listening();
    let mut connector = MirrorSourceConnector::default();
    connector.start(&settings, context).unwrap();
    assert!(connector.task_configs(2).unwrap().is_empty());
    connector.stop().unwrap();
}

#[test]
fn client_that_cannot_be_made_fails_the_start() {
    let stage = Stage::new();
    let mut settings = stage.settings(&[]);
    settings.remove("target.cluster.bootstrap.servers");
    let (context, _heard) = listening();
    let error = MirrorSourceConnector::default()
        .start(&settings, context)
        .unwrap_err();
    let text = "Missing required configuration \"bootstrap.servers\" which has no default value.";
    assert_eq!(error.to_string(), text);
}

#[test]
fn partitions_of_a_task_are_read_as_they_were_written() {
    let partitions = [TopicPartition::new("a-b", 0), TopicPartition::new("c", 12)];
    assert_eq!(encode(&partitions), "a-b-0,c-12");
}

/// As Java's scheduler does.
#[test]
fn interval_of_nothing_is_refused_unless_its_job_is_switched_off() {
    let stage = Stage::new();
    for key in ["sync.topic.acls", "sync.topic.configs", "refresh.topics"] {
        let (enabled, interval) = (format!("{key}.enabled"), format!("{key}.interval.seconds"));
        let start = |own: &[(&str, &str)]| {
            let (context, _heard) = listening();
            let mut connector = MirrorSourceConnector::default();
            let started = connector.start(&stage.settings(own), context);
            connector.stop().unwrap();
            started
        };
        let refused = start(&[(&interval, "0")]).unwrap_err();
        assert_eq!(refused.class(), "java.lang.IllegalArgumentException");
        start(&[(&interval, "0"), (&enabled, "false")]).unwrap();
        start(&[(&interval, "0"), ("enabled", "false")]).unwrap();
    }
}

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
