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
    OffsetFetchResponse,
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
    at_coordinator(cluster, group, "OffsetFetch", |connection| async move {
        let answer = call_fetch(&connection, group, partitions, true).await?;
        let mut committed = BTreeMap::new();
        for (partition, outcome) in in_answer(&answer) {
            match outcome {
                Ok(offset) => committed.extend(offset.map(|offset| (partition, offset))),
                Err(code) => return Err(partition_refused("OffsetFetch", partition, code)),
            }
        }
        Ok(committed)
    })
    .await
}

/// Lists all committed offsets of a group as they are: open transactions are not waited for, and
/// partitions that the broker refuses are left out. A group that does not exist has none.
///
/// # Errors
/// The group's error that no retry helps, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.listConsumerGroupOffsets`
pub async fn list_offsets(
    cluster: &Cluster,
    group: &str,
) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
    at_coordinator(cluster, group, "OffsetFetch", |connection| async move {
        let answer = call_fetch(&connection, group, None, false).await?;
        let known = in_answer(&answer)
            .filter_map(|(partition, outcome)| Some((partition, outcome.ok().flatten()?)));
        Ok(known.collect())
    })
    .await
}

async fn call_fetch(
    connection: &Connection,
    group: &str,
    partitions: Option<&[TopicPartition]>,
    require_stable: bool,
) -> Result<OffsetFetchResponse, ClientError> {
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
        .with_require_stable(require_stable);
    let answer = connection.call(request).await?;
    refused(connection, "OffsetFetch", answer.error_code)?;
    Ok(answer)
}

/// The partitions of an answer, with `None` where nothing is committed.
fn in_answer(
    answer: &OffsetFetchResponse,
) -> impl Iterator<Item = (TopicPartition, Result<Option<CommittedOffset>, ErrorCode>)> {
    answer.topics.iter().flat_map(|topic| {
        let name: Arc<str> = topic.name.as_str().into();
        topic.partitions.iter().map(move |partition| {
            let metadata = partition.metadata.as_deref().unwrap_or_default();
            let epoch = partition.committed_leader_epoch;
            let offset = (partition.committed_offset >= 0).then(|| CommittedOffset {
                offset: partition.committed_offset,
                leader_epoch: Some(epoch).filter(|epoch| *epoch >= 0),
                metadata: metadata.into(),
            });
            let outcome = ErrorCode(partition.error_code).ok().map(|()| offset);
            let of = TopicPartition::new(Arc::clone(&name), partition.partition_index);
            (of, outcome)
        })
    })
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

/// Sets offsets of a group that has no members, and makes the group if there is none.
///
/// # Errors
/// The first partition's error that no retry helps, for one with `UNKNOWN_MEMBER_ID` where the group
/// has members, or [`ClientError::GaveUp`]. Offsets of other partitions may have been set.
///
/// # Source
/// `Admin.alterConsumerGroupOffsets`
pub async fn alter_offsets(
    cluster: &Cluster,
    group: &str,
    offsets: &[OffsetToCommit],
) -> Result<(), ClientError> {
    let nobody = Committer {
        group: group.into(),
        member_id: "".into(),
        generation: -1,
        instance_id: None,
    };
    let asked = || offsets.iter().map(|offset| offset.partition.clone());
    at_coordinator(cluster, group, "OffsetCommit", |connection| {
        let request = commit_request(&nobody, offsets);
        async move {
            let answer = connection.call(request).await?;
            let codes = answer.topics.iter().flat_map(|topic| {
                let partitions = topic.partitions.iter();
                partitions.map(|p| ((topic.name.as_str(), p.partition_index), p.error_code))
            });
            first_refusal("OffsetCommit", asked(), codes.collect())
        }
    })
    .await?
}

/// Deletes committed offsets of a group that does not subscribe to their topics.
///
/// # Errors
/// The group's error or the first partition's, where no retry helps, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.deleteConsumerGroupOffsets` and KIP-496
pub async fn delete_offsets(
    cluster: &Cluster,
    group: &str,
    partitions: &[TopicPartition],
) -> Result<(), ClientError> {
    at_coordinator(cluster, group, "OffsetDelete", |connection| async move {
        let answer = connection.call(delete_request(group, partitions)).await?;
        refused(&connection, "OffsetDelete", answer.error_code)?;
        let codes = answer.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|p| ((topic.name.as_str(), p.partition_index), p.error_code))
        });
        first_refusal("OffsetDelete", partitions.iter().cloned(), codes.collect())
    })
    .await?
}

fn delete_request(group: &str, partitions: &[TopicPartition]) -> OffsetDeleteRequest {
    let topics = by_topic(partitions.iter().map(|partition| (partition, ())));
    let topics = topics.into_iter().map(|(name, indexes)| {
        let partitions = indexes
            .into_iter()
            .map(|(index, ())| OffsetDeleteRequestPartition::default().with_partition_index(index));
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.collect())
    });
    OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.collect())
}

/// Deletes a group that has no members, with its offsets.
///
/// # Errors
/// [`ClientError::Refused`], for one with `NON_EMPTY_GROUP` or `GROUP_ID_NOT_FOUND`, or
/// [`ClientError::GaveUp`]. After a lost answer the group is not found by the next attempt.
///
/// # Source
/// `Admin.deleteConsumerGroups` and KIP-229
pub async fn delete_group(cluster: &Cluster, group: &str) -> Result<(), ClientError> {
    at_coordinator(cluster, group, "DeleteGroups", |connection| async move {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
        let answer = connection.call(request).await?;
        let result = answer
            .results
            .iter()
            .find(|result| *result.group_id.0 == *group);
        let code = result.map_or(NOT_ANSWERED.0, |result| result.error_code);
        refused(&connection, "DeleteGroups", code)
    })
    .await
}

/// Calls the coordinator of a group until there is an answer or an error that no retry helps.
async fn at_coordinator<T, F, Fut>(
    cluster: &Cluster,
    group: &str,
    api: &'static str,
    call: F,
) -> Result<T, ClientError>
where
    F: Fn(Connection) -> Fut,
    Fut: Future<Output = Result<T, ClientError>>,
{
    let mut attempts = Attempts::new(cluster, api);
    loop {
        let outcome = match cluster.coordinator(group).await {
            Ok(connection) => call(connection).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                forget_if_wrong(cluster, group, &error);
                attempts.pause_after(error).await?;
            }
        }
    }
}

/// What an answer says of the partitions that it is about: `Ok(Err(_))` for the first that is
/// refused, `Err` where the broker does not serve the group just now and the request is to be
/// repeated. A topic that does not exist is final here, as nobody is about to make it.
fn first_refusal(
    api: &'static str,
    partitions: impl Iterator<Item = TopicPartition>,
    codes: BTreeMap<(&str, i32), i16>,
) -> Result<Result<(), ClientError>, ClientError> {
    let mut first = Ok(());
    for partition in partitions {
        let code = codes.get(&(&*partition.topic, partition.partition));
        let code = code.map_or(NOT_ANSWERED, |code| ErrorCode(*code));
        let is_passing = code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
        if is_passing || code.needs_coordinator_refresh() {
            return Err(partition_refused(api, partition, code));
        }
        if first.is_ok() && !code.is_none() {
            first = Err(partition_refused(api, partition, code));
        }
    }
    Ok(first)
}

fn partition_refused(api: &'static str, partition: TopicPartition, code: ErrorCode) -> ClientError {
    ClientError::PartitionRefused {
        api,
        partition,
        code,
    }
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

/// What stands for the answer about something that a broker left out: `UNKNOWN_SERVER_ERROR`.
const NOT_ANSWERED: ErrorCode = ErrorCode(-1);
