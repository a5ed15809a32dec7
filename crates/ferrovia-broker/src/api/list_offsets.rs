//! ListOffsets (key 2), versions 1–10.
//!
//! v2 isolation level, v4 leader epochs (KIP-320), v6 flexible, v7 maximum timestamp (KIP-734),
//! v8 earliest local and v9 latest tiered offset (KIP-405), v10 timeout.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};

use super::{Answer, Api, Call};
use crate::broker::{check_leader_epoch, lock};
use crate::log::{LEADER_EPOCH, PartitionLog, TimedOffset};
use crate::shape::{Shape, fixed, rows, text};
use crate::topics::Topic;

/// See the module.
pub(crate) struct ListOffsets;

const LEADER_EPOCH_SINCE: i16 = 4;
const READ_COMMITTED: i8 = 1;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

impl Api for ListOffsets {
    type Request = ListOffsetsRequest;
    const VERSIONS: RangeInclusive<i16> = 1..=10;
    const SHAPE: Shape = Shape {
        flexible_from: 6,
        fields: &[
            fixed(4),
            fixed(1).since(2),
            rows(&[text(), rows(&[fixed(4), fixed(4).since(4), fixed(8)])]),
            fixed(4).since(10),
        ],
    };

    async fn answer(call: &Call, request: ListOffsetsRequest) -> Answer<ListOffsetsResponse> {
        let topics = lock(&call.broker.topics);
        let committed = request.isolation_level == READ_COMMITTED;
        let answers = request.topics.into_iter().map(|asked| {
            let topic = topics.get(&asked.name);
            let partitions = asked.partitions.iter().map(|p| find(call, topic, p, committed));
            ListOffsetsTopicResponse::default()
                .with_partitions(partitions.collect())
                .with_name(asked.name)
        });
        Answer::Message(ListOffsetsResponse::default().with_topics(answers.collect()))
    }

    fn refuse(_call: &Call, request: ListOffsetsRequest, error: i16) -> ListOffsetsResponse {
        let answers = request.topics.into_iter().map(|asked| {
            let partitions = asked.partitions.iter().map(|p| refused(p.partition_index, error));
            ListOffsetsTopicResponse::default()
                .with_partitions(partitions.collect())
                .with_name(asked.name)
        });
        ListOffsetsResponse::default().with_topics(answers.collect())
    }
}

fn find(
    call: &Call,
    topic: Option<&Topic>,
    asked: &ListOffsetsPartition,
    committed: bool,
) -> ListOffsetsPartitionResponse {
    let has_epoch = call.version >= LEADER_EPOCH_SINCE;
    let log = topic
        .and_then(|topic| topic.partition(asked.partition_index))
        .ok_or(ResponseError::UnknownTopicOrPartition);
    let found = log.and_then(|log| {
        check_leader_epoch(asked.current_leader_epoch)?;
        offset(log, asked.timestamp, committed)
    });
    match found {
        Ok(found) => ListOffsetsPartitionResponse::default()
            .with_partition_index(asked.partition_index)
            .with_timestamp(found.timestamp)
            .with_offset(found.offset)
            .with_leader_epoch(if has_epoch && found.offset >= 0 { LEADER_EPOCH } else { -1 }),
        Err(error) => refused(asked.partition_index, error.code()),
    }
}

/// The offset asked for; one that can be read only if `committed` records are wanted.
fn offset(
    log: &PartitionLog,
    timestamp: i64,
    committed: bool,
) -> Result<TimedOffset, ResponseError> {
    let end = if committed { log.last_stable_offset() } else { log.end_offset() };
    let at = |offset| TimedOffset { timestamp: -1, offset };
    let readable = |found: TimedOffset| match found.offset < end {
        true => found,
        false => TimedOffset::NONE,
    };
    match timestamp {
        LATEST => Ok(at(end)),
        EARLIEST | EARLIEST_LOCAL => Ok(at(log.start_offset())),
        MAX_TIMESTAMP => Ok(readable(log.max_timestamp())),
        LATEST_TIERED => Ok(TimedOffset::NONE),
        0.. => Ok(readable(log.offset_for_time(timestamp))),
        _ => Err(ResponseError::UnsupportedVersion),
    }
}

fn refused(index: i32, error: i16) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(error)
        .with_timestamp(-1)
        .with_offset(-1)
}
