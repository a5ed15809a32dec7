//! Making and deleting topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest};
use kafka_protocol::protocol::StrBytes;

use super::offsets::topic_name;
use super::retry::Attempts;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::wire::error_code::ErrorCode;

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: Arc<str>,
    /// Number of partitions; `None` for the broker's default.
    pub partitions: Option<i32>,
    /// Copies of each partition; `None` for the broker's default.
    pub replication_factor: Option<i16>,
    /// Topic configurations.
    pub configs: BTreeMap<String, String>,
}

/// What became of a topic: done, or a code with the broker's words.
pub type TopicOutcome = Result<(), (ErrorCode, Option<Arc<str>>)>;

/// Makes topics. Retries while the controller moves; a topic that exists is an outcome
/// (`TOPIC_ALREADY_EXISTS`), as it may be the work of an attempt whose answer was lost.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
pub async fn create_topics(
    cluster: &Cluster,
    topics: &[NewTopic],
    validate_only: bool,
) -> Result<BTreeMap<Arc<str>, TopicOutcome>, ClientError> {
    let request = CreateTopicsRequest::default()
        .with_topics(topics.iter().map(creatable).collect())
        .with_timeout_ms(timeout_ms(cluster))
        .with_validate_only(validate_only);
    let mut attempts = Attempts::new(cluster, "CreateTopics");
    loop {
        let outcome = match controller(cluster).await {
            Ok(connection) => {
                let answer = connection.call(request.clone()).await;
                answer.map(|answer| (connection, answer.topics))
            }
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok((connection, results)) => {
                let outcomes = results.iter().map(|result| {
                    let detail = result
                        .error_message
                        .as_ref()
                        .map(|text| text.as_str().into());
                    let code = ErrorCode(result.error_code).ok();
                    (
                        result.name.as_str().into(),
                        code.map_err(|code| (code, detail)),
                    )
                });
                let outcomes: BTreeMap<_, TopicOutcome> = outcomes.collect();
                match wrong_controller(&connection, "CreateTopics", &outcomes) {
                    None => return Ok(outcomes),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        cluster.request_refresh();
        attempts.pause_after(error).await?;
    }
}

/// Deletes topics by name.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
pub async fn delete_topics(
    cluster: &Cluster,
    names: &[Arc<str>],
) -> Result<BTreeMap<Arc<str>, TopicOutcome>, ClientError> {
    let request = DeleteTopicsRequest::default()
        .with_topic_names(names.iter().map(|name| topic_name(name)).collect())
        .with_timeout_ms(timeout_ms(cluster));
    let mut attempts = Attempts::new(cluster, "DeleteTopics");
    loop {
        let outcome = match controller(cluster).await {
            Ok(connection) => {
                let answer = connection.call(request.clone()).await;
                answer.map(|answer| (connection, answer.responses))
            }
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok((connection, results)) => {
                let outcomes = results.iter().filter_map(|result| {
                    let name = result.name.as_ref()?.as_str().into();
                    let detail = result
                        .error_message
                        .as_ref()
                        .map(|text| text.as_str().into());
                    let code = ErrorCode(result.error_code).ok();
                    Some((name, code.map_err(|code| (code, detail))))
                });
                let outcomes: BTreeMap<_, TopicOutcome> = outcomes.collect();
                match wrong_controller(&connection, "DeleteTopics", &outcomes) {
                    None => return Ok(outcomes),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        cluster.request_refresh();
        attempts.pause_after(error).await?;
    }
}

/// The controller where the metadata names one, else any broker, which forwards the request
/// (KIP-590).
pub(super) async fn controller(cluster: &Cluster) -> Result<Connection, ClientError> {
    match cluster.metadata().controller_id {
        Some(node_id) => cluster.node(node_id).await,
        None => cluster.any_node().await,
    }
}

pub(super) fn wrong_controller(
    connection: &Connection,
    api: &'static str,
    outcomes: &BTreeMap<Arc<str>, TopicOutcome>,
) -> Option<ClientError> {
    let codes = outcomes
        .values()
        .filter_map(|outcome| outcome.as_ref().err());
    let mut moved = codes.filter(|(code, _)| *code == ErrorCode::NOT_CONTROLLER);
    moved.next().map(|(code, detail)| ClientError::Refused {
        api,
        address: Arc::clone(connection.address()),
        code: *code,
        detail: detail.clone(),
    })
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let configs = topic.configs.iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_string(name.clone()))
            .with_value(Some(StrBytes::from_string(value.clone())))
    });
    CreatableTopic::default()
        .with_name(topic_name(&topic.name))
        .with_num_partitions(topic.partitions.unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.unwrap_or(-1))
        .with_configs(configs.collect())
}

pub(super) fn timeout_ms(cluster: &Cluster) -> i32 {
    i32::try_from(cluster.settings().request_timeout.as_millis()).unwrap_or(i32::MAX)
}
