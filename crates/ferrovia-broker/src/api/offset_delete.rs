//! OffsetDelete (key 47), version 0 (KIP-496). Only for groups without members: this broker does
//! not read subscriptions, so it cannot tell an unused topic from a used one.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequest;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::coordinator::offset_deleted;
use crate::shape::{Shape, fixed, rows, text};

/// See the module.
pub(crate) struct OffsetDelete;

impl Api for OffsetDelete {
    type Request = OffsetDeleteRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const SHAPE: Shape =
        Shape { flexible_from: i16::MAX, fields: &[text(), rows(&[text(), rows(&[fixed(4)])])] };

    async fn answer(call: &Call, request: OffsetDeleteRequest) -> Answer<OffsetDeleteResponse> {
        let mut groups = lock(&call.broker.groups);
        let group = request.group_id.to_string();
        let refused = match groups.get(&group) {
            None => Some(ResponseError::GroupIdNotFound),
            Some(entry) if !entry.machine.is_vacant() => Some(ResponseError::NonEmptyGroup),
            Some(_) => None,
        };
        if let Some(error) = refused {
            let response = OffsetDeleteResponse::default().with_error_code(error.code());
            return Answer::Message(response);
        }
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let partition = asked.partition_index;
                if groups.delete_offset(&group, &topic.name, partition) {
                    call.broker.note(&offset_deleted(&group, &topic.name, partition));
                }
                OffsetDeleteResponsePartition::default().with_partition_index(partition)
            });
            let partitions = partitions.collect();
            OffsetDeleteResponseTopic::default().with_name(topic.name).with_partitions(partitions)
        });
        let topics = topics.collect();
        Answer::Message(OffsetDeleteResponse::default().with_topics(topics))
    }

    fn refuse(_call: &Call, _request: OffsetDeleteRequest, error: i16) -> OffsetDeleteResponse {
        OffsetDeleteResponse::default().with_error_code(error)
    }
}
