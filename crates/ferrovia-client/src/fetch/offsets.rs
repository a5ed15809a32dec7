//! Looks up where partitions without a usable offset are to be read.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::TopicPartition;
use crate::admin::offsets::list_offsets;
use crate::admin::{OffsetQuery, OffsetSpec};
use crate::cluster::Cluster;
use crate::fetch::position::OffsetReset;
use crate::settings::IsolationLevel;

/// An offset with the leader epoch before it, or nothing when the look-up failed and has to be tried again.
type Found = Option<(i64, Option<i32>)>;

/// Finds the offset that `reset` means for each of `partitions`.
///
/// # Source
/// `OffsetFetcher.resetPositionsIfNeeded`; a time after the last record means the end (KIP-1106).
pub(super) async fn find(
    cluster: &Cluster,
    partitions: Vec<TopicPartition>,
    reset: OffsetReset,
    isolation: IsolationLevel,
) -> Vec<(TopicPartition, Found)> {
    let spec = match reset {
        OffsetReset::Earliest => OffsetSpec::Earliest,
        OffsetReset::Latest | OffsetReset::None => OffsetSpec::Latest,
        OffsetReset::ByDuration(age) => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let since = now.saturating_sub(age).as_millis();
            OffsetSpec::Timestamp(i64::try_from(since).unwrap_or(i64::MAX))
        }
    };
    let mut found = listed(cluster, partitions, spec, isolation).await;
    if let OffsetSpec::Timestamp(_) = spec {
        let newer = found.iter().filter(|(_, offset)| offset.is_none());
        let newer = newer.map(|(partition, _)| partition.clone()).collect();
        let ends = listed(cluster, newer, OffsetSpec::Latest, isolation).await;
        found.retain(|(_, offset)| offset.is_some());
        found.extend(ends);
    }
    found
}

async fn listed(
    cluster: &Cluster,
    partitions: Vec<TopicPartition>,
    spec: OffsetSpec,
    isolation: IsolationLevel,
) -> Vec<(TopicPartition, Found)> {
    if partitions.is_empty() {
        return Vec::new();
    }
    let query: OffsetQuery = partitions
        .into_iter()
        .map(|partition| (partition, spec))
        .collect();
    let answers = list_offsets(cluster, query, isolation).await;
    let one = |(partition, answer)| match answer {
        Ok(listed) => {
            let listed: crate::admin::ListedOffset = listed;
            (
                partition,
                listed.offset.map(|offset| (offset, listed.leader_epoch)),
            )
        }
        Err(error) => {
            tracing::warn!(%partition, %error, "cannot look up where to read this partition; trying again");
            (partition, None)
        }
    };
    answers.into_iter().map(one).collect()
}
