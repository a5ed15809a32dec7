//! OffsetCommit (key 8), versions 2–9.
//!
//! v5 drops the retention time, v6 leader epochs (KIP-320), v7 static members (KIP-345),
//! v8 flexible, v9 the new group protocol's errors (KIP-848).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition,
};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::{Answer, Api, Call, code_of, owned};
use crate::broker::{lock, now};
use crate::coordinator::Groups;
use crate::journal::{Committed, Entry};
use crate::shape::{Shape, fixed, rows, text};
use crate::topics::Topics;

/// See the module.
pub(crate) struct OffsetCommit;

impl Api for OffsetCommit {
    type Request = OffsetCommitRequest;
    const VERSIONS: RangeInclusive<i16> = 2..=9;
    const SHAPE: Shape = Shape {
        flexible_from: 8,
        fields: &[
            text(),
            fixed(4),
            text(),
            text().since(7),
            fixed(8).until(4),
            rows(&[text(), rows(&[fixed(4), fixed(8), fixed(4).since(6), text()])]),
        ],
    };

    async fn answer(call: &Call, request: OffsetCommitRequest) -> Answer<OffsetCommitResponse> {
        let topics = lock(&call.broker.topics);
        let mut groups = lock(&call.broker.groups);
        let checked = groups.check_commit(
            &request.group_id,
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id_or_member_epoch,
            now(),
        );
        if let Err(error) = checked {
            drop((groups, topics));
            return Answer::Message(Self::refuse(call, request, error.code()));
        }
        let group = request.group_id.to_string();
        let answers = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|partition| {
                let index = partition.partition_index;
                let committed = commit(call, &topics, &mut groups, &group, &topic.name, partition);
                OffsetCommitResponsePartition::default()
                    .with_partition_index(index)
                    .with_error_code(code_of(&committed))
            });
            let partitions = partitions.collect();
            OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions)
        });
        Answer::Message(OffsetCommitResponse::default().with_topics(answers.collect()))
    }

    fn refuse(_call: &Call, request: OffsetCommitRequest, error: i16) -> OffsetCommitResponse {
        let answers = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                OffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error)
            });
            let partitions = partitions.collect();
            OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions)
        });
        OffsetCommitResponse::default().with_topics(answers.collect())
    }
}

fn commit(
    call: &Call,
    topics: &Topics,
    groups: &mut Groups,
    group: &str,
    topic: &str,
    asked: OffsetCommitRequestPartition,
) -> Result<(), ResponseError> {
    let partition = asked.partition_index;
    let exists = topics.get(topic).is_some_and(|topic| topic.partition(partition).is_some());
    if !exists {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    let committed = Committed {
        offset: asked.committed_offset,
        leader_epoch: asked.committed_leader_epoch,
        metadata: owned(asked.committed_metadata.as_ref()).unwrap_or_default(),
    };
    groups.commit(group, topic, partition, committed.clone())?;
    let (group, topic) = (group.to_owned(), topic.to_owned());
    call.broker.note(&Entry::OffsetCommitted { group, topic, partition, committed });
    Ok(())
}
