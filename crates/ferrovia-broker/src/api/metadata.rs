//! Metadata (key 3), versions 0–13.
//!
//! v1 all topics by null, v4 auto-creation flag, v5 offline replicas, v7 leader epochs,
//! v8 authorized operations, v9 flexible, v10 topic ids (KIP-516), v12 lookup by id, v13 top-level
//! error.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kafka_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::log::LEADER_EPOCH;
use crate::shape::{Shape, fixed, rows, text};
use crate::topics::{Topic, Topics};

/// See the module.
pub(crate) struct Metadata;

/// From here on null asks for all topics, before that an empty list does.
const NULL_ASKS_FOR_ALL_SINCE: i16 = 1;
/// Before this version a topic is always created on demand.
const CREATION_FLAG_SINCE: i16 = 4;
/// Up to here a topic's name may not be null in an answer.
const NAME_REQUIRED_UNTIL: i16 = 11;

impl Api for Metadata {
    type Request = MetadataRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=13;
    const SHAPE: Shape = Shape {
        flexible_from: 9,
        fields: &[
            rows(&[fixed(16).since(10), text()]),
            fixed(1).since(4),
            fixed(1).since(8).until(10),
            fixed(1).since(8),
        ],
    };

    async fn answer(call: &Call, request: MetadataRequest) -> Answer<MetadataResponse> {
        let may_create = call.broker.config.auto_create_topics
            && (request.allow_auto_topic_creation || call.version < CREATION_FLAG_SINCE);
        let mut topics = lock(&call.broker.topics);
        let asked = request
            .topics
            .filter(|asked| call.version >= NULL_ASKS_FOR_ALL_SINCE || !asked.is_empty());
        let answers = match asked {
            Some(asked) => {
                asked.into_iter().map(|a| describe(call, &mut topics, a, may_create)).collect()
            }
            None => topics.iter().map(|(name, topic)| found(call, name, topic)).collect(),
        };
        Answer::Message(response(call, answers))
    }

    fn refuse(call: &Call, request: MetadataRequest, error: i16) -> MetadataResponse {
        let asked = request.topics.unwrap_or_default();
        let answers = asked.into_iter().map(|asked| missing(call, asked.name, asked.topic_id, error));
        let answers = answers.collect();
        response(call, answers)
    }
}

fn response(call: &Call, topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
    let broker = &call.broker;
    let node = MetadataResponseBroker::default()
        .with_node_id(broker.id())
        .with_host(broker.host.clone())
        .with_port(broker.port);
    MetadataResponse::default()
        .with_brokers(vec![node])
        .with_cluster_id(Some(broker.cluster_id.clone()))
        .with_controller_id(broker.id())
        .with_topics(topics)
}

fn describe(
    call: &Call,
    topics: &mut Topics,
    asked: MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let Some(name) = asked.name.filter(|name| !name.is_empty()) else {
        let name = topics.name_of(asked.topic_id);
        return match name.and_then(|name| Some((name, topics.get(name)?))) {
            Some((name, topic)) => found(call, name, topic),
            None => missing(call, None, asked.topic_id, ResponseError::UnknownTopicId.code()),
        };
    };
    if topics.get(&name).is_none() {
        let unknown = Err(ResponseError::UnknownTopicOrPartition);
        let partitions = call.broker.config.default_partitions;
        let created = if may_create {
            call.broker.create_topic(topics, &name, partitions, BTreeMap::new())
        } else {
            unknown
        };
        if let Err(error) = created {
            return missing(call, Some(name), Uuid::nil(), error.code());
        }
    }
    match topics.get(&name) {
        Some(topic) => found(call, &name, topic),
        None => missing(call, Some(name), Uuid::nil(), ResponseError::UnknownServerError.code()),
    }
}

fn found(call: &Call, name: &str, topic: &Topic) -> MetadataResponseTopic {
    let node = call.broker.id();
    let partitions = topic.partition_indexes().map(|index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(node)
            .with_leader_epoch(LEADER_EPOCH)
            .with_replica_nodes(vec![node])
            .with_isr_nodes(vec![node])
    });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_topic_id(topic.id)
        .with_is_internal(name == "__consumer_offsets")
        .with_partitions(partitions.collect())
}

fn missing(
    call: &Call,
    name: Option<TopicName>,
    id: Uuid,
    error: i16,
) -> MetadataResponseTopic {
    let name = if call.version <= NAME_REQUIRED_UNTIL { Some(name.unwrap_or_default()) } else { name };
    MetadataResponseTopic::default().with_error_code(error).with_name(name).with_topic_id(id)
}
