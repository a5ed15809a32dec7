//! Where a log ends, and whether its reader has come that far.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_client::admin::{OffsetSpec, offsets::list_offsets};
use ferrovia_client::error::ClientError;
use ferrovia_client::settings::IsolationLevel;
use ferrovia_client::{Cluster, TopicPartition};
use tokio::time::{Instant, sleep};

use crate::storage::log::ReadMark;

/// The end of each partition, at a moment after `mark` was asked for.
#[derive(Debug)]
pub(super) struct Ends {
    /// What is answered once all partitions are read so far.
    pub(super) mark: ReadMark,
    offsets: BTreeMap<TopicPartition, i64>,
    asked_at: Instant,
}

impl Ends {
    /// Asks the brokers until they answer.
    pub(super) async fn find(
        cluster: Cluster,
        partitions: Vec<TopicPartition>,
        mark: ReadMark,
    ) -> Self {
        loop {
            match ends(&cluster, &partitions).await {
                Ok(offsets) => {
                    return Self {
                        mark,
                        offsets,
                        asked_at: Instant::now(),
                    };
                }
                Err(error) => {
                    let topic = partitions.first().map(|first| &*first.topic);
                    tracing::warn!(
                        topic, %error,
                        "cannot find the end of an internal topic; trying again. Brokers may be unavailable"
                    );
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether every partition has been read to its end, given where each is read on.
    pub(super) fn are_reached(&self, position: impl Fn(&TopicPartition) -> Option<i64>) -> bool {
        let mut ends = self.offsets.iter();
        ends.all(|(partition, end)| position(partition).is_some_and(|next| next >= *end))
    }

    /// Whether it took so long that the log itself may have become shorter.
    pub(super) fn are_stale(&self, now: Instant) -> bool {
        now >= self.asked_at + STALE_AFTER
    }
}

async fn ends(
    cluster: &Cluster,
    partitions: &[TopicPartition],
) -> Result<BTreeMap<TopicPartition, i64>, ClientError> {
    let query = partitions.iter().cloned();
    let query = query.map(|partition| (partition, OffsetSpec::Latest));
    // The end before the first open transaction may lie before others that are committed: those that are open are waited
    // for, as in Java (`TopicAdmin.endOffsets`).
    let isolation = IsolationLevel::ReadUncommitted;
    let listed = list_offsets(cluster, query.collect(), isolation).await;
    // Ends say nothing about a position in a topic of the same name that is gone: whoever compares them has to know by
    // then which topic is there.
    cluster.refresh().await?;
    let one = |partition: &TopicPartition| match listed.get(partition) {
        Some(Ok(found)) => Ok((partition.clone(), found.offset.unwrap_or(0))),
        Some(Err(error)) => Err(error.clone()),
        None => Err(ClientError::NoLeader {
            partition: partition.clone(),
        }),
    };
    partitions.iter().map(one).collect()
}

/// Between questions that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// After this time the ends are asked for once more: the topic may have been made anew.
const STALE_AFTER: Duration = Duration::from_secs(10);
