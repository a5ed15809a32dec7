//! Produce (key 0), versions 3–13.
//!
//! v3 record batches (KIP-98), v5 log start offset, v8 record errors (KIP-467), v9 flexible,
//! v10 leader hints (KIP-951), v11 abortable errors, v12 partitions join transactions by being
//! written to (KIP-890), v13 topic ids instead of names.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use kafka_protocol::messages::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use uuid::Uuid;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::coordinator::Joining;
use crate::log::{Appended, Start, batch};
use crate::shape::{Shape, blob, fixed, rows, text};

/// See the module.
pub(crate) struct Produce;

const TOPIC_IDS_SINCE: i16 = 13;
const ABORTABLE_SINCE: i16 = 11;
const JOINS_SINCE: i16 = 12;

impl Api for Produce {
    type Request = ProduceRequest;
    const VERSIONS: RangeInclusive<i16> = 3..=13;
    const SHAPE: Shape = Shape {
        flexible_from: 9,
        fields: &[
            text(),
            fixed(2),
            fixed(4),
            rows(&[text().until(12), fixed(16).since(13), rows(&[fixed(4), blob()])]),
        ],
    };

    async fn answer(call: &Call, request: ProduceRequest) -> Answer<ProduceResponse> {
        let acks = request.acks;
        if !(-1..=1).contains(&acks) {
            let error = ResponseError::InvalidRequiredAcks.code();
            return Answer::Message(Self::refuse(call, request, error));
        }
        let id = request.transactional_id.as_ref().map(|id| id.as_str());
        let topics = request.topic_data.into_iter();
        let responses = topics.map(|topic| append_topic(call, id, topic)).collect();
        call.broker.appended.notify_waiters();
        if acks == 0 {
            return Answer::Silence;
        }
        Answer::Message(ProduceResponse::default().with_responses(responses))
    }

    fn refuse(_call: &Call, request: ProduceRequest, error: i16) -> ProduceResponse {
        let responses = request.topic_data.into_iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|data| refused(data.index, error));
            let partitions = partitions.collect();
            topic_response(topic.name, topic.topic_id, partitions)
        });
        ProduceResponse::default().with_responses(responses.collect())
    }
}

fn append_topic(
    call: &Call,
    transactional_id: Option<&str>,
    topic: TopicProduceData,
) -> TopicProduceResponse {
    let name = if call.version < TOPIC_IDS_SINCE {
        Ok(topic.name.to_string())
    } else {
        let topics = lock(&call.broker.topics);
        let name = topics.name_of(topic.topic_id).map(ToOwned::to_owned);
        name.ok_or(ResponseError::UnknownTopicId)
    };
    let partitions = topic.partition_data.into_iter().map(|data| {
        let index = data.index;
        let appended = name.as_ref().map_err(|error| *error);
        match appended.and_then(|name| append(call, transactional_id, name, data)) {
            Ok(appended) => PartitionProduceResponse::default()
                .with_index(index)
                .with_base_offset(appended.base_offset)
                .with_log_start_offset(appended.log_start_offset),
            Err(error) => refused(index, error.code()),
        }
    });
    let partitions = partitions.collect();
    topic_response(topic.name, topic.topic_id, partitions)
}

fn append(
    call: &Call,
    transactional_id: Option<&str>,
    topic: &str,
    data: PartitionProduceData,
) -> Result<Appended, ResponseError> {
    let records = data.records.unwrap_or_default();
    let bytes_max = lock(&call.broker.topics).batch_bytes_max(topic);
    // The checksum is the expensive part: no lock is held meanwhile.
    let header = batch::validate(&records, bytes_max)?;
    if !header.is_transactional() {
        let mut topics = lock(&call.broker.topics);
        return topics.append(topic, data.index, &header, &records, Start::Anywhere);
    }
    let id = transactional_id.ok_or(ResponseError::TransactionalIdAuthorizationFailed)?;
    let joins = call.version >= JOINS_SINCE;
    let joining = if joins { Joining::Implicit } else { Joining::Explicit };
    let place = (topic, data.index);
    let appended = call.broker.append_in_transaction(id, joining, place, &header, &records);
    appended.map_err(|error| match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        ResponseError::TransactionAbortable if call.version < ABORTABLE_SINCE => {
            ResponseError::InvalidTxnState
        }
        // Older clients give up on the error itself; this one they try again.
        ResponseError::ConcurrentTransactions if !joins => ResponseError::NotEnoughReplicas,
        error => error,
    })
}

fn refused(index: i32, error: i16) -> PartitionProduceResponse {
    PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(error)
        .with_base_offset(-1)
}

fn topic_response(
    name: TopicName,
    id: Uuid,
    partitions: Vec<PartitionProduceResponse>,
) -> TopicProduceResponse {
    TopicProduceResponse::default()
        .with_name(name)
        .with_topic_id(id)
        .with_partition_responses(partitions)
}
