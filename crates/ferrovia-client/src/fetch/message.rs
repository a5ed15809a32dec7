//! Fetch requests and answers: between the machine's plain values and the protocol's messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::TopicPartition;
use crate::fetch::machine::{FetchAnswer, FetchSettings, PartitionAnswer};
use crate::fetch::session::{PartitionAsk, SessionRequest};

/// From this version on, topics are named by their ids (KIP-516).
const TOPIC_IDS_SINCE: i16 = 13;

/// The names of the topics that an answer may speak of, by id.
pub(super) struct TopicNames(BTreeMap<Uuid, Arc<str>>);

impl TopicNames {
    /// The topics of everything that a session asks for.
    pub(super) fn of<'a>(
        asked: impl Iterator<Item = (&'a TopicPartition, &'a PartitionAsk)>,
    ) -> Self {
        Self(
            asked
                .map(|(partition, ask)| (ask.topic_id, Arc::clone(&partition.topic)))
                .collect(),
        )
    }

    /// The version to speak: topic ids only where the broker has given every topic one.
    pub(super) fn version_for(&self, newest: i16) -> i16 {
        if self.0.contains_key(&Uuid::nil()) {
            newest.min(TOPIC_IDS_SINCE - 1)
        } else {
            newest
        }
    }
}

/// The request as the protocol has it; `bytes_max` is the credit that its answer may use.
pub(super) fn encode(
    request: &SessionRequest,
    settings: &FetchSettings,
    bytes_max: u64,
    version: i16,
) -> FetchRequest {
    let mut topics: BTreeMap<&TopicKey, Vec<FetchPartition>> = BTreeMap::new();
    let keys: Vec<(TopicKey, &TopicPartition, &PartitionAsk)> = request
        .changed
        .iter()
        .map(|(partition, ask)| (TopicKey::new(partition, ask.topic_id), partition, ask))
        .collect();
    for (key, partition, ask) in &keys {
        topics.entry(key).or_default().push(
            FetchPartition::default()
                .with_partition(partition.partition)
                .with_current_leader_epoch(ask.leader_epoch)
                .with_fetch_offset(ask.offset)
                .with_last_fetched_epoch(ask.fetched_epoch)
                .with_log_start_offset(-1)
                .with_partition_max_bytes(ask.bytes_max),
        );
    }
    let topics = topics
        .into_iter()
        .map(|(key, partitions)| {
            let topic = FetchTopic::default().with_partitions(partitions);
            if version >= TOPIC_IDS_SINCE {
                topic.with_topic_id(key.id)
            } else {
                topic.with_topic(key.name())
            }
        })
        .collect();
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(settings.wait_max_ms)
        .with_min_bytes(settings.bytes_min)
        .with_max_bytes(i32::try_from(bytes_max).unwrap_or(i32::MAX))
        .with_isolation_level(settings.isolation.wire_value())
        .with_session_id(request.session_id)
        .with_session_epoch(request.session_epoch)
        .with_topics(topics)
        .with_forgotten_topics_data(forgotten(request, version))
        .with_rack_id(StrBytes::from_string(settings.rack.clone()))
}

fn forgotten(request: &SessionRequest, version: i16) -> Vec<ForgottenTopic> {
    let one = |(partition, id): &(TopicPartition, Uuid)| {
        let topic = ForgottenTopic::default().with_partitions(vec![partition.partition]);
        if version >= TOPIC_IDS_SINCE {
            topic.with_topic_id(*id)
        } else {
            topic.with_topic(TopicKey::new(partition, *id).name())
        }
    };
    request.forgotten.iter().map(one).collect()
}

/// The answer as the machine wants it. Topics that were not asked for are left out.
pub(super) fn decode(response: FetchResponse, version: i16, names: &TopicNames) -> FetchAnswer {
    let mut partitions = Vec::new();
    for topic in response.responses {
        let name = if version >= TOPIC_IDS_SINCE {
            names.0.get(&topic.topic_id).cloned()
        } else {
            Some(topic.topic.as_str().into())
        };
        let Some(name) = name else { continue };
        let of_topic = |data: PartitionData| {
            let partition = TopicPartition {
                topic: Arc::clone(&name),
                partition: data.partition_index,
            };
            partition_answer(partition, data)
        };
        partitions.extend(topic.partitions.into_iter().map(of_topic));
    }
    FetchAnswer {
        error_code: response.error_code,
        session_id: response.session_id,
        partitions,
    }
}

fn partition_answer(partition: TopicPartition, data: PartitionData) -> PartitionAnswer {
    let leader = (
        data.current_leader.leader_id.0,
        data.current_leader.leader_epoch,
    );
    let aborted = data.aborted_transactions.unwrap_or_default();
    PartitionAnswer {
        partition,
        error_code: data.error_code,
        high_watermark: data.high_watermark,
        last_stable_offset: data.last_stable_offset,
        log_start_offset: data.log_start_offset,
        diverging_offset: (data.diverging_epoch.end_offset >= 0)
            .then_some(data.diverging_epoch.end_offset),
        current_leader: (leader.0 >= 0).then_some(leader),
        preferred_replica: (data.preferred_read_replica.0 >= 0)
            .then_some(data.preferred_read_replica.0),
        aborted: aborted
            .iter()
            .map(|one| (one.producer_id.0, one.first_offset))
            .collect(),
        records: data.records.unwrap_or_default(),
    }
}

/// What partitions of a request are grouped by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct TopicKey {
    topic: Arc<str>,
    id: Uuid,
}

impl TopicKey {
    fn new(partition: &TopicPartition, id: Uuid) -> Self {
        Self {
            topic: Arc::clone(&partition.topic),
            id,
        }
    }

    fn name(&self) -> TopicName {
        TopicName(StrBytes::from_string(self.topic.to_string()))
    }
}
