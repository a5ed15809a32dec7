//! Where a record stands in Kafka: topic, partition, offset.
//!
//! Offsets here are always those of the record as it was read, before any transformation.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A partition of a topic. Cheap to clone: the name is shared.
///
/// # Source
/// `org.apache.kafka.common.TopicPartition`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// The next offset to read, by partition: what a sink task has taken, or what is safe to commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    next: BTreeMap<TopicPartition, i64>,
}

impl Offsets {
    /// No partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// The offset of the next record of `partition`, if it is listed.
    pub fn get(&self, partition: &TopicPartition) -> Option<i64> {
        self.next.get(partition).copied()
    }

    /// Lists `partition` with the offset of its next record.
    pub fn set(&mut self, partition: TopicPartition, next_offset: i64) {
        self.next.insert(partition, next_offset);
    }

    /// Takes `partition` off the list.
    pub fn remove(&mut self, partition: &TopicPartition) -> Option<i64> {
        self.next.remove(partition)
    }

    /// Keeps the partitions for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&TopicPartition, i64) -> bool) {
        self.next
            .retain(|partition, offset| keep(partition, *offset));
    }

    /// The partitions in order, each with the offset of its next record.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.next
            .iter()
            .map(|(partition, offset)| (partition, *offset))
    }

    /// Whether no partition is listed.
    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// How many partitions are listed.
    pub fn len(&self) -> usize {
        self.next.len()
    }
}

impl FromIterator<(TopicPartition, i64)> for Offsets {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, i64)>>(entries: I) -> Self {
        Self {
            next: entries.into_iter().collect(),
        }
    }
}
