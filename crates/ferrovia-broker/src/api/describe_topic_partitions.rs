//! DescribeTopicPartitions (key 75), version 0 (KIP-966): topics in order, from a cursor on.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::describe_topic_partitions_request::DescribeTopicPartitionsRequest;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::log::LEADER_EPOCH;
use crate::shape::{Shape, fixed, maybe, rows, text};
use crate::topics::{Topic, Topics};

/// See the module.
pub(crate) struct DescribeTopicPartitions;

/// Partitions in one answer, as in Kafka (`max.request.partition.size.limit`).
const PARTITIONS_MAX: usize = 2_000;

impl Api for DescribeTopicPartitions {
    type Request = DescribeTopicPartitionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const SHAPE: Shape = Shape {
        flexible_from: 0,
        fields: &[rows(&[text()]), fixed(4), maybe(&[text(), fixed(4)])],
    };

    async fn answer(
        call: &Call,
        request: DescribeTopicPartitionsRequest,
    ) -> Answer<DescribeTopicPartitionsResponse> {
        let topics = lock(&call.broker.topics);
        Answer::Message(describe(call, &topics, request))
    }

    fn refuse(
        _call: &Call,
        request: DescribeTopicPartitionsRequest,
        error: i16,
    ) -> DescribeTopicPartitionsResponse {
        let refused = request.topics.into_iter().map(|asked| missing(asked.name, error));
        DescribeTopicPartitionsResponse::default().with_topics(refused.collect())
    }
}

fn describe(
    call: &Call,
    topics: &Topics,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let mut names: BTreeSet<String> =
        request.topics.iter().map(|asked| asked.name.to_string()).collect();
    let asked_by_name = !names.is_empty();
    if !asked_by_name {
        names = topics.iter().map(|(name, _)| name.clone()).collect();
    }
    let (first_name, first_partition) = request.cursor.map_or_else(Default::default, |cursor| {
        (cursor.topic_name.to_string(), cursor.partition_index)
    });
    let limit = usize::try_from(request.response_partition_limit).unwrap_or_default();
    let mut left = limit.clamp(1, PARTITIONS_MAX);
    let mut answers = Vec::new();
    let mut next_cursor = None;
    for name in names.into_iter().filter(|name| *name >= first_name) {
        let from = if name == first_name { first_partition } else { 0 };
        let Some(topic) = topics.get(&name) else {
            let error = ResponseError::UnknownTopicOrPartition.code();
            answers.push(missing(TopicName(name.into()), error));
            continue;
        };
        if left == 0 {
            next_cursor = Some(cursor(&name, from));
            break;
        }
        let shown: Vec<i32> = topic.partition_indexes().filter(|i| *i >= from).take(left).collect();
        left -= shown.len();
        let after = shown.last().map_or(from, |last| last + 1);
        answers.push(found(call, &name, topic, &shown));
        if after < topic.partition_count() {
            next_cursor = Some(cursor(&name, after));
            break;
        }
    }
    DescribeTopicPartitionsResponse::default().with_topics(answers).with_next_cursor(next_cursor)
}

fn cursor(topic: &str, partition: i32) -> Cursor {
    Cursor::default()
        .with_topic_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partition_index(partition)
}

fn found(
    call: &Call,
    name: &str,
    topic: &Topic,
    partitions: &[i32],
) -> DescribeTopicPartitionsResponseTopic {
    let node = call.broker.id();
    let partitions = partitions.iter().map(|index| {
        DescribeTopicPartitionsResponsePartition::default()
            .with_partition_index(*index)
            .with_leader_id(node)
            .with_leader_epoch(LEADER_EPOCH)
            .with_replica_nodes(vec![node])
            .with_isr_nodes(vec![node])
            .with_eligible_leader_replicas(Some(Vec::new()))
            .with_last_known_elr(Some(Vec::new()))
    });
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_topic_id(topic.id)
        .with_partitions(partitions.collect())
}

fn missing(name: TopicName, error: i16) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default().with_name(Some(name)).with_error_code(error)
}
