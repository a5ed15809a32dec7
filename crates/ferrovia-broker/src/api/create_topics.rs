//! CreateTopics (key 19), versions 2–7. v4 default counts by -1 (KIP-464), v5 flexible and the
//! topic's settings in the answer (KIP-525), v6 quota errors, v7 topic ids (KIP-516).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};
use uuid::Uuid;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::shape::{Shape, fixed, rows, text, values};
use crate::topics::Topics;

/// See the module.
pub(crate) struct CreateTopics;

/// `DescribeConfigsResponse.ConfigSource.DYNAMIC_TOPIC_CONFIG`.
const TOPIC_CONFIG_SOURCE: i8 = 1;

impl Api for CreateTopics {
    type Request = CreateTopicsRequest;
    const VERSIONS: RangeInclusive<i16> = 2..=7;
    const SHAPE: Shape = Shape {
        flexible_from: 5,
        fields: &[
            rows(&[
                text(),
                fixed(4),
                fixed(2),
                rows(&[fixed(4), values(&fixed(4))]),
                rows(&[text(), text()]),
            ]),
            fixed(4),
            fixed(1),
        ],
    };

    async fn answer(call: &Call, request: CreateTopicsRequest) -> Answer<CreateTopicsResponse> {
        let mut topics = lock(&call.broker.topics);
        let only_check = request.validate_only;
        let created =
            request.topics.into_iter().map(|asked| create(call, &mut topics, asked, only_check));
        let created = created.collect();
        Answer::Message(CreateTopicsResponse::default().with_topics(created))
    }

    fn refuse(_call: &Call, request: CreateTopicsRequest, error: i16) -> CreateTopicsResponse {
        let refused = request
            .topics
            .into_iter()
            .map(|asked| CreatableTopicResult::default().with_name(asked.name).with_error_code(error));
        CreateTopicsResponse::default().with_topics(refused.collect())
    }
}

fn create(
    call: &Call,
    topics: &mut Topics,
    asked: CreatableTopic,
    only_check: bool,
) -> CreatableTopicResult {
    let configs: BTreeMap<String, String> = asked
        .configs
        .iter()
        .filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())))
        .collect();
    let created = partitions(call, &asked).and_then(|partitions| {
        if only_check {
            topics.check_new(&asked.name, partitions, &configs)?;
            return Ok((Uuid::nil(), partitions));
        }
        let id = call.broker.create_topic(topics, &asked.name, partitions, configs.clone())?;
        Ok((id, partitions))
    });
    let result = CreatableTopicResult::default();
    match created {
        Ok((id, partitions)) => result
            .with_topic_id(id)
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(Some(configs.into_iter().map(described).collect())),
        Err(error) => result
            .with_error_code(error.code())
            .with_error_message(Some(message(error, &asked).into())),
    }
    .with_name(asked.name)
}

fn message(error: ResponseError, asked: &CreatableTopic) -> String {
    match error {
        ResponseError::TopicAlreadyExists => format!("Topic '{}' already exists.", &*asked.name),
        ResponseError::InvalidReplicationFactor => format!(
            "Unable to replicate the partition {} time(s): there is 1 broker.",
            asked.replication_factor
        ),
        other => other.to_string(),
    }
}

fn described((name, value): (String, String)) -> CreatableTopicConfigs {
    CreatableTopicConfigs::default()
        .with_name(name.into())
        .with_value(Some(value.into()))
        .with_config_source(TOPIC_CONFIG_SOURCE)
}

/// How many partitions are asked for, by number or by an assignment to this one broker.
fn partitions(call: &Call, asked: &CreatableTopic) -> Result<i32, ResponseError> {
    if !matches!(asked.replication_factor, -1 | 1) {
        return Err(ResponseError::InvalidReplicationFactor);
    }
    if asked.assignments.is_empty() {
        return match asked.num_partitions {
            -1 => Ok(call.broker.config.default_partitions),
            count => Ok(count),
        };
    }
    let only_here = |ids: &[kafka_protocol::messages::BrokerId]| ids == [call.broker.id()];
    let complete = (0..).zip(&asked.assignments).all(|(index, assignment)| {
        assignment.partition_index == index && only_here(&assignment.broker_ids)
    });
    if !complete || asked.num_partitions != -1 {
        return Err(ResponseError::InvalidReplicaAssignment);
    }
    i32::try_from(asked.assignments.len()).map_err(|_| ResponseError::InvalidPartitions)
}
