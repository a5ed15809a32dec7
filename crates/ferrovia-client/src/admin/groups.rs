//! Offsets of consumer groups, and the groups themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    DeleteGroupsRequest, GroupId, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::offsets::topic_name;
use super::retry::Attempts;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// An offset that a group has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to read.
    pub offset: i64,
    /// The epoch of the record before it, where the committer told.
    pub leader_epoch: Option<i32>,
    /// The committer's remark.
    pub metadata: Arc<str>,
}

/// Reads a group's committed offsets: of `partitions`, or of all with `None`. Partitions without
/// a commit are not in the answer. Waits for open transactions to settle (KIP-447).
///
/// # Errors
/// The first partition's or the group's error that no retry helps, or [`ClientError::GaveUp`].
pub async fn offset_fetch(
    cluster: &Cluster,
    group: &str,
    partitions: Option<&[TopicPartition]>,
) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
    let mut attempts = Attempts::new(cluster, "OffsetFetch");
    loop {
        let outcome = match cluster.coordinator(group).await {
            Ok(connection) => fetch_once(&connection, group, partitions).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(committed) => return Ok(committed),
            Err(error) => {
                forget_if_wrong(cluster, group, &error);
                attempts.pause_after(error).await?;
            }
        }
    }
}

async fn fetch_once(
    connection: &Connection,
    group: &str,
    partitions: Option<&[TopicPartition]>,
) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
    let topics = partitions.map(|partitions| {
        let topics = by_topic(partitions.iter().map(|partition| (partition, ())));
        let topic = |(name, indexes): (&str, Vec<(i32, ())>)| {
            OffsetFetchRequestTopic::default()
                .with_name(topic_name(name))
                .with_partition_indexes(indexes.into_iter().map(|(index, ())| index).collect())
        };
        topics.into_iter().map(topic).collect()
    });
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics)
        .with_require_stable(true);
    let answer = connection.call(request).await?;
    refused(connection, "OffsetFetch", answer.error_code)?;
    let mut committed = BTreeMap::new();
    for topic in &answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partitions {
            let tp = TopicPartition::new(Arc::clone(&name), partition.partition_index);
            ErrorCode(partition.error_code)
                .ok()
                .map_err(|code| ClientError::PartitionRefused {
                    api: "OffsetFetch",
                    partition: tp.clone(),
                    code,
                })?;
            if partition.committed_offset >= 0 {
                let metadata = partition.metadata.as_deref().unwrap_or_default();
                let epoch = partition.committed_leader_epoch;
                let offset = CommittedOffset {
                    offset: partition.committed_offset,
                    leader_epoch: Some(epoch).filter(|epoch| *epoch >= 0),
                    metadata: metadata.into(),
                };
                committed.insert(tp, offset);
            }
        }
    }
    Ok(committed)
}

/// Who commits: a member of a generation, or nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committer {
    /// The group.
    pub group: Arc<str>,
    /// The member's id; empty outside a generation.
    pub member_id: Arc<str>,
    /// The generation, or -1 for a commit to a group without members.
    pub generation: i32,
    /// `group.instance.id`
    pub instance_id: Option<Arc<str>>,
}

/// An offset to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetToCommit {
    /// The partition.
    pub partition: TopicPartition,
    /// The next offset to read.
    pub offset: i64,
    /// The epoch of the record before it, so that a later reader notices a log that was cut.
    pub leader_epoch: Option<i32>,
    /// A remark, at most `offset.metadata.max.bytes` (4096) long.
    pub metadata: Arc<str>,
}

/// Commits offsets in one attempt, because only the caller knows whether they are still the
/// newest. Gives a code for each partition; one that the broker left out counts as not committed.
///
/// # Errors
/// Those of the connection: whether anything was committed is then unknown.
pub async fn offset_commit(
    cluster: &Cluster,
    committer: &Committer,
    offsets: &[OffsetToCommit],
) -> Result<BTreeMap<TopicPartition, Result<(), ErrorCode>>, ClientError> {
    let group = &*committer.group;
    let connection = cluster.coordinator(group).await?;
    let answer = match connection.call(commit_request(committer, offsets)).await {
        Ok(answer) => answer,
        Err(error) => {
            forget_if_wrong(cluster, group, &error);
            return Err(error);
        }
    };
    let missing = Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let mut outcomes: BTreeMap<_, _> = offsets
        .iter()
        .map(|offset| (offset.partition.clone(), missing))
        .collect();
    for topic in &answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partitions {
            let code = ErrorCode(partition.error_code);
            if code.needs_coordinator_refresh() {
                cluster.forget_coordinator(group);
            }
            let tp = TopicPartition::new(Arc::clone(&name), partition.partition_index);
            if let Some(outcome) = outcomes.get_mut(&tp) {
                *outcome = code.ok();
            }
        }
    }
    Ok(outcomes)
}

fn commit_request(committer: &Committer, offsets: &[OffsetToCommit]) -> OffsetCommitRequest {
    let topics = by_topic(offsets.iter().map(|offset| (&offset.partition, offset)));
    let topics = topics.into_iter().map(|(name, offsets)| {
        let partitions = offsets.into_iter().map(|(index, offset)| {
            OffsetCommitRequestPartition::default()
                .with_partition_index(index)
                .with_committed_offset(offset.offset)
                .with_committed_leader_epoch(offset.leader_epoch.unwrap_or(-1))
                .with_committed_metadata(Some(text(&offset.metadata)))
        });
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.collect())
    });
    OffsetCommitRequest::default()
        .with_group_id(group_id(&committer.group))
        .with_member_id(text(&committer.member_id))
        .with_generation_id_or_member_epoch(committer.generation)
        .with_group_instance_id(committer.instance_id.as_deref().map(text))
        .with_topics(topics.collect())
}

/// Deletes committed offsets of a group that does not subscribe to their topics.
///
/// # Errors
/// The group's error or the first partition's, where no retry helps.
pub async fn delete_offsets(
    cluster: &Cluster,
    group: &str,
    partitions: &[TopicPartition],
) -> Result<(), ClientError> {
    let connection = cluster.coordinator(group).await?;
    let topics = by_topic(partitions.iter().map(|partition| (partition, ())));
    let topics = topics.into_iter().map(|(name, indexes)| {
        let partitions = indexes
            .into_iter()
            .map(|(index, ())| OffsetDeleteRequestPartition::default().with_partition_index(index));
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.collect())
    });
    let request = OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.collect());
    let answer = connection.call(request).await?;
    let outcome = refused(&connection, "OffsetDelete", answer.error_code);
    outcome.inspect_err(|error| forget_if_wrong(cluster, group, error))?;
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let name = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            ErrorCode(partition.error_code)
                .ok()
                .map_err(|code| ClientError::PartitionRefused {
                    api: "OffsetDelete",
                    partition: name,
                    code,
                })?;
        }
    }
    Ok(())
}

/// Deletes a group that has no members, with its offsets.
///
/// # Errors
/// [`ClientError::Refused`], for one with `NON_EMPTY_GROUP` or `GROUP_ID_NOT_FOUND`.
pub async fn delete_group(cluster: &Cluster, group: &str) -> Result<(), ClientError> {
    let connection = cluster.coordinator(group).await?;
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    let answer = connection.call(request).await?;
    let outcome = answer
        .results
        .iter()
        .try_for_each(|result| refused(&connection, "DeleteGroups", result.error_code));
    outcome.inspect_err(|error| forget_if_wrong(cluster, group, error))
}

fn refused(connection: &Connection, api: &'static str, code: i16) -> Result<(), ClientError> {
    ErrorCode(code).ok().map_err(|code| ClientError::Refused {
        api,
        address: Arc::clone(connection.address()),
        code,
        detail: None,
    })
}

fn forget_if_wrong(cluster: &Cluster, group: &str, error: &ClientError) {
    let moved = error
        .code()
        .is_some_and(ErrorCode::needs_coordinator_refresh);
    if moved || error.is_connection_lost() {
        cluster.forget_coordinator(group);
    }
}

fn by_topic<'a, T>(
    partitions: impl Iterator<Item = (&'a TopicPartition, T)>,
) -> BTreeMap<&'a str, Vec<(i32, T)>> {
    let mut topics: BTreeMap<&str, Vec<(i32, T)>> = BTreeMap::new();
    for (partition, item) in partitions {
        topics
            .entry(&*partition.topic)
            .or_default()
            .push((partition.partition, item));
    }
    topics
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}
