//! The three topics as a Java worker left them after a life of connectors: created, paused, stopped, resumed, changed,
//! restarted and deleted. Tests only.
//!
//! # Source
//! Kafka 4.2.0 with `exactly.once.source.support=enabled`, read with `read_committed`

use serde::Deserialize;

/// One record of one of the topics.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) topic: String,
    pub(super) offset: i64,
    pub(super) key: String,
    pub(super) value: Option<String>,
}

/// The records of a topic (`configs`, `statuses` or `offsets`), partition by partition.
pub(super) fn records(topic: &str) -> Vec<Recorded> {
    let text = include_str!("../../tests/fixtures/internal_topics.jsonl");
    let all = text
        .lines()
        .map(|line| serde_json::from_str::<Recorded>(line).unwrap());
    let found: Vec<Recorded> = all.filter(|record| record.topic == topic).collect();
    assert!(!found.is_empty());
    found
}
