//! Holds the policies against what Java's said.

use super::*;

const GOLDEN: &str = include_str!("golden.txt");

fn policy(words: &[&str]) -> ReplicationPolicy {
    let mut settings = BTreeMap::from([("source.cluster.alias".to_owned(), "A".to_owned())]);
    let keys = [SEPARATOR, INTERNAL_SEPARATOR_ENABLED];
    for (key, word) in keys.into_iter().zip(words.iter().skip(1)) {
        settings.insert(key.to_owned(), (*word).to_owned());
    }
    match words[0] {
        "I" => ReplicationPolicy::identity(&settings),
        _ => ReplicationPolicy::prefixing(&settings),
    }
}

#[test]
fn policies_name_topics_as_java_does() {
    let mut current = None;
    let mut checked = 0;
    for line in GOLDEN.lines().skip_while(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').collect();
        if let Some(words) = fields[0].strip_prefix("# ") {
            let words: Vec<&str> = words.split(' ').collect();
            let policy = policy(&words);
            assert_eq!(policy.offset_syncs_topic("B"), fields[1], "{line}");
            assert_eq!(policy.checkpoints_topic("B"), fields[2], "{line}");
            current = Some(policy);
            continue;
        }
        let policy = current.as_ref().unwrap();
        let topic = fields[0];
        let or_null = |name: Option<&str>| name.unwrap_or("null").to_owned();
        let kinds = [
            (policy.is_heartbeats_topic(topic), "h"),
            (policy.is_checkpoints_topic(topic), "c"),
            (policy.is_internal_topic(topic), "i"),
        ];
        let kinds = kinds.iter().filter(|(is, _)| *is).map(|(_, kind)| *kind);
        let ours = [
            topic.to_owned(),
            policy.remote_topic("A", topic),
            or_null(policy.topic_source(topic)),
            or_null(policy.upstream_topic(topic)),
            policy.original_topic(topic).to_owned(),
            kinds.collect(),
        ];
        assert_eq!(ours.join("|"), line, "{policy:?}");
        checked += 1;
    }
    assert_eq!(checked, 7 * 23);
}

#[test]
fn switch_of_internal_topics_counts_only_beside_a_separator() {
    let settings = BTreeMap::from([(INTERNAL_SEPARATOR_ENABLED.to_owned(), "yes".to_owned())]);
    let policy = ReplicationPolicy::prefixing(&settings);
    assert_eq!(policy.checkpoints_topic("B"), "B.checkpoints.internal");
}
