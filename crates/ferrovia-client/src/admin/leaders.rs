//! Questions about partitions that only their leaders can answer, grouped by leader and asked
//! again where a leader has moved.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::retry::Attempts;
use crate::cluster::{Cluster, MetadataView};
use crate::error::ClientError;
use crate::net::Connection;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// What one leader says to its share of the questions.
pub(super) type LeaderAnswer<A> = BTreeMap<TopicPartition, Result<A, ErrorCode>>;

/// The questions of one request, with the leader epoch each partition is believed to have.
pub(super) type LeaderShare<Q> = BTreeMap<TopicPartition, (Q, i32)>;

/// Asks each partition's leader until every question has an answer or a final error.
pub(super) async fn ask<Q, A, F, Fut>(
    cluster: &Cluster,
    api: &'static str,
    mut open: BTreeMap<TopicPartition, Q>,
    send: F,
) -> BTreeMap<TopicPartition, Result<A, ClientError>>
where
    Q: Copy,
    A: Clone,
    F: Fn(Connection, LeaderShare<Q>) -> Fut,
    Fut: Future<Output = Result<LeaderAnswer<A>, ClientError>>,
{
    cluster.add_topics(open.keys().map(|partition| Arc::clone(&partition.topic)));
    let mut attempts = Attempts::new(cluster, api);
    let mut settled = BTreeMap::new();
    while !open.is_empty() {
        let mut failures = BTreeMap::new();
        for (leader, share) in by_leader(&cluster.metadata(), &open, &mut failures) {
            let asked: Vec<TopicPartition> = share.keys().cloned().collect();
            let answer = match cluster.node(leader).await {
                Ok(connection) => send(connection, share).await,
                Err(error) => Err(error),
            };
            for partition in asked {
                match outcome(api, &partition, &answer) {
                    Ok(found) => {
                        open.remove(&partition);
                        settled.insert(partition, Ok(found));
                    }
                    Err(error) => {
                        failures.insert(partition, error);
                    }
                }
            }
        }
        settle_final(&mut open, &mut settled, &mut failures);
        let Some(error) = failures.values().next().cloned() else {
            continue;
        };
        cluster.request_refresh();
        if let Err(error) = attempts.pause_after(error).await {
            for partition in std::mem::take(&mut open).into_keys() {
                settled.insert(partition, Err(error.clone()));
            }
        }
    }
    settled
}

fn outcome<A: Clone>(
    api: &'static str,
    partition: &TopicPartition,
    answer: &Result<LeaderAnswer<A>, ClientError>,
) -> Result<A, ClientError> {
    let refused = |code| ClientError::PartitionRefused {
        api,
        partition: partition.clone(),
        code,
    };
    match answer {
        Ok(answers) => match answers.get(partition) {
            Some(Ok(found)) => Ok(found.clone()),
            Some(Err(code)) => Err(refused(*code)),
            // The broker left the partition out: as good as not knowing it.
            None => Err(refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)),
        },
        Err(error) => Err(error.clone()),
    }
}

/// Moves what no retry can help from `open` to `settled`.
fn settle_final<Q, A>(
    open: &mut BTreeMap<TopicPartition, Q>,
    settled: &mut BTreeMap<TopicPartition, Result<A, ClientError>>,
    failures: &mut BTreeMap<TopicPartition, ClientError>,
) {
    failures.retain(|partition, error| {
        let retriable = error.is_retriable();
        if !retriable {
            open.remove(partition);
            settled.insert(partition.clone(), Err(error.clone()));
        }
        retriable
    });
}

fn by_leader<Q: Copy>(
    view: &MetadataView,
    open: &BTreeMap<TopicPartition, Q>,
    failures: &mut BTreeMap<TopicPartition, ClientError>,
) -> BTreeMap<i32, LeaderShare<Q>> {
    let mut shares: BTreeMap<i32, LeaderShare<Q>> = BTreeMap::new();
    for (partition, question) in open {
        let epoch = view
            .partition(partition)
            .map_or(-1, |known| known.leader_epoch);
        if let Some(leader) = view.leader(partition) {
            shares
                .entry(leader)
                .or_default()
                .insert(partition.clone(), (*question, epoch));
        } else {
            let error = match view.topics.get(&partition.topic) {
                Some(topic) if !topic.error.is_none() => ClientError::PartitionRefused {
                    api: "Metadata",
                    partition: partition.clone(),
                    code: topic.error,
                },
                _ => ClientError::NoLeader {
                    partition: partition.clone(),
                },
            };
            failures.insert(partition.clone(), error);
        }
    }
    shares
}
