//! Makes the topics that the connectors keep for themselves: compacted, with one partition.

use std::collections::BTreeMap;

use ferrovia_client::admin::topics::create_topics;
use ferrovia_client::admin::{NewTopic, TopicOutcome};
use ferrovia_client::{ClientError, Cluster, ErrorCode};
use ferrovia_pipeline::error::ConnectError;

/// Makes a topic unless it is there. Where that is not allowed, it is taken to be there, or to be made by the broker.
///
/// # Errors
/// In the words of Java's `MirrorUtils.createCompactedTopic`.
pub(crate) async fn create(
    cluster: &Cluster,
    name: &str,
    replication_factor: i16,
) -> Result<(), ConnectError> {
    let configs = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
    let topic = NewTopic {
        name: name.into(),
        partitions: Some(1),
        replication_factor: Some(replication_factor),
        configs,
    };
    let outcomes = create_topics(cluster, std::slice::from_ref(&topic), false).await;
    let mut outcomes = outcomes.map_err(|error| unanswered(name, error))?;
    match outcomes.remove(&topic.name) {
        Some(outcome) => settled(name, outcome),
        None => Err(ConnectError::failed(format!(
            "Error while attempting to create/find topic '{name}'"
        ))),
    }
}

fn settled(name: &str, outcome: TopicOutcome) -> Result<(), ConnectError> {
    let (code, detail) = match outcome {
        Ok(()) => {
            tracing::info!("Created topic '{name}'");
            return Ok(());
        }
        Err(refused) => refused,
    };
    let is_taken_to_exist = [
        ErrorCode::TOPIC_ALREADY_EXISTS,
        ErrorCode::UNSUPPORTED_VERSION,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
    ];
    if is_taken_to_exist.contains(&code) {
        tracing::debug!("Topic '{name}' is taken to exist, as the brokers do not make it: {code}");
        return Ok(());
    }
    let detail = detail.map_or_else(|| code.to_string(), |detail| detail.to_string());
    Err(ConnectError::failed(if code == INVALID_CONFIG {
        format!("Unable to create topic '{name}': {detail}")
    } else {
        format!("Error while attempting to create/find topic '{name}': {detail}")
    }))
}

fn unanswered(name: &str, error: ClientError) -> ConnectError {
    ConnectError::failed_by(
        format!(
            "Timed out while checking for or creating topic '{name}'. This could indicate a connectivity issue, \
             unavailable topic partitions, or if this is your first use of the topic it may have taken too long to \
             create."
        ),
        error,
    )
}

const INVALID_CONFIG: ErrorCode = ErrorCode(40);
