//! All topics: their names, ids, settings and partition logs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::config::BrokerConfig;
use crate::error::BrokerError;
use crate::log::batch::BatchHeader;
use crate::log::marker::Marker;
use crate::log::{Appended, PartitionLog, Start};
use crate::transaction::ProducerKey;

/// Longest topic name, as in Kafka.
const NAME_BYTES_MAX: usize = 249;

/// Settings kept per topic, and the longest key or value.
const CONFIGS_MAX: usize = 100;
const CONFIG_BYTES_MAX: usize = 4 << 10;

/// Every topic of the broker.
#[derive(Debug)]
pub(crate) struct Topics {
    by_name: BTreeMap<String, Topic>,
    names: BTreeMap<Uuid, String>,
    limits: TopicLimits,
}

#[derive(Debug)]
struct TopicLimits {
    data_dir: Option<PathBuf>,
    topic_bytes_max: u64,
    segment_bytes: u64,
    batch_bytes_max: usize,
    partitions_max: usize,
}

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: Uuid,
    pub(crate) configs: BTreeMap<String, String>,
    partitions: Vec<PartitionLog>,
}

impl Topic {
    pub(crate) fn partition(&self, index: i32) -> Option<&PartitionLog> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// Partition numbers, from 0.
    pub(crate) fn partition_indexes(&self) -> impl Iterator<Item = i32> {
        (0..).take(self.partitions.len())
    }

    pub(crate) fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }
}

impl Topics {
    pub(crate) fn new(config: &BrokerConfig) -> Self {
        Self {
            by_name: BTreeMap::new(),
            names: BTreeMap::new(),
            limits: TopicLimits {
                data_dir: config.data_dir.as_ref().map(|dir| dir.join("topics")),
                topic_bytes_max: config.topic_bytes_max,
                segment_bytes: config.segment_bytes.min(config.topic_bytes_max / 2).max(1),
                batch_bytes_max: config.batch_bytes_max,
                partitions_max: config.partitions_max,
            },
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    pub(crate) fn name_of(&self, id: Uuid) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Topic)> {
        self.by_name.iter()
    }

    /// Whether [`Self::create`] would succeed.
    ///
    /// # Errors
    /// What is wrong with the new topic.
    pub(crate) fn check_new(
        &self,
        name: &str,
        partitions: i32,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), ResponseError> {
        check_name(name)?;
        if self.by_name.contains_key(name) {
            return Err(ResponseError::TopicAlreadyExists);
        }
        let too_long = |text: &String| text.len() > CONFIG_BYTES_MAX;
        if configs.len() > CONFIGS_MAX || configs.iter().any(|(k, v)| too_long(k) || too_long(v)) {
            return Err(ResponseError::InvalidConfig);
        }
        self.check_room(partitions)
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// See [`Self::check_new`]; `KafkaStorageError` when the disk fails.
    pub(crate) fn create(
        &mut self,
        id: Uuid,
        name: &str,
        partitions: i32,
        configs: BTreeMap<String, String>,
    ) -> Result<(), ResponseError> {
        self.check_new(name, partitions, &configs)?;
        self.open(id, name, count(partitions), configs)
            .map_err(storage_error)
    }

    /// Opens a topic that is known to exist, with whatever its folders hold.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(crate) fn open(
        &mut self,
        id: Uuid,
        name: &str,
        partitions: usize,
        configs: BTreeMap<String, String>,
    ) -> Result<(), BrokerError> {
        let logs: Result<Vec<_>, _> = (0..partitions).map(|p| self.open_log(id, p)).collect();
        self.names.insert(id, name.to_owned());
        self.by_name.insert(
            name.to_owned(),
            Topic {
                id,
                configs,
                partitions: logs?,
            },
        );
        Ok(())
    }

    fn open_log(&self, id: Uuid, partition: usize) -> Result<PartitionLog, BrokerError> {
        match &self.limits.data_dir {
            None => Ok(PartitionLog::in_memory()),
            Some(dir) => PartitionLog::on_disk(
                dir.join(id.to_string()).join(partition.to_string()),
                self.limits.segment_bytes,
            ),
        }
    }

    /// Raises the number of partitions to `total`.
    ///
    /// # Errors
    /// An unknown topic, a number that is not higher, or too many partitions.
    pub(crate) fn grow(
        &mut self,
        name: &str,
        total: i32,
        only_check: bool,
    ) -> Result<Uuid, ResponseError> {
        let topic = self
            .by_name
            .get(name)
            .ok_or(ResponseError::UnknownTopicOrPartition)?;
        let (id, present) = (topic.id, topic.partition_count());
        if total <= present {
            return Err(ResponseError::InvalidPartitions);
        }
        self.check_room(total - present)?;
        if only_check {
            return Ok(id);
        }
        let new = count(present)..count(total);
        let logs: Result<Vec<_>, _> = new.map(|partition| self.open_log(id, partition)).collect();
        let logs = logs.map_err(storage_error)?;
        if let Some(topic) = self.by_name.get_mut(name) {
            topic.partitions.extend(logs);
        }
        Ok(id)
    }

    /// Removes a topic and its data.
    ///
    /// # Errors
    /// An unknown topic.
    pub(crate) fn delete(&mut self, name: &str) -> Result<Uuid, ResponseError> {
        let topic = self
            .by_name
            .remove(name)
            .ok_or(ResponseError::UnknownTopicOrPartition)?;
        self.names.remove(&topic.id);
        if let Some(dir) = &self.limits.data_dir {
            let folder = dir.join(topic.id.to_string());
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::warn!(%error, ?folder, "cannot remove a deleted topic's files");
            }
        }
        Ok(topic.id)
    }

    /// Appends one validated batch and applies the topic's size cap.
    ///
    /// # Errors
    /// The Kafka error for the producer.
    pub(crate) fn append(
        &mut self,
        name: &str,
        partition: i32,
        header: &BatchHeader,
        records: &Bytes,
        start: Start,
    ) -> Result<Appended, ResponseError> {
        let (log, bytes_max) = self.log_mut(name, partition)?;
        let mut appended = log.append(header, records, start)?;
        log.retain(bytes_max);
        appended.log_start_offset = log.start_offset();
        Ok(appended)
    }

    /// Ends a producer's transaction in one partition.
    ///
    /// # Errors
    /// The partition is gone, or the disk fails.
    pub(crate) fn end_transaction(
        &mut self,
        name: &str,
        partition: i32,
        marker: &Marker,
    ) -> Result<(), ResponseError> {
        let (log, bytes_max) = self.log_mut(name, partition)?;
        log.end_transaction(marker)?;
        log.retain(bytes_max);
        Ok(())
    }

    /// Every open transaction: topic, partition, and the producer with the epoch it has there.
    pub(crate) fn open_transactions(&self) -> Vec<(String, i32, ProducerKey)> {
        let mut open = Vec::new();
        for (name, topic) in &self.by_name {
            for (log, partition) in topic.partitions.iter().zip(0..) {
                for id in log.open_transactions().keys().copied() {
                    let known = log.producers().find(|producer| producer.id == id);
                    let epoch = known.map_or(0, |known| known.epoch);
                    open.push((name.clone(), partition, ProducerKey { id, epoch }));
                }
            }
        }
        open
    }

    pub(crate) fn has_partition(&self, name: &str, partition: i32) -> bool {
        self.get(name)
            .is_some_and(|topic| topic.partition(partition).is_some())
    }

    /// A partition's log and its share of the topic's size cap.
    fn log_mut(
        &mut self,
        name: &str,
        partition: i32,
    ) -> Result<(&mut PartitionLog, u64), ResponseError> {
        let unknown = ResponseError::UnknownTopicOrPartition;
        let topic = self.by_name.get_mut(name).ok_or(unknown)?;
        let partitions = u64::try_from(topic.partitions.len()).unwrap_or(u64::MAX);
        let bytes_max = self.limits.topic_bytes_max / partitions.max(1);
        let index = usize::try_from(partition).map_err(|_| unknown)?;
        let log = topic.partitions.get_mut(index).ok_or(unknown)?;
        Ok((log, bytes_max))
    }

    /// Largest batch that a topic takes, in bytes.
    pub(crate) fn batch_bytes_max(&self, name: &str) -> usize {
        self.by_name
            .get(name)
            .and_then(|topic| topic.configs.get("max.message.bytes"))
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(self.limits.batch_bytes_max)
    }

    fn check_room(&self, more: i32) -> Result<(), ResponseError> {
        let present: usize = self
            .by_name
            .values()
            .map(|topic| topic.partitions.len())
            .sum();
        if more < 1 {
            return Err(ResponseError::InvalidPartitions);
        }
        if present.saturating_add(count(more)) > self.limits.partitions_max {
            return Err(ResponseError::PolicyViolation);
        }
        Ok(())
    }
}

/// # Source
/// `org.apache.kafka.common.internals.Topic.validate`.
fn check_name(name: &str) -> Result<(), ResponseError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let valid =
        !matches!(name, "" | "." | "..") && name.len() <= NAME_BYTES_MAX && name.bytes().all(legal);
    if valid {
        Ok(())
    } else {
        Err(ResponseError::InvalidTopicException)
    }
}

fn count(partitions: i32) -> usize {
    usize::try_from(partitions).unwrap_or_default()
}

fn storage_error(error: BrokerError) -> ResponseError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "cannot open a partition log"
    );
    ResponseError::KafkaStorageError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        let long = "x".repeat(250);
        for bad in ["", ".", "..", "a b", "a/b", "ü", long.as_str()] {
            assert_eq!(
                check_name(bad),
                Err(ResponseError::InvalidTopicException),
                "{bad}"
            );
        }
        assert_eq!(check_name("Orders_v1.eu-west"), Ok(()));
    }

    #[test]
    fn partitions_of_all_topics_are_bounded() {
        let config = BrokerConfig {
            partitions_max: 3,
            ..BrokerConfig::default()
        };
        let mut topics = Topics::new(&config);
        let id = Uuid::from_u128(1);
        topics.create(id, "a", 2, BTreeMap::new()).unwrap();
        let full = topics.create(Uuid::from_u128(2), "b", 2, BTreeMap::new());
        assert_eq!(full, Err(ResponseError::PolicyViolation));
        assert_eq!(
            topics.grow("a", 2, false),
            Err(ResponseError::InvalidPartitions)
        );
        assert_eq!(topics.grow("a", 3, false), Ok(id));
        assert_eq!(topics.get("a").map(Topic::partition_count), Some(3));
        let none = topics.create(Uuid::from_u128(2), "b", 0, BTreeMap::new());
        assert_eq!(none, Err(ResponseError::InvalidPartitions));
    }
}
