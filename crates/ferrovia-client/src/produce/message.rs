//! Produce requests and answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::window::Dispatch;
use crate::settings::ClientSettings;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Where a batch landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Produced {
    /// Offset of its first record.
    pub base_offset: i64,
    /// The broker's time for it in milliseconds since 1970, where the topic uses that.
    pub log_append_time: Option<i64>,
}

/// What a leader says to each batch of a request.
pub(super) type Answer = BTreeMap<TopicPartition, Result<Produced, ErrorCode>>;

pub(super) fn request<T>(
    dispatch: &Dispatch<T>,
    acks: i16,
    settings: &ClientSettings,
) -> ProduceRequest {
    let mut topics: BTreeMap<Arc<str>, Vec<PartitionProduceData>> = BTreeMap::new();
    for (partition, batch) in &dispatch.batches {
        let data = PartitionProduceData::default()
            .with_index(partition.partition)
            .with_records(Some(batch.bytes.clone()));
        topics
            .entry(Arc::clone(&partition.topic))
            .or_default()
            .push(data);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_string(name.to_string())))
            .with_partition_data(partitions)
    });
    let timeout_ms = i32::try_from(settings.request_timeout.as_millis()).unwrap_or(i32::MAX);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(timeout_ms)
        .with_topic_data(topics.collect())
}

pub(super) fn answer(response: &ProduceResponse) -> Answer {
    let mut answer = BTreeMap::new();
    for topic in &response.responses {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partition_responses {
            let produced = Produced {
                base_offset: partition.base_offset,
                log_append_time: Some(partition.log_append_time_ms).filter(|time| *time >= 0),
            };
            let outcome = ErrorCode(partition.error_code).ok().map(|()| produced);
            answer.insert(
                TopicPartition::new(Arc::clone(&name), partition.index),
                outcome,
            );
        }
    }
    answer
}
