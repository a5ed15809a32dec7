//! Produce requests and answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::window::Dispatch;
use crate::settings::{Acks, ProducerSettings};
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Where a batch landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Produced {
    /// Offset of its first record; `None` where the broker only knows that it has the batch.
    pub base_offset: Option<i64>,
}

impl Produced {
    /// The batch is in the log, and nobody remembers where.
    pub(super) const SOMEWHERE: Self = Self { base_offset: None };
}

/// Why a leader did not take a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) detail: Option<Arc<str>>,
}

/// What a leader says to each batch of a request.
pub(super) type Answer = BTreeMap<TopicPartition, Result<Produced, Refusal>>;

/// What all requests of a producer have in common.
#[derive(Debug, Clone)]
pub(super) struct RequestHead {
    acks: i16,
    timeout_ms: i32,
    transactional_id: Option<TransactionalId>,
}

impl RequestHead {
    pub(super) fn new(settings: &ProducerSettings, transactional_id: Option<&str>) -> Self {
        // The coordinator's word on a transaction is worth no more than its batches' copies.
        let acks = match transactional_id {
            Some(_) => Acks::All,
            None => settings.acks,
        };
        let timeout = settings.client.request_timeout.as_millis();
        Self {
            acks: acks.wire_value(),
            timeout_ms: i32::try_from(timeout).unwrap_or(i32::MAX),
            transactional_id: transactional_id
                .map(|id| TransactionalId(StrBytes::from_string(id.to_owned()))),
        }
    }

    pub(super) fn request<T>(&self, dispatch: &Dispatch<T>) -> ProduceRequest {
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
        ProduceRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_acks(self.acks)
            .with_timeout_ms(self.timeout_ms)
            .with_topic_data(topics.collect())
    }
}

pub(super) fn answer(response: &ProduceResponse) -> Answer {
    let mut answer = BTreeMap::new();
    for topic in &response.responses {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partition_responses {
            let produced = Produced {
                base_offset: Some(partition.base_offset).filter(|offset| *offset >= 0),
            };
            let refusal = |code| Refusal {
                code,
                detail: partition
                    .error_message
                    .as_ref()
                    .map(|text| text.as_str().into()),
            };
            let code = ErrorCode(partition.error_code);
            let outcome = code.ok().map(|()| produced).map_err(refusal);
            answer.insert(
                TopicPartition::new(Arc::clone(&name), partition.index),
                outcome,
            );
        }
    }
    answer
}
