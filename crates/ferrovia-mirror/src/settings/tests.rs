//! Holds the definitions against Java's, and the typed settings against what users write.

use std::collections::BTreeMap;

use ferrovia_client::TopicPartition;
use ferrovia_pipeline::config::ConfigDefault;

use super::*;
use crate::clients::Side;

const GOLDEN: &str = include_str!("golden.txt");

/// The definitions of Java's `part`.
fn golden(part: &str) -> Vec<String> {
    let header = format!("== {part}");
    let lines = GOLDEN.lines().skip_while(|line| **line != header).skip(1);
    let lines = lines.take_while(|line| !line.starts_with("=="));
    lines.map(str::to_owned).collect()
}

fn printed(key: &ConfigKey) -> String {
    let default = match key.default() {
        ConfigDefault::Required => "REQ".to_owned(),
        ConfigDefault::Null => "null".to_owned(),
        ConfigDefault::Value(value) => value.to_string(),
    };
    let importance = format!("{:?}", key.how_important()).to_uppercase();
    let kind = key.config_type();
    format!("{}|{kind}|{default}|{importance}", key.name())
}

#[test]
fn definitions_are_javas_in_javas_order() {
    let parts = [
        ("1", source::definitions()),
        ("2", checkpoint::definitions()),
        ("3", heartbeat::definitions()),
    ];
    for (part, definitions) in parts {
        let mut expected = golden("0");
        expected.extend(golden(part));
        let ours: Vec<String> = definitions.keys().map(printed).collect();
        assert_eq!(ours, expected, "part {part}");
        assert!(
            definitions
                .keys()
                .all(|key| !key.documentation().is_empty())
        );
    }
}

fn settings(own: &[(&str, &str)]) -> BTreeMap<String, String> {
    let base = [("name", "mirror"), ("source.cluster.alias", "A")];
    let all = base.iter().chain(own);
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn classes_of_users_are_refused() {
    let refused = |key: &str, value: &str| {
        let error = SourceSettings::parse(&settings(&[(key, value)])).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused("topic.filter.class", "com.acme.Filter"),
        "Invalid value com.acme.Filter for configuration topic.filter.class: Java classes cannot be loaded. These are \
         built in: org.apache.kafka.connect.mirror.DefaultTopicFilter"
    );
    for key in [
        "replication.policy.class",
        "forwarding.admin.class",
        "config.property.filter.class",
    ] {
        assert!(refused(key, "x.Y").contains("Java classes cannot be loaded"));
    }
}

#[test]
fn identity_policy_is_taken_by_name() {
    let class = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy";
    let settings = settings(&[("replication.policy.class", class)]);
    let settings = SourceSettings::parse(&settings).unwrap();
    assert_eq!(settings.base.policy.remote_topic("A", "orders"), "orders");
}

#[test]
fn syncs_bear_the_alias_of_the_cluster_that_does_not_hold_them() {
    let held_by = |side: &str| {
        let settings = settings(&[("offset-syncs.topic.location", side)]);
        SourceSettings::parse(&settings).unwrap()
    };
    let source = held_by("source");
    assert_eq!(source.syncs_side, Side::Source);
    assert_eq!(
        source.offset_syncs_topic(),
        "mm2-offset-syncs.target.internal"
    );
    let target = held_by("target");
    assert_eq!(target.offset_syncs_topic(), "mm2-offset-syncs.A.internal");
    assert_eq!(
        target.offset_syncs_producer()["client.id"],
        "A->target|mirror|offset-syncs-target-producer"
    );
}

#[test]
fn job_is_switched_off_or_has_an_interval() {
    let refresh = |own: &[(&str, &str)]| {
        let settings = SourceSettings::parse(&settings(own)).unwrap();
        settings.refresh_topics.map(|interval| interval.as_secs())
    };
    assert_eq!(refresh(&[]), Some(600));
    assert_eq!(
        refresh(&[("refresh.topics.interval.seconds", "7")]),
        Some(7)
    );
    assert_eq!(refresh(&[("refresh.topics.interval.seconds", "-7")]), None);
    assert_eq!(refresh(&[("refresh.topics.enabled", "false")]), None);
}

#[test]
fn task_has_partitions_and_a_label_of_its_own() {
    let mut given = settings(&[("task.assigned.partitions", "a-b-0,c-12")]);
    given.insert(TASK_INDEX.to_owned(), "3".to_owned());
    let task = SourceTaskSettings::parse(&given).unwrap();
    let partitions = [TopicPartition::new("a-b", 0), TopicPartition::new("c", 12)];
    assert_eq!(task.partitions, partitions);
    assert_eq!(source::encode(&task.partitions), "a-b-0,c-12");
    assert_eq!(task.source.base.entity_label(), "A->target|mirror-3");
    given.remove(TASK_INDEX);
    let task = SourceTaskSettings::parse(&given).unwrap();
    assert_eq!(task.source.base.entity_label(), "A->target|mirror-?");
    given.insert("task.assigned.partitions".to_owned(), "a".to_owned());
    assert!(SourceTaskSettings::parse(&given).is_err());
}

#[test]
fn checkpoints_follow_the_topics_to_copy_though_they_are_not_defined_there() {
    let given = settings(&[("topics", "orders"), ("task.assigned.groups", "g,h")]);
    let task = CheckpointTaskSettings::parse(&given).unwrap();
    assert!(task.checkpoint.topics.chooses("orders"));
    assert!(!task.checkpoint.topics.chooses("payments"));
    assert!(task.groups.contains("g") && task.groups.contains("h"));
    assert_eq!(
        task.checkpoint.checkpoints_topic(),
        "A.checkpoints.internal"
    );
}
