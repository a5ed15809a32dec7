//! What topics are configured to be, with where each value comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::protocol::StrBytes;

use super::configs::TOPIC;
use super::retry::ask_any;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// One configuration of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` where the broker keeps it to itself.
    pub value: Option<String>,
    /// Who set it.
    pub source: ConfigSource,
    /// Whether nobody can change it.
    pub is_read_only: bool,
    /// Whether it is a secret.
    pub is_sensitive: bool,
}

/// Who set a configuration.
///
/// # Source
/// `org.apache.kafka.clients.admin.ConfigEntry.ConfigSource`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigSource {
    /// The brokers' file of settings.
    StaticBroker,
    /// Nobody: it is Kafka's default.
    Default,
    /// Somebody, for this topic or for all at run time.
    Somebody,
}

/// A topic's configurations, defaults included, or a code with the broker's words.
pub type ConfigEntries = Result<Vec<ConfigEntry>, (ErrorCode, Option<Arc<str>>)>;

/// Reads all configurations of topics. Each topic has an answer of its own.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.describeConfigs` (KIP-133, KIP-226)
pub async fn topic_config_entries(
    cluster: &Cluster,
    topics: &[Arc<str>],
) -> Result<BTreeMap<Arc<str>, ConfigEntries>, ClientError> {
    let resources = topics.iter().map(|topic| {
        DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.to_string()))
            .with_configuration_keys(None)
    });
    let request = DescribeConfigsRequest::default().with_resources(resources.collect());
    let (_, answer) = ask_any(cluster, request).await?;
    let results = answer.results.into_iter().map(|result| {
        let entries = result.configs.into_iter().map(|config| ConfigEntry {
            name: config.name.to_string(),
            value: config.value.map(|value| value.to_string()),
            source: match config.config_source {
                4 => ConfigSource::StaticBroker,
                5 => ConfigSource::Default,
                _ => ConfigSource::Somebody,
            },
            is_read_only: config.read_only,
            is_sensitive: config.is_sensitive,
        });
        let detail = result.error_message.as_deref().map(Arc::from);
        let code = ErrorCode(result.error_code).ok();
        let outcome = code
            .map(|()| entries.collect())
            .map_err(|code| (code, detail));
        (result.resource_name.as_str().into(), outcome)
    });
    Ok(results.collect())
}
