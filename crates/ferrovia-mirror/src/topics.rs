//! Which topics a cluster has, as the connectors see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_client::cluster::TopicSelection;
use ferrovia_client::{ClientError, Cluster, ErrorCode};
use ferrovia_pipeline::error::ConnectError;

/// A topic's number of partitions, or why it is not known.
pub(crate) type PartitionCount = Result<i32, ErrorCode>;

/// Looks at all topics of a cluster but those that brokers keep for themselves.
///
/// # Errors
/// No broker answered in `default.api.timeout.ms`.
pub(crate) async fn list(
    cluster: &Cluster,
) -> Result<BTreeMap<Arc<str>, PartitionCount>, ConnectError> {
    cluster.want_topics(TopicSelection::All);
    let limit = cluster.settings().default_api_timeout;
    let failed = |error: ClientError| ConnectError::failed_by("Cannot list topics", error);
    cluster.ready(limit).await.map_err(failed)?;
    let view = cluster.refresh().await.map_err(failed)?;
    let visible = view.topics.iter().filter(|(_, topic)| !topic.is_internal);
    let counted = visible.map(|(name, topic)| {
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let known = topic.error.ok().map(|()| count);
        // A topic is there before its partitions are.
        let known = known.and_then(|count| match count {
            0 => Err(ErrorCode::LEADER_NOT_AVAILABLE),
            count => Ok(count),
        });
        (Arc::clone(name), known)
    });
    Ok(counted.collect())
}
