//! Adding partitions to topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::CreatePartitionsRequest;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;

use super::offsets::topic_name;
use super::retry::Attempts;
use super::topics::{TopicOutcome, controller, timeout_ms, wrong_controller};
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// Gives topics as many partitions as told; the brokers choose where they are. A topic that has as many or more is an
/// outcome (`INVALID_PARTITIONS`), as it may be the work of an attempt whose answer was lost.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.createPartitions` (KIP-195)
pub async fn create_partitions(
    cluster: &Cluster,
    counts: &BTreeMap<Arc<str>, i32>,
) -> Result<BTreeMap<Arc<str>, TopicOutcome>, ClientError> {
    let topics = counts.iter().map(|(name, count)| {
        CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(*count)
            .with_assignments(None)
    });
    let request = CreatePartitionsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(timeout_ms(cluster));
    let mut attempts = Attempts::new(cluster, "CreatePartitions");
    loop {
        let outcome = match controller(cluster).await {
            Ok(connection) => {
                let answer = connection.call(request.clone()).await;
                answer.map(|answer| (connection, answer.results))
            }
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok((connection, results)) => {
                let outcomes = results.iter().map(|result| {
                    let detail = result.error_message.as_deref().map(Arc::from);
                    let code = ErrorCode(result.error_code).ok();
                    (
                        result.name.as_str().into(),
                        code.map_err(|code| (code, detail)),
                    )
                });
                let outcomes: BTreeMap<_, TopicOutcome> = outcomes.collect();
                match wrong_controller(&connection, "CreatePartitions", &outcomes) {
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
