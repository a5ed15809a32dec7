//! Where partitions begin and end, by time or by leader epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    BrokerId, ListOffsetsRequest, OffsetForLeaderEpochRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::leaders::{self, LeaderAnswer, LeaderShare};
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::settings::IsolationLevel;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Which offset of a partition is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// Of the first record there is.
    Earliest,
    /// After the last record that the isolation level shows.
    Latest,
    /// Of the first record with at least this time, in milliseconds since 1970.
    Timestamp(i64),
}

impl OffsetSpec {
    fn wire_value(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::Timestamp(millis) => millis,
        }
    }
}

/// Partitions and what is wanted of each.
pub type OffsetQuery = BTreeMap<TopicPartition, OffsetSpec>;

/// An offset found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedOffset {
    /// The offset; `None` where no record has the time asked for.
    pub offset: Option<i64>,
    /// The record's time in milliseconds since 1970, where a time was asked for.
    pub timestamp: Option<i64>,
    /// The leader epoch of the record, if the broker knows it.
    pub leader_epoch: Option<i32>,
}

/// Finds offsets, with retries while leaders move. Each partition has an answer of its own.
///
/// # Source
/// `OffsetFetcher.listOffsetsForTimes` and the ListOffsets API (KIP-79, KIP-207, KIP-320).
pub async fn list_offsets(
    cluster: &Cluster,
    query: OffsetQuery,
    isolation: IsolationLevel,
) -> BTreeMap<TopicPartition, Result<ListedOffset, ClientError>> {
    leaders::ask(cluster, "ListOffsets", query, |connection, share| {
        list_at_leader(connection, share, isolation)
    })
    .await
}

async fn list_at_leader(
    connection: Connection,
    share: LeaderShare<OffsetSpec>,
    isolation: IsolationLevel,
) -> Result<LeaderAnswer<ListedOffset>, ClientError> {
    let topics = by_topic(&share).into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(index, spec, epoch)| {
            ListOffsetsPartition::default()
                .with_partition_index(index)
                .with_current_leader_epoch(epoch)
                .with_timestamp(spec.wire_value())
        });
        ListOffsetsTopic::default()
            .with_name(topic_name(&topic))
            .with_partitions(partitions.collect())
    });
    let request = ListOffsetsRequest::default()
        .with_replica_id(CONSUMER)
        .with_isolation_level(isolation.wire_value())
        .with_topics(topics.collect());
    let answer = connection.call(request).await?;
    let mut found = BTreeMap::new();
    for topic in &answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partitions {
            let listed = ListedOffset {
                offset: Some(partition.offset).filter(|offset| *offset >= 0),
                timestamp: Some(partition.timestamp).filter(|millis| *millis >= 0),
                leader_epoch: Some(partition.leader_epoch).filter(|epoch| *epoch >= 0),
            };
            let outcome = ErrorCode(partition.error_code).ok().map(|()| listed);
            found.insert(
                TopicPartition::new(Arc::clone(&name), partition.partition_index),
                outcome,
            );
        }
    }
    Ok(found)
}

/// Where a leader epoch ends in a partition's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch in the log that is not above the one asked for.
    pub leader_epoch: Option<i32>,
    /// The first offset after that epoch.
    pub end_offset: Option<i64>,
}

/// Asks where leader epochs end, to find out whether a log was cut under a reader.
///
/// # Source
/// `OffsetsForLeaderEpochClient` and KIP-320.
pub async fn offsets_for_leader_epoch(
    cluster: &Cluster,
    epochs: BTreeMap<TopicPartition, i32>,
) -> BTreeMap<TopicPartition, Result<EpochEnd, ClientError>> {
    leaders::ask(
        cluster,
        "OffsetForLeaderEpoch",
        epochs,
        epoch_ends_at_leader,
    )
    .await
}

async fn epoch_ends_at_leader(
    connection: Connection,
    share: LeaderShare<i32>,
) -> Result<LeaderAnswer<EpochEnd>, ClientError> {
    let topics = by_topic(&share).into_iter().map(|(topic, partitions)| {
        let partitions = partitions
            .into_iter()
            .map(|(index, leader_epoch, current)| {
                OffsetForLeaderPartition::default()
                    .with_partition(index)
                    .with_current_leader_epoch(current)
                    .with_leader_epoch(leader_epoch)
            });
        OffsetForLeaderTopic::default()
            .with_topic(topic_name(&topic))
            .with_partitions(partitions.collect())
    });
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(CONSUMER)
        .with_topics(topics.collect());
    let answer = connection.call(request).await?;
    let mut found = BTreeMap::new();
    for topic in &answer.topics {
        let name: Arc<str> = topic.topic.as_str().into();
        for partition in &topic.partitions {
            let end = EpochEnd {
                leader_epoch: Some(partition.leader_epoch).filter(|epoch| *epoch >= 0),
                end_offset: Some(partition.end_offset).filter(|offset| *offset >= 0),
            };
            let outcome = ErrorCode(partition.error_code).ok().map(|()| end);
            found.insert(
                TopicPartition::new(Arc::clone(&name), partition.partition),
                outcome,
            );
        }
    }
    Ok(found)
}

/// A topic's partitions with their question and leader epoch.
type Questions<Q> = Vec<(i32, Q, i32)>;

fn by_topic<Q: Copy>(share: &LeaderShare<Q>) -> BTreeMap<Arc<str>, Questions<Q>> {
    let mut topics: BTreeMap<Arc<str>, Questions<Q>> = BTreeMap::new();
    for (partition, (question, epoch)) in share {
        let questions = topics.entry(Arc::clone(&partition.topic)).or_default();
        questions.push((partition.partition, *question, *epoch));
    }
    topics
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// The replica id of a client that is no replica.
const CONSUMER: BrokerId = BrokerId(-1);
