//! OffsetFetch (key 9), versions 1–9.
//!
//! v2 all topics by null, v5 leader epochs, v6 flexible, v7 stable offsets only (KIP-447),
//! v8 several groups at once (KIP-709), v9 member epochs (KIP-848).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::journal::Committed;
use crate::shape::{Shape, fixed, rows, text, values};

/// See the module.
pub(crate) struct OffsetFetch;

const MANY_GROUPS_SINCE: i16 = 8;
const LEADER_EPOCH_SINCE: i16 = 5;
const GROUP_ERROR_SINCE: i16 = 2;

/// What one group committed: partitions by topic, with the error code for each.
type Found = BTreeMap<String, Vec<(i32, Committed, i16)>>;

impl Api for OffsetFetch {
    type Request = OffsetFetchRequest;
    const VERSIONS: RangeInclusive<i16> = 1..=9;
    const SHAPE: Shape = Shape {
        flexible_from: 6,
        fields: &[
            text().until(7),
            rows(&[text(), values(&fixed(4))]).until(7),
            rows(&[text(), text().since(9), fixed(4).since(9), rows(&[text(), values(&fixed(4))])])
                .since(8),
            fixed(1).since(7),
        ],
    };

    async fn answer(call: &Call, request: OffsetFetchRequest) -> Answer<OffsetFetchResponse> {
        let response = OffsetFetchResponse::default();
        if call.version >= MANY_GROUPS_SINCE {
            let stable = request.require_stable;
            let groups = request.groups.into_iter().map(|group| answer_group(call, group, stable));
            return Answer::Message(response.with_groups(groups.collect()));
        }
        let asked = request.topics.map(|topics| {
            topics.into_iter().map(|t| (t.name.to_string(), t.partition_indexes)).collect()
        });
        let found = look_up(call, &request.group_id, asked, request.require_stable);
        let topics = found.into_iter().map(|(topic, partitions)| {
            let partitions = partitions.into_iter().map(|(index, committed, error)| {
                let has_epoch = call.version >= LEADER_EPOCH_SINCE;
                OffsetFetchResponsePartition::default()
                    .with_partition_index(index)
                    .with_committed_offset(committed.offset)
                    .with_committed_leader_epoch(if has_epoch {
                        committed.leader_epoch
                    } else {
                        -1
                    })
                    .with_error_code(error)
                    .with_metadata(Some(committed.metadata.into()))
            });
            OffsetFetchResponseTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(partitions.collect())
        });
        Answer::Message(response.with_topics(topics.collect()))
    }

    fn refuse(call: &Call, request: OffsetFetchRequest, error: i16) -> OffsetFetchResponse {
        let response = OffsetFetchResponse::default();
        if call.version >= MANY_GROUPS_SINCE {
            let groups = request.groups.into_iter().map(|group| {
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id)
                    .with_error_code(error)
            });
            return response.with_groups(groups.collect());
        }
        if call.version >= GROUP_ERROR_SINCE {
            return response.with_error_code(error);
        }
        let topics = request.topics.unwrap_or_default().into_iter().map(|topic| {
            let partitions = topic.partition_indexes.into_iter().map(|index| {
                OffsetFetchResponsePartition::default()
                    .with_partition_index(index)
                    .with_committed_offset(-1)
                    .with_error_code(error)
            });
            let partitions = partitions.collect();
            OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions)
        });
        response.with_topics(topics.collect())
    }
}

fn answer_group(
    call: &Call,
    group: OffsetFetchRequestGroup,
    stable: bool,
) -> OffsetFetchResponseGroup {
    let asked = group.topics.map(|topics| {
        topics.into_iter().map(|t| (t.name.to_string(), t.partition_indexes)).collect()
    });
    let found = look_up(call, &group.group_id, asked, stable);
    let topics = found.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(index, committed, error)| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(index)
                .with_committed_offset(committed.offset)
                .with_committed_leader_epoch(committed.leader_epoch)
                .with_error_code(error)
                .with_metadata(Some(committed.metadata.into()))
        });
        OffsetFetchResponseTopics::default()
            .with_name(topic_name(topic))
            .with_partitions(partitions.collect())
    });
    OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_topics(topics.collect())
}

/// What a group committed for the partitions asked, or for all it has. If only `stable` offsets are
/// wanted, those that a transaction in progress may change are refused.
fn look_up(
    call: &Call,
    group: &str,
    asked: Option<Vec<(String, Vec<i32>)>>,
    stable: bool,
) -> Found {
    let transactions = lock(&call.broker.transactions);
    let unstable = if stable { transactions.unstable_offsets(group) } else { BTreeSet::default() };
    let groups = lock(&call.broker.groups);
    let offsets = groups.get(group).map(|entry| &entry.offsets);
    let one = |topic: &str, partition: i32| {
        let key = (topic.to_owned(), partition);
        if unstable.contains(&key) {
            return (partition, nothing(), ResponseError::UnstableOffsetCommit.code());
        }
        let committed = offsets.and_then(|offsets| offsets.get(&key)).cloned();
        (partition, committed.unwrap_or_else(nothing), 0)
    };
    let mut found = Found::new();
    match asked {
        Some(asked) => {
            for (topic, partitions) in asked {
                let rows = partitions.into_iter().map(|partition| one(&topic, partition));
                let rows: Vec<_> = rows.collect();
                found.entry(topic).or_default().extend(rows);
            }
        }
        None => {
            let committed = offsets.into_iter().flat_map(BTreeMap::keys);
            let all: BTreeSet<_> = committed.chain(&unstable).collect();
            for (topic, partition) in all {
                found.entry(topic.clone()).or_default().push(one(topic, *partition));
            }
        }
    }
    found
}

fn nothing() -> Committed {
    Committed { offset: -1, leader_epoch: -1, metadata: String::new() }
}

fn topic_name(name: String) -> TopicName {
    TopicName(StrBytes::from_string(name))
}
