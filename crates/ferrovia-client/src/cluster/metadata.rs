//! What is known of the cluster, and how an answer changes it. No IO, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use uuid::Uuid;

use crate::settings::BrokerAddress;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// The topics somebody wants to know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSelection {
    /// Every topic there is.
    All,
    /// These and no others.
    Named(BTreeSet<Arc<str>>),
}

impl TopicSelection {
    /// Whether the topic is among them.
    #[must_use]
    pub fn contains(&self, topic: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(topic),
        }
    }
}

/// A picture of the cluster. Never changes; a newer one replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataView {
    /// Counts the changes, from 0 for the view that knows nothing.
    pub generation: u64,
    /// The cluster's id.
    pub cluster_id: Option<Arc<str>>,
    /// The controller, where the brokers name one.
    pub controller_id: Option<i32>,
    /// The brokers by id.
    pub brokers: BTreeMap<i32, BrokerMetadata>,
    /// The wanted topics that the brokers have said something about.
    pub topics: BTreeMap<Arc<str>, TopicMetadata>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerMetadata {
    /// Where it says it can be reached.
    pub address: BrokerAddress,
    /// Where it stands.
    pub rack: Option<Arc<str>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    /// The topic's id; a topic deleted and made again has a new one. Nil from old brokers.
    pub topic_id: Uuid,
    /// Whether the brokers keep it for themselves.
    pub is_internal: bool,
    /// Why there are no partitions, if there are none.
    pub error: ErrorCode,
    /// The partitions by number.
    pub partitions: BTreeMap<i32, PartitionMetadata>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The id of the partition's topic.
    pub topic_id: Uuid,
    /// The broker to produce to and fetch from, if there is one at the moment.
    pub leader: Option<i32>,
    /// The leader's epoch, or -1 if the broker does not say.
    pub leader_epoch: i32,
}

impl MetadataView {
    /// What is known of a partition.
    #[must_use]
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionMetadata> {
        self.topics
            .get(&partition.topic)?
            .partitions
            .get(&partition.partition)
    }

    /// The leader of a partition, if it is a broker that can be reached.
    #[must_use]
    pub fn leader(&self, partition: &TopicPartition) -> Option<i32> {
        let leader = self.partition(partition)?.leader?;
        self.brokers.contains_key(&leader).then_some(leader)
    }

    /// The number of partitions of a topic, if it exists.
    #[must_use]
    pub fn partition_count(&self, topic: &str) -> Option<usize> {
        let count = self.topics.get(topic)?.partitions.len();
        (count > 0).then_some(count)
    }

    /// The name of the topic with this id.
    #[must_use]
    pub fn topic_name(&self, topic_id: Uuid) -> Option<&Arc<str>> {
        let mut topics = self.topics.iter();
        topics
            .find(|(_, topic)| topic.topic_id == topic_id)
            .map(|(name, _)| name)
    }

    /// Whether a wanted topic has no leader somewhere, or the brokers could not say. Such a view
    /// is worth another look soon.
    #[must_use]
    pub fn is_incomplete(&self, wanted: &TopicSelection) -> bool {
        let unsettled = |topic: &TopicMetadata| {
            topic.error.needs_metadata_refresh()
                || topic
                    .partitions
                    .values()
                    .any(|partition| partition.leader.is_none())
        };
        match wanted {
            TopicSelection::All => self.topics.values().any(unsettled),
            TopicSelection::Named(names) => names
                .iter()
                .any(|name| self.topics.get(name).is_none_or(unsettled)),
        }
    }

    /// This view with an answer's news, or `None` where nothing is new.
    ///
    /// Leader epochs never go back for a topic id, because a broker that lags behind must not
    /// undo what a newer one has told (KIP-320). Partitions never vanish from a topic that keeps
    /// its id. Brokers without a usable address are left out.
    #[must_use]
    pub(super) fn after(&self, answer: &MetadataResponse, wanted: &TopicSelection) -> Option<Self> {
        let mut next = Self {
            generation: self.generation,
            cluster_id: answer.cluster_id.as_ref().map(|id| Arc::from(id.as_str())),
            controller_id: Some(answer.controller_id.0).filter(|id| *id >= 0),
            brokers: brokers(answer),
            topics: self.topics.clone(),
        };
        // With all topics asked for, one that is missing in the answer is gone.
        next.topics
            .retain(|name, _| *wanted != TopicSelection::All && wanted.contains(name));
        for topic in &answer.topics {
            let Some(name) = topic.name.as_ref().map(|name| name.as_str()) else {
                continue;
            };
            if wanted.contains(name) {
                let known = self.topics.get(name);
                next.topics
                    .insert(name.into(), TopicMetadata::after(known, topic));
            }
        }
        if next == *self {
            return None;
        }
        next.generation += 1;
        Some(next)
    }
}

impl TopicMetadata {
    fn after(known: Option<&Self>, answer: &MetadataResponseTopic) -> Self {
        let error = ErrorCode(answer.error_code);
        // A broker that cannot tell at the moment does not make what is known wrong.
        if let Some(known) = known
            && error.is_retriable()
            && error != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            && !error.is_none()
        {
            return Self {
                error,
                ..known.clone()
            };
        }
        let topic_id = answer.topic_id;
        let same_topic = known.filter(|known| {
            known.topic_id == topic_id || known.topic_id.is_nil() || topic_id.is_nil()
        });
        let mut partitions = match same_topic {
            Some(known) if error.is_none() => known.partitions.clone(),
            _ => BTreeMap::new(),
        };
        if error.is_none() {
            for partition in answer.partitions.iter().filter(|p| p.partition_index >= 0) {
                let news = PartitionMetadata::of(partition, topic_id);
                let known = partitions.entry(partition.partition_index).or_insert(news);
                if news.leader_epoch < 0 || news.leader_epoch >= known.leader_epoch {
                    *known = news;
                }
            }
        }
        Self {
            topic_id,
            is_internal: answer.is_internal,
            error,
            partitions,
        }
    }
}

impl PartitionMetadata {
    fn of(answer: &MetadataResponsePartition, topic_id: Uuid) -> Self {
        Self {
            topic_id,
            leader: Some(answer.leader_id.0).filter(|id| *id >= 0),
            leader_epoch: answer.leader_epoch.max(-1),
        }
    }
}

fn brokers(answer: &MetadataResponse) -> BTreeMap<i32, BrokerMetadata> {
    let usable = answer.brokers.iter().filter_map(|broker| {
        let port = u16::try_from(broker.port).ok().filter(|port| *port > 0)?;
        let host = Some(broker.host.as_str()).filter(|host| !host.is_empty())?;
        let address = BrokerAddress {
            host: host.into(),
            port,
        };
        let rack = broker.rack.as_ref().map(|rack| Arc::from(rack.as_str()));
        Some((broker.node_id.0, BrokerMetadata { address, rack }))
    });
    usable.collect()
}

#[cfg(test)]
mod tests;
