//! DescribeProducers (key 61), version 0 (KIP-664): idempotent producers that partitions remember.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ProducerId;
use kafka_protocol::messages::describe_producers_request::DescribeProducersRequest;
use kafka_protocol::messages::describe_producers_response::{
    DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse,
};

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::log::PartitionLog;
use crate::shape::{Shape, fixed, rows, text, values};

/// See the module.
pub(crate) struct DescribeProducers;

impl Api for DescribeProducers {
    type Request = DescribeProducersRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const SHAPE: Shape = Shape { flexible_from: 0, fields: &[rows(&[text(), values(&fixed(4))])] };

    async fn answer(
        call: &Call,
        request: DescribeProducersRequest,
    ) -> Answer<DescribeProducersResponse> {
        let topics = lock(&call.broker.topics);
        let answers = request.topics.into_iter().map(|asked| {
            let topic = topics.get(&asked.name);
            let partitions = asked.partition_indexes.iter().map(|index| {
                let response = PartitionResponse::default().with_partition_index(*index);
                match topic.and_then(|topic| topic.partition(*index)) {
                    Some(log) => response.with_active_producers(describe(log)),
                    None => response.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                }
            });
            let partitions = partitions.collect();
            TopicResponse::default().with_name(asked.name).with_partitions(partitions)
        });
        Answer::Message(DescribeProducersResponse::default().with_topics(answers.collect()))
    }

    fn refuse(
        _call: &Call,
        request: DescribeProducersRequest,
        error: i16,
    ) -> DescribeProducersResponse {
        let answers = request.topics.into_iter().map(|asked| {
            let partitions = asked.partition_indexes.iter().map(|index| {
                PartitionResponse::default().with_partition_index(*index).with_error_code(error)
            });
            let partitions = partitions.collect();
            TopicResponse::default().with_name(asked.name).with_partitions(partitions)
        });
        DescribeProducersResponse::default().with_topics(answers.collect())
    }
}

fn describe(log: &PartitionLog) -> Vec<ProducerState> {
    let open = log.open_transactions();
    let states = log.producers().map(|producer| {
        ProducerState::default()
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch.into())
            .with_last_sequence(producer.last_sequence)
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(-1)
            .with_current_txn_start_offset(open.get(&producer.id).copied().unwrap_or(-1))
    });
    states.collect()
}
