//! What topics are configured to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::protocol::StrBytes;

use super::retry::Attempts;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// A topic's configurations by name, defaults included, or a code with the broker's words. Values that the broker keeps
/// to itself are `None`.
pub type TopicConfigs = Result<BTreeMap<String, Option<String>>, (ErrorCode, Option<Arc<str>>)>;

/// Reads configurations of topics: those of `names`, or all with `None`. Each topic has an answer of its own.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
///
/// # Source
/// The DescribeConfigs API (KIP-133)
pub async fn topic_configs(
    cluster: &Cluster,
    topics: &[Arc<str>],
    names: Option<&[&str]>,
) -> Result<BTreeMap<Arc<str>, TopicConfigs>, ClientError> {
    let keys = names.map(|names| {
        let keys = names.iter().map(|name| StrBytes::from((*name).to_owned()));
        keys.collect::<Vec<_>>()
    });
    let resources = topics.iter().map(|topic| {
        DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.to_string()))
            .with_configuration_keys(keys.clone())
    });
    let request = DescribeConfigsRequest::default().with_resources(resources.collect());
    let mut attempts = Attempts::new(cluster, "DescribeConfigs");
    loop {
        let outcome = match cluster.any_node().await {
            Ok(connection) => connection.call(request.clone()).await,
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok(answer) => {
                let results = answer.results.into_iter().map(|result| {
                    let configs = result.configs.into_iter();
                    let one = |(name, value): (StrBytes, Option<StrBytes>)| {
                        (name.to_string(), value.map(|value| value.to_string()))
                    };
                    let configs = configs.map(|config| one((config.name, config.value)));
                    let detail = result.error_message.map(|text| text.as_str().into());
                    let code = ErrorCode(result.error_code).ok();
                    let outcome = code
                        .map(|()| configs.collect())
                        .map_err(|code| (code, detail));
                    (result.resource_name.as_str().into(), outcome)
                });
                return Ok(results.collect());
            }
            Err(error) => error,
        };
        attempts.pause_after(error).await?;
    }
}

/// What a resource of this number is.
pub(super) const TOPIC: i8 = 2;
