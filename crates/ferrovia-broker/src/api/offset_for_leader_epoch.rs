//! OffsetForLeaderEpoch (key 23), versions 2–4. v2 current leader epoch (KIP-320), v3 replica id,
//! v4 flexible. There is one epoch, which ends at the end of the log.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};

use super::{Answer, Api, Call};
use crate::broker::{check_leader_epoch, lock};
use crate::log::LEADER_EPOCH;
use crate::shape::{Shape, fixed, rows, text};
use crate::topics::Topic;

/// See the module.
pub(crate) struct OffsetForLeaderEpoch;

impl Api for OffsetForLeaderEpoch {
    type Request = OffsetForLeaderEpochRequest;
    const VERSIONS: RangeInclusive<i16> = 2..=4;
    const SHAPE: Shape = Shape {
        flexible_from: 4,
        fields: &[fixed(4).since(3), rows(&[text(), rows(&[fixed(4), fixed(4), fixed(4)])])],
    };

    async fn answer(
        call: &Call,
        request: OffsetForLeaderEpochRequest,
    ) -> Answer<OffsetForLeaderEpochResponse> {
        let topics = lock(&call.broker.topics);
        let answers = request.topics.into_iter().map(|asked| {
            let topic = topics.get(&asked.topic);
            let partitions = asked.partitions.iter().map(|p| epoch_end(topic, p)).collect();
            OffsetForLeaderTopicResult::default().with_topic(asked.topic).with_partitions(partitions)
        });
        Answer::Message(OffsetForLeaderEpochResponse::default().with_topics(answers.collect()))
    }

    fn refuse(
        _call: &Call,
        request: OffsetForLeaderEpochRequest,
        error: i16,
    ) -> OffsetForLeaderEpochResponse {
        let answers = request.topics.into_iter().map(|asked| {
            let partitions = asked.partitions.iter().map(|p| refused(p.partition, error)).collect();
            OffsetForLeaderTopicResult::default().with_topic(asked.topic).with_partitions(partitions)
        });
        OffsetForLeaderEpochResponse::default().with_topics(answers.collect())
    }
}

fn epoch_end(topic: Option<&Topic>, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let log = topic
        .and_then(|topic| topic.partition(asked.partition))
        .ok_or(ResponseError::UnknownTopicOrPartition);
    let end = log.and_then(|log| {
        check_leader_epoch(asked.current_leader_epoch)?;
        let known = asked.leader_epoch == LEADER_EPOCH;
        Ok(if known { (LEADER_EPOCH, log.end_offset()) } else { (-1, -1) })
    });
    match end {
        Ok((epoch, offset)) => EpochEndOffset::default()
            .with_partition(asked.partition)
            .with_leader_epoch(epoch)
            .with_end_offset(offset),
        Err(error) => refused(asked.partition, error.code()),
    }
}

fn refused(partition: i32, error: i16) -> EpochEndOffset {
    EpochEndOffset::default()
        .with_partition(partition)
        .with_error_code(error)
        .with_leader_epoch(-1)
        .with_end_offset(-1)
}
