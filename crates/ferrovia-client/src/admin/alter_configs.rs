//! Changing configurations of topics one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::protocol::StrBytes;

use super::configs::TOPIC;
use super::retry::ask_any;
use super::topics::TopicOutcome;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// What becomes of one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// It gets this value; none where the source keeps it to itself, which brokers refuse.
    Set(Option<String>),
    /// It gets its default.
    Delete,
}

/// Changes configurations of topics; those not named stay as they are. Each topic has an outcome of its own.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.incrementalAlterConfigs` (KIP-339)
pub async fn alter_topic_configs(
    cluster: &Cluster,
    changes: &BTreeMap<Arc<str>, BTreeMap<String, ConfigChange>>,
) -> Result<BTreeMap<Arc<str>, TopicOutcome>, ClientError> {
    let resources = changes.iter().map(|(topic, changes)| {
        AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.to_string()))
            .with_configs(changes.iter().map(alterable).collect())
    });
    let request = IncrementalAlterConfigsRequest::default().with_resources(resources.collect());
    let (_, answer) = ask_any(cluster, request).await?;
    let results = answer.responses.into_iter().map(|result| {
        let detail = result.error_message.as_deref().map(Arc::from);
        let code = ErrorCode(result.error_code).ok();
        let outcome = code.map_err(|code| (code, detail));
        (result.resource_name.as_str().into(), outcome)
    });
    Ok(results.collect())
}

fn alterable((name, change): (&String, &ConfigChange)) -> AlterableConfig {
    let (operation, value) = match change {
        ConfigChange::Set(value) => (SET, value.clone()),
        ConfigChange::Delete => (DELETE, None),
    };
    AlterableConfig::default()
        .with_name(StrBytes::from_string(name.clone()))
        .with_config_operation(operation)
        .with_value(value.map(StrBytes::from_string))
}

const SET: i8 = 0;
const DELETE: i8 = 1;
