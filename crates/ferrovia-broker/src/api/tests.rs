//! Every advertised request in every version: its outline agrees with the real encoder, its answer
//! and its refusal can be encoded, and no bytes make any of them panic.

mod transactions;

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::config::BrokerConfig;

fn broker() -> Arc<Broker> {
    let broker = Broker::open(BrokerConfig::default(), "127.0.0.1:1".parse().unwrap()).unwrap();
    let mut topics = crate::broker::lock(&broker.topics);
    broker
        .create_topic(&mut topics, "t", 2, Default::default())
        .unwrap();
    drop(topics);
    Arc::new(broker)
}

fn call(broker: &Arc<Broker>, version: i16) -> Call {
    Call {
        broker: Arc::clone(broker),
        version,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
    }
}

/// Sends `request(version)` in each version, answered and refused.
async fn check<A: Api>(request: impl Fn(i16) -> A::Request) {
    let broker = broker();
    for version in A::VERSIONS {
        let mut encoded = BytesMut::new();
        request(version).encode(&mut encoded, version).unwrap();
        let encoded = encoded.freeze();
        let api = ApiKey::try_from(A::Request::KEY).unwrap();
        assert_eq!(
            A::SHAPE.check(&encoded, version),
            Ok(()),
            "{api:?} v{version}"
        );
        for length in 0..encoded.len() {
            let cut = encoded.slice(..length);
            assert!(
                A::SHAPE.check(&cut, version).is_err(),
                "{api:?} v{version} cut at {length}"
            );
        }
        for wish in [Wish::Answer, Wish::Refuse(3)] {
            let body = serve(&call(&broker, version), api, encoded.clone(), wish)
                .await
                .unwrap();
            let mut bytes = Vec::new();
            body.unwrap().write_to(&mut bytes).await.unwrap();
            let mut bytes = Bytes::from(bytes);
            <A::Request as Request>::Response::decode(&mut bytes, version).unwrap();
            assert!(bytes.is_empty(), "{api:?} v{version} {wish:?}");
        }
    }
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic() -> TopicName {
    TopicName(text("t"))
}

fn named(version: i16, ids_since: i16) -> (TopicName, Uuid) {
    if version < ids_since {
        (topic(), Uuid::nil())
    } else {
        (TopicName::default(), Uuid::max())
    }
}

#[tokio::test]
async fn produce_and_fetch_in_every_version() {
    use fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
    use produce_request::{PartitionProduceData, TopicProduceData};
    check::<produce::Produce>(|version| {
        let (name, id) = named(version, 13);
        let records = crate::log::batch::testing::TestBatch::records(2).bytes();
        let data = PartitionProduceData::default()
            .with_index(1)
            .with_records(Some(records));
        let data = TopicProduceData::default()
            .with_name(name)
            .with_topic_id(id)
            .with_partition_data(vec![data, PartitionProduceData::default()]);
        ProduceRequest::default()
            .with_acks(-1)
            .with_topic_data(vec![data])
    })
    .await;
    check::<fetch::Fetch>(|version| {
        let (name, id) = named(version, 13);
        let partition = FetchPartition::default()
            .with_partition(1)
            .with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default()
            .with_topic(name.clone())
            .with_topic_id(id)
            .with_partitions(vec![partition.clone(), partition.with_partition(9)]);
        let forgotten = ForgottenTopic::default()
            .with_topic(name)
            .with_topic_id(id)
            .with_partitions(vec![1]);
        FetchRequest::default()
            .with_max_bytes(1 << 20)
            .with_topics(vec![topic])
            .with_forgotten_topics_data(if version >= 7 {
                vec![forgotten]
            } else {
                Vec::new()
            })
    })
    .await;
}

#[tokio::test]
async fn offsets_in_every_version() {
    use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
    check::<list_offsets::ListOffsets>(|_| {
        let partitions = [-1, -2, -3, 0]
            .map(|timestamp| ListOffsetsPartition::default().with_timestamp(timestamp))
            .to_vec();
        let topic = ListOffsetsTopic::default()
            .with_name(topic())
            .with_partitions(partitions);
        ListOffsetsRequest::default()
            .with_topics(vec![topic.clone(), topic.with_name(TopicName(text("u")))])
    })
    .await;
    check::<offset_for_leader_epoch::OffsetForLeaderEpoch>(|_| {
        let partitions = vec![OffsetForLeaderPartition::default(); 2];
        let topic = OffsetForLeaderTopic::default()
            .with_topic(topic())
            .with_partitions(partitions);
        OffsetForLeaderEpochRequest::default().with_topics(vec![topic])
    })
    .await;
}

#[tokio::test]
async fn committed_offsets_in_every_version() {
    use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
    use offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
    use offset_fetch_request::*;
    check::<offset_commit::OffsetCommit>(|_| {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(7);
        let missing = partition.clone().with_partition_index(9);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(topic())
            .with_partitions(vec![partition, missing]);
        OffsetCommitRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic])
    })
    .await;
    check::<offset_fetch::OffsetFetch>(|version| {
        if version < 8 {
            let topic = OffsetFetchRequestTopic::default()
                .with_name(topic())
                .with_partition_indexes(vec![0, 1]);
            let request = OffsetFetchRequest::default().with_group_id(GroupId(text("g")));
            return request.with_topics(Some(vec![topic]));
        }
        let topic = OffsetFetchRequestTopics::default()
            .with_name(topic())
            .with_partition_indexes(vec![0, 1]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text("g")))
            .with_topics(Some(vec![topic]));
        let all = group.clone().with_topics(None);
        OffsetFetchRequest::default().with_groups(vec![group, all])
    })
    .await;
    check::<offset_delete::OffsetDelete>(|_| {
        let topic = OffsetDeleteRequestTopic::default()
            .with_name(topic())
            .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
        OffsetDeleteRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_topics(vec![topic])
    })
    .await;
}

#[tokio::test]
async fn group_membership_in_every_version() {
    use join_group_request::JoinGroupRequestProtocol;
    use leave_group_request::MemberIdentity;
    use sync_group_request::SyncGroupRequestAssignment;
    check::<find_coordinator::FindCoordinator>(|version| {
        let request = FindCoordinatorRequest::default();
        if version < 4 {
            return request.with_key(text("g"));
        }
        request.with_coordinator_keys(vec![text("g"), text("h")])
    })
    .await;
    check::<join_group::JoinGroup>(|version| {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(Bytes::from_static(b"m"));
        JoinGroupRequest::default()
            .with_group_id(GroupId(format!("g{version}").into()))
            .with_session_timeout_ms(10_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol])
    })
    .await;
    check::<sync_group::SyncGroup>(|_| {
        let assignment = SyncGroupRequestAssignment::default().with_member_id(text("m"));
        SyncGroupRequest::default().with_assignments(vec![assignment])
    })
    .await;
    check::<heartbeat::Heartbeat>(|_| HeartbeatRequest::default()).await;
    check::<leave_group::LeaveGroup>(|version| {
        let request = LeaveGroupRequest::default();
        if version < 3 {
            return request.with_member_id(text("m"));
        }
        request.with_members(vec![MemberIdentity::default().with_member_id(text("m"))])
    })
    .await;
}

#[tokio::test]
async fn group_administration_in_every_version() {
    check::<describe_groups::DescribeGroups>(|_| {
        DescribeGroupsRequest::default().with_groups(vec![GroupId(text("g"))])
    })
    .await;
    check::<list_groups::ListGroups>(|version| {
        let states = if version >= 4 {
            vec![text("Stable")]
        } else {
            Vec::new()
        };
        ListGroupsRequest::default().with_states_filter(states)
    })
    .await;
    check::<delete_groups::DeleteGroups>(|_| {
        DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text("g"))])
    })
    .await;
}

#[tokio::test]
async fn topic_administration_in_every_version() {
    use create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
    use create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
    use delete_topics_request::DeleteTopicState;
    check::<create_topics::CreateTopics>(|version| {
        let config = CreatableTopicConfig::default()
            .with_name(text("cleanup.policy"))
            .with_value(Some(text("compact")));
        let assignment = CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1)]);
        let topic = CreatableTopic::default()
            .with_name(TopicName(format!("new{version}").into()))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(vec![assignment])
            .with_configs(vec![config]);
        CreateTopicsRequest::default().with_topics(vec![topic.clone(), topic])
    })
    .await;
    check::<delete_topics::DeleteTopics>(|version| {
        let request = DeleteTopicsRequest::default();
        if version < 6 {
            return request.with_topic_names(vec![topic()]);
        }
        request.with_topics(vec![DeleteTopicState::default().with_name(Some(topic()))])
    })
    .await;
    check::<create_partitions::CreatePartitions>(|_| {
        let assignment = CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]);
        let topic = CreatePartitionsTopic::default()
            .with_name(topic())
            .with_count(3)
            .with_assignments(Some(vec![assignment]));
        CreatePartitionsRequest::default().with_topics(vec![topic])
    })
    .await;
}

#[tokio::test]
async fn descriptions_in_every_version() {
    use describe_configs_request::DescribeConfigsResource;
    use describe_topic_partitions_request::{Cursor, TopicRequest};
    use metadata_request::MetadataRequestTopic;
    check::<metadata::Metadata>(|_| {
        let asked = |name| MetadataRequestTopic::default().with_name(Some(TopicName(text(name))));
        MetadataRequest::default().with_topics(Some(vec![asked("t"), asked("not a name")]))
    })
    .await;
    check::<describe_configs::DescribeConfigs>(|_| {
        let topic = DescribeConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("t"))
            .with_configuration_keys(Some(vec![text("cleanup.policy")]));
        let node = DescribeConfigsResource::default().with_resource_type(4);
        DescribeConfigsRequest::default().with_resources(vec![topic, node])
    })
    .await;
    check::<describe_topic_partitions::DescribeTopicPartitions>(|_| {
        DescribeTopicPartitionsRequest::default()
            .with_topics(vec![TopicRequest::default().with_name(topic())])
            .with_cursor(Some(Cursor::default().with_topic_name(topic())))
            .with_response_partition_limit(1)
    })
    .await;
    check::<describe_cluster::DescribeCluster>(|_| DescribeClusterRequest::default()).await;
    check::<api_versions::ApiVersions>(|_| ApiVersionsRequest::default()).await;
    check::<init_producer_id::InitProducerId>(|_| InitProducerIdRequest::default()).await;
}

/// Goal: a held fetch wakes on the append, long before its wait is over.
#[tokio::test]
async fn a_waiting_fetch_is_answered_when_records_arrive() {
    use fetch_request::{FetchPartition, FetchTopic};
    use produce_request::{PartitionProduceData, TopicProduceData};
    let broker = broker();
    let partition = FetchPartition::default().with_partition_max_bytes(1 << 20);
    let asked = FetchTopic::default()
        .with_topic(topic())
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_wait_ms(200_000)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![asked]);
    let fetching = call(&broker, 4);
    let waiting = tokio::spawn(async move { fetch::Fetch::answer(&fetching, request).await });
    // One turn of this thread's runtime is what the fetch needs to look and start waiting.
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let records = crate::log::batch::testing::TestBatch::records(2).bytes();
    let data = PartitionProduceData::default().with_records(Some(records.clone()));
    let data = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_acks(1)
        .with_topic_data(vec![data]);
    let produced = produce::Produce::answer(&call(&broker, 3), request).await;
    assert!(matches!(produced, Answer::Message(_)));
    let answer = tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    let Answer::Encoded(body) = answer else {
        panic!("{answer:?}")
    };
    assert!(body.len() > records.len());
}

proptest! {
    #[test]
    fn no_bytes_make_a_request_panic(
        which in 0usize..100,
        version in 0i16..20,
        bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (key, _) = advertised()[which % advertised().len()].clone();
        let api = ApiKey::try_from(key).unwrap();
        runtime.block_on(async {
            let call = call(&broker(), version);
            let serving = serve(&call, api, bytes.into(), Wish::Answer);
            // A well-formed request may rightly be held; it is the panics that count.
            let _ = tokio::time::timeout(Duration::from_millis(1), serving).await;
        });
    }
}
