//! Tests of this module, after those of Java's `MirrorSourceConnectorTest`.

use super::*;

fn settings(own: &[(&str, &str)]) -> SourceSettings {
    let base = [
        ("name", "mirror"),
        ("source.cluster.alias", "A"),
        ("target.cluster.alias", "B"),
    ];
    let all = base.iter().chain(own);
    let all = all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    SourceSettings::parse(&all.collect()).unwrap()
}

fn counts(entries: &[(&str, i32)]) -> Counts {
    let entries = entries.iter();
    entries
        .map(|(topic, count)| (Arc::from(*topic), *count))
        .collect()
}

#[test]
fn topics_of_heartbeats_are_copied_but_no_internal_ones_and_none_that_came_from_the_target() {
    let by_default = settings(&[]);
    let cases = [
        ("orders", true),
        ("C.orders", true),
        ("A.orders", true),
        ("B.orders", false),
        ("C.B.orders", false),
        ("heartbeats", true),
        ("C.heartbeats", true),
        ("B.heartbeats", false),
        ("mm2-configs.A.internal", false),
        ("C.checkpoints.internal", false),
        ("__consumer_offsets", false),
        (".hidden", false),
        ("x.replica", false),
    ];
    for (topic, is_copied) in cases {
        assert_eq!(replicates(&by_default, topic), is_copied, "{topic}");
    }
    let chosen = settings(&[("topics", "orders")]);
    assert!(replicates(&chosen, "heartbeats") && !replicates(&chosen, "C.orders"));
    let silent = [
        ("topics", "orders"),
        ("heartbeats.replication.enabled", "false"),
    ];
    assert!(!replicates(&settings(&silent), "heartbeats"));
}

#[test]
fn identity_policy_knows_no_cycles_but_of_heartbeats() {
    let class = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy";
    let identity = settings(&[("replication.policy.class", class)]);
    assert!(replicates(&identity, "orders") && replicates(&identity, "B.orders"));
    assert!(replicates(&identity, "heartbeats") && !replicates(&identity, "B.heartbeats"));
}

#[test]
fn what_is_missing_at_the_target_is_made_and_grown() {
    let settings = settings(&[]);
    let source = counts(&[("a", 3), ("b", 2), ("c", 1)]);
    let target = counts(&[("A.a", 1), ("A.b", 5)]);
    let expected = Missing {
        topics: counts(&[("c", 1)]),
        partitions: counts(&[("A.a", 3)]),
    };
    assert_eq!(missing(&settings, &source, &target), expected);
}

#[test]
fn target_topics_are_copies_of_the_source_without_its_checkpoints() {
    let listed = ["A.a", "C.a", "a", "A.checkpoints.internal"];
    let listed = listed.map(|topic| (Arc::from(topic), Ok(1))).into();
    let found = target_topics(&settings(&[]), &listed).unwrap();
    assert_eq!(found, counts(&[("A.a", 1)]));
}

#[test]
fn topic_that_cannot_be_told_of_is_not_taken_for_gone() {
    use ferrovia_client::ErrorCode;
    let listed: BTreeMap<Arc<str>, PartitionCount> = [
        (Arc::from("a"), Err(ErrorCode::LEADER_NOT_AVAILABLE)),
        (Arc::from("b"), Ok(1)),
    ]
    .into();
    assert!(source_topics(&settings(&[]), &listed).is_err());
    let others = settings(&[("topics", "b")]);
    assert_eq!(
        source_topics(&others, &listed).unwrap(),
        counts(&[("b", 1)])
    );
}

#[test]
fn news_are_partitions_that_came_went_or_have_no_copy() {
    let settings = settings(&[]);
    let news = |known, source, target| {
        News::of(&settings, &counts(known), &counts(source), &counts(target))
    };
    let (known, copies) = (&[("a", 2), ("b", 1)], &[("A.a", 2), ("A.b", 1)]);
    assert!(news(known, known, copies).is_empty());
    let expected = News {
        added: 2,
        deleted: 1,
        missing: 2,
    };
    assert_eq!(news(known, &[("a", 3), ("c", 1)], copies), expected);
}

#[test]
fn partitions_are_dealt_in_turn() {
    let divided = divided(&counts(&[("t0", 8), ("t1", 2), ("t2", 2)]), 3);
    let texts: Vec<String> = divided
        .iter()
        .map(|task| crate::settings::source::encode(task))
        .collect();
    let expected = [
        "t0-0,t0-3,t0-6,t1-1",
        "t0-1,t0-4,t0-7,t2-0",
        "t0-2,t0-5,t1-0,t2-1",
    ];
    assert_eq!(texts, expected);
    assert!(super::divided(&Counts::new(), 3).is_empty());
    assert!(super::divided(&counts(&[("t", 1)]), 0).is_empty());
}

fn entry(name: &str, source: ConfigSource) -> ConfigEntry {
    ConfigEntry {
        name: name.to_owned(),
        value: Some(format!("{name}-value")),
        source,
        is_read_only: false,
        is_sensitive: false,
    }
}

/// Configurations of all kinds.
fn entries() -> Vec<ConfigEntry> {
    let mut read_only = entry("read.only", ConfigSource::Somebody);
    read_only.is_read_only = true;
    let mut secret = entry("secret", ConfigSource::Somebody);
    secret.is_sensitive = true;
    vec![
        entry("retention.ms", ConfigSource::Somebody),
        entry("segment.ms", ConfigSource::Default),
        entry("flush.ms", ConfigSource::StaticBroker),
        entry("min.insync.replicas", ConfigSource::Somebody),
        read_only,
        secret,
    ]
}

#[test]
fn new_copy_gets_what_was_set_and_on_wish_the_defaults() {
    let names = |own: &[(&str, &str)]| {
        let configs = new_configs(&settings(own), &entries());
        configs.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["retention.ms"]);
    let defaults = [("use.defaults.from", "source")];
    assert_eq!(names(&defaults), ["retention.ms", "segment.ms"]);
}

#[test]
fn default_of_the_source_takes_a_setting_of_the_copy_away_unless_it_is_copied() {
    let changes = |own: &[(&str, &str)]| config_changes(&settings(own), &entries());
    let set = |name: &str| ConfigChange::Set(Some(format!("{name}-value")));
    let expected = [
        ("retention.ms".to_owned(), set("retention.ms")),
        ("segment.ms".to_owned(), ConfigChange::Delete),
    ];
    assert_eq!(changes(&[]), expected.into());
    let expected = [
        ("retention.ms".to_owned(), set("retention.ms")),
        ("segment.ms".to_owned(), set("segment.ms")),
    ];
    assert_eq!(changes(&[("use.defaults.from", "source")]), expected.into());
}

#[test]
fn rules_never_allow_to_write_to_copies() {
    let rule = |topic: &str, operation, permission| TopicAcl {
        topic: topic.into(),
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation,
        permission,
    };
    let (allow, deny) = (AclPermission::ALLOW, AclPermission::DENY);
    let rules = [
        rule("orders", AclOperation::WRITE, allow),
        rule("orders", AclOperation::WRITE, deny),
        rule("orders", AclOperation::ALL, allow),
        rule("orders", AclOperation::ALL, deny),
        rule("orders", AclOperation::READ, allow),
        rule("B.orders", AclOperation::READ, allow),
        rule("__consumer_offsets", AclOperation::READ, allow),
    ];
    let expected = [
        rule("A.orders", AclOperation::WRITE, deny),
        rule("A.orders", AclOperation::READ, allow),
        rule("A.orders", AclOperation::ALL, deny),
        rule("A.orders", AclOperation::READ, allow),
    ];
    assert_eq!(target_acls(&settings(&[]), &rules), expected);
}
