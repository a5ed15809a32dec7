//! Looks up where partitions without a usable offset are to be read.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::TopicPartition;
use crate::admin::offsets::list_offsets;
use crate::admin::{ListedOffset, OffsetQuery, OffsetSpec};
use crate::cluster::Cluster;
use crate::fetch::position::{OffsetReset, Start};
use crate::settings::IsolationLevel;

/// Finds the offset that `reset` means for each of `partitions`: nothing where the look-up failed and has to be tried
/// again.
///
/// # Source
/// `OffsetFetcher.resetPositionsIfNeeded`; a time after the last record means the end (KIP-1106).
pub(super) async fn find(
    cluster: &Cluster,
    partitions: Vec<TopicPartition>,
    reset: OffsetReset,
    isolation: IsolationLevel,
) -> Vec<(TopicPartition, Option<Start>)> {
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
        let newer = found.iter().filter(|(_, start)| start.is_none());
        let newer = newer.map(|(partition, _)| partition.clone()).collect();
        let ends = listed(cluster, newer, OffsetSpec::Latest, isolation).await;
        found.retain(|(_, start)| start.is_some());
        found.extend(ends);
    }
    found
}

async fn listed(
    cluster: &Cluster,
    partitions: Vec<TopicPartition>,
    spec: OffsetSpec,
    isolation: IsolationLevel,
) -> Vec<(TopicPartition, Option<Start>)> {
    if partitions.is_empty() {
        return Vec::new();
    }
    let query: OffsetQuery = partitions
        .into_iter()
        .map(|partition| (partition, spec))
        .collect();
    let answers = list_offsets(cluster, query, isolation).await;
    let one = |(partition, answer): (_, Result<ListedOffset, _>)| match answer {
        Ok(listed) => {
            let start = |offset| Start::At {
                offset,
                epoch: listed.leader_epoch,
            };
            (partition, listed.offset.map(start))
        }
        Err(error) => {
            tracing::warn!(%partition, %error, "cannot look up where to read this partition; trying again");
            (partition, None)
        }
    };
    answers.into_iter().map(one).collect()
}
