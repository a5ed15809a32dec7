//! DescribeConfigs (key 32), versions 1–4. v1 synonyms, v3 documentation and types, v4 flexible.
//! Topics show what they were created with beside the settings that this broker follows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
};

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::shape::{Shape, fixed, rows, text, values};
use crate::topics::Topics;

/// See the module.
pub(crate) struct DescribeConfigs;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Values of `DescribeConfigsResponse.ConfigSource`.
const FROM_TOPIC: i8 = 1;
const FROM_BROKER: i8 = 4;
const FROM_DEFAULT: i8 = 5;

/// Topic settings at their defaults, as far as clients ask for them.
const TOPIC_DEFAULTS: [(&str, &str); 6] = [
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("message.timestamp.type", "CreateTime"),
    ("min.insync.replicas", "1"),
    ("retention.bytes", "-1"),
    ("retention.ms", "-1"),
];

impl Api for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    const VERSIONS: RangeInclusive<i16> = 1..=4;
    const SHAPE: Shape = Shape {
        flexible_from: 4,
        fields: &[
            rows(&[fixed(1), text(), values(&text())]),
            fixed(1),
            fixed(1).since(3),
        ],
    };

    async fn answer(
        call: &Call,
        request: DescribeConfigsRequest,
    ) -> Answer<DescribeConfigsResponse> {
        let topics = lock(&call.broker.topics);
        let results = request.resources.into_iter().map(|asked| describe(call, &topics, asked));
        Answer::Message(DescribeConfigsResponse::default().with_results(results.collect()))
    }

    fn refuse(
        _call: &Call,
        request: DescribeConfigsRequest,
        error: i16,
    ) -> DescribeConfigsResponse {
        let results = request.resources.into_iter().map(|asked| refused(asked, error));
        DescribeConfigsResponse::default().with_results(results.collect())
    }
}

fn describe(call: &Call, topics: &Topics, asked: DescribeConfigsResource) -> DescribeConfigsResult {
    let found = match asked.resource_type {
        TOPIC => topic_configs(topics, &asked.resource_name),
        BROKER => broker_configs(call, &asked.resource_name),
        _ => Err(ResponseError::InvalidRequest),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return refused(asked, error.code()),
    };
    let keys = asked.configuration_keys.as_ref();
    let configs = found
        .into_iter()
        .filter(|(name, _)| keys.is_none_or(|keys| keys.iter().any(|key| key.as_str() == name)))
        .map(|(name, (value, source))| {
            DescribeConfigsResourceResult::default()
                .with_name(name.into())
                .with_value(Some(value.into()))
                .with_read_only(source == FROM_BROKER)
                .with_config_source(source)
        });
    DescribeConfigsResult::default()
        .with_configs(configs.collect())
        .with_resource_type(asked.resource_type)
        .with_resource_name(asked.resource_name)
}

fn topic_configs(
    topics: &Topics,
    name: &str,
) -> Result<BTreeMap<String, (String, i8)>, ResponseError> {
    let topic = topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let mut configs: BTreeMap<_, _> = TOPIC_DEFAULTS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), ((*value).to_owned(), FROM_DEFAULT)))
        .collect();
    let size = topics.batch_bytes_max(name).to_string();
    configs.insert("max.message.bytes".to_owned(), (size, FROM_DEFAULT));
    for (name, value) in &topic.configs {
        configs.insert(name.clone(), (value.clone(), FROM_TOPIC));
    }
    Ok(configs)
}

fn broker_configs(
    call: &Call,
    name: &str,
) -> Result<BTreeMap<String, (String, i8)>, ResponseError> {
    let config = &call.broker.config;
    if !name.is_empty() && name.parse() != Ok(config.broker_id) {
        return Err(ResponseError::InvalidRequest);
    }
    let configs = [
        ("auto.create.topics.enable", config.auto_create_topics.to_string()),
        ("broker.id", config.broker_id.to_string()),
        ("default.replication.factor", "1".to_owned()),
        ("message.max.bytes", config.batch_bytes_max.to_string()),
        ("num.partitions", config.default_partitions.to_string()),
    ];
    Ok(configs.into_iter().map(|(name, value)| (name.to_owned(), (value, FROM_BROKER))).collect())
}

fn refused(asked: DescribeConfigsResource, error: i16) -> DescribeConfigsResult {
    DescribeConfigsResult::default()
        .with_error_code(error)
        .with_resource_type(asked.resource_type)
        .with_resource_name(asked.resource_name)
}
