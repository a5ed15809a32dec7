//! Transactions from request to log: a client in this process that speaks encoded requests.

use add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use fetch_request::{FetchPartition, FetchTopic};
use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use produce_request::{PartitionProduceData, TopicProduceData};
use txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};

use super::*;
use crate::config::TransactionVersion;
use crate::log::batch::testing::TestBatch;

const FENCED: i16 = 90;
const OLD_EPOCH: i16 = 47;
const BAD_STATE: i16 = 48;
const CONCURRENT: i16 = 51;
const ABORTABLE: i16 = 120;

fn id() -> TransactionalId {
    TransactionalId(text("id"))
}

/// One request, encoded and decoded as on a connection.
async fn ask<A: Api>(
    broker: &Arc<Broker>,
    version: i16,
    request: A::Request,
) -> <A::Request as Request>::Response {
    let mut encoded = BytesMut::new();
    request.encode(&mut encoded, version).unwrap();
    let api = ApiKey::try_from(A::Request::KEY).unwrap();
    let call = call(broker, version);
    let body = serve(&call, api, encoded.freeze(), Wish::Answer).await;
    let mut bytes = Vec::new();
    body.unwrap().unwrap().write_to(&mut bytes).await.unwrap();
    <A::Request as Request>::Response::decode(&mut Bytes::from(bytes), version).unwrap()
}

/// Producer id and epoch, or the error.
async fn init(broker: &Arc<Broker>, timeout_ms: i32) -> Result<(i64, i16), i16> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(id()))
        .with_transaction_timeout_ms(timeout_ms)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let response = ask::<init_producer_id::InitProducerId>(broker, 5, request).await;
    match response.error_code {
        0 => Ok((response.producer_id.0, response.producer_epoch)),
        error => Err(error),
    }
}

async fn produce(broker: &Arc<Broker>, version: i16, batch: TestBatch) -> i16 {
    let data = PartitionProduceData::default().with_records(Some(batch.bytes()));
    let data = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_transactional_id(Some(id()))
        .with_acks(-1)
        .with_topic_data(vec![data]);
    let response = ask::<produce::Produce>(broker, version, request).await;
    response.responses[0].partition_responses[0].error_code
}

async fn add(
    broker: &Arc<Broker>,
    version: i16,
    producer: (i64, i16),
    partitions: &[i32],
) -> Vec<i16> {
    let topics = vec![
        AddPartitionsToTxnTopic::default()
            .with_name(topic())
            .with_partitions(partitions.to_vec()),
    ];
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_producer_id(ProducerId(producer.0))
        .with_v3_and_below_producer_epoch(producer.1)
        .with_v3_and_below_topics(topics);
    let response = ask::<add_partitions_to_txn::AddPartitionsToTxn>(broker, version, request).await;
    let topic = &response.results_by_topic_v3_and_below[0];
    let results = topic.results_by_partition.iter();
    results.map(|result| result.partition_error_code).collect()
}

/// The next producer id and epoch, or the error.
async fn end(
    broker: &Arc<Broker>,
    version: i16,
    producer: (i64, i16),
    committed: bool,
) -> Result<(i64, i16), i16> {
    let request = EndTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_committed(committed);
    let response = ask::<end_txn::EndTxn>(broker, version, request).await;
    match response.error_code {
        0 => Ok((response.producer_id.0, response.producer_epoch)),
        error => Err(error),
    }
}

/// Bytes read, last stable offset, and first offsets of aborted transactions.
async fn read_committed(broker: &Arc<Broker>) -> (usize, i64, Vec<i64>) {
    let partition = FetchPartition::default().with_partition_max_bytes(1 << 20);
    let asked = FetchTopic::default()
        .with_topic(topic())
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_isolation_level(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![asked]);
    let response = ask::<fetch::Fetch>(broker, 12, request).await;
    let partition = &response.responses[0].partitions[0];
    let aborted = partition.aborted_transactions.iter().flatten();
    (
        partition.records.as_ref().map_or(0, Bytes::len),
        partition.last_stable_offset,
        aborted.map(|one| one.first_offset).collect(),
    )
}

async fn latest(broker: &Arc<Broker>, isolation: i8) -> i64 {
    listed(broker, isolation, -1).await
}

async fn listed(broker: &Arc<Broker>, isolation: i8, timestamp: i64) -> i64 {
    let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(topic())
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_isolation_level(isolation)
        .with_topics(vec![topic]);
    let response = ask::<list_offsets::ListOffsets>(broker, 7, request).await;
    response.topics[0].partitions[0].offset
}

/// Offset and error code.
async fn committed_offset(broker: &Arc<Broker>, stable: bool) -> (i64, i16) {
    let topic = OffsetFetchRequestTopics::default()
        .with_name(topic())
        .with_partition_indexes(vec![0]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId(text("g")))
        .with_topics(Some(vec![topic]));
    let request = OffsetFetchRequest::default()
        .with_groups(vec![group])
        .with_require_stable(stable);
    let response = ask::<offset_fetch::OffsetFetch>(broker, 8, request).await;
    let partition = &response.groups[0].topics[0].partitions[0];
    (partition.committed_offset, partition.error_code)
}

async fn commit_offset(
    broker: &Arc<Broker>,
    version: i16,
    producer: (i64, i16),
    offset: i64,
) -> i16 {
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic())
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(id())
        .with_group_id(GroupId(text("g")))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    let response = ask::<txn_offset_commit::TxnOffsetCommit>(broker, version, request).await;
    response.topics[0].partitions[0].error_code
}

#[tokio::test]
async fn transaction_requests_in_every_version() {
    check::<add_partitions_to_txn::AddPartitionsToTxn>(|version| {
        let topics = vec![
            AddPartitionsToTxnTopic::default()
                .with_name(topic())
                .with_partitions(vec![0, 9]),
        ];
        let request = AddPartitionsToTxnRequest::default();
        if version < 4 {
            return request
                .with_v3_and_below_transactional_id(id())
                .with_v3_and_below_topics(topics);
        }
        let one = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(id())
            .with_topics(topics);
        let verified = one.clone().with_verify_only(true);
        request.with_transactions(vec![one, verified])
    })
    .await;
    check::<add_offsets_to_txn::AddOffsetsToTxn>(|_| {
        AddOffsetsToTxnRequest::default().with_transactional_id(id())
    })
    .await;
    check::<end_txn::EndTxn>(|_| EndTxnRequest::default().with_transactional_id(id())).await;
    check::<txn_offset_commit::TxnOffsetCommit>(|_| {
        let partition = TxnOffsetCommitRequestPartition::default();
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(topic())
            .with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(id())
            .with_topics(vec![topic])
    })
    .await;
    check::<describe_producers::DescribeProducers>(|_| {
        let topic = describe_producers_request::TopicRequest::default()
            .with_name(topic())
            .with_partition_indexes(vec![0, 9]);
        DescribeProducersRequest::default().with_topics(vec![topic])
    })
    .await;
    check::<describe_transactions::DescribeTransactions>(|_| {
        DescribeTransactionsRequest::default().with_transactional_ids(vec![id()])
    })
    .await;
    check::<list_transactions::ListTransactions>(|_| {
        ListTransactionsRequest::default()
            .with_state_filters(vec![text("Ongoing"), text("Odd")])
            .with_producer_id_filters(vec![ProducerId(1)])
    })
    .await;
    check::<init_producer_id::InitProducerId>(|_| {
        InitProducerIdRequest::default().with_transactional_id(Some(id()))
    })
    .await;
}

#[tokio::test]
async fn protocol_one_from_the_first_request_to_the_markers() {
    let broker = broker();
    let producer = init(&broker, 60_000).await.unwrap();
    let batch = |sequence| TestBatch::transactional(2, producer.0, producer.1, sequence);
    assert_eq!(produce(&broker, 10, batch(0)).await, BAD_STATE);
    assert_eq!(produce(&broker, 11, batch(0)).await, ABORTABLE);
    assert_eq!(add(&broker, 3, producer, &[0, 9]).await, [55, 3]);
    assert_eq!(add(&broker, 3, producer, &[0]).await, [0]);
    assert_eq!(produce(&broker, 10, batch(0)).await, 0);
    assert_eq!(read_committed(&broker).await, (0, 0, vec![]));
    assert_eq!((latest(&broker, 0).await, latest(&broker, 1).await), (2, 0));
    for timestamp in [0, -3] {
        let uncommitted = listed(&broker, 0, timestamp).await;
        let committed = listed(&broker, 1, timestamp).await;
        assert_eq!((uncommitted, committed), (0, -1), "at {timestamp}");
    }
    assert!(end(&broker, 4, producer, true).await.is_ok());
    let (committed, stable, aborted) = read_committed(&broker).await;
    assert_eq!((stable, aborted), (3, vec![]));
    // The epoch stays, and so the sequence goes on.
    assert_eq!(add(&broker, 3, producer, &[0]).await, [0]);
    assert_eq!(produce(&broker, 10, batch(2)).await, 0);
    assert!(end(&broker, 4, producer, false).await.is_ok());
    let (all, stable, aborted) = read_committed(&broker).await;
    assert!(all > committed);
    assert_eq!((stable, aborted), (6, vec![3]));
    assert_eq!((latest(&broker, 0).await, latest(&broker, 1).await), (6, 6));
    let next = init(&broker, 60_000).await.unwrap();
    assert_eq!(next, (producer.0, producer.1 + 1));
    assert_eq!(add(&broker, 3, producer, &[0]).await, [FENCED]);
    assert_eq!(add(&broker, 1, producer, &[0]).await, [OLD_EPOCH]);
    assert_eq!(produce(&broker, 10, batch(4)).await, OLD_EPOCH);
    assert_eq!(end(&broker, 4, producer, true).await, Err(FENCED));
    assert_eq!(end(&broker, 1, producer, true).await, Err(OLD_EPOCH));
}

#[tokio::test]
async fn protocol_two_needs_no_adding_and_begins_each_transaction_at_zero() {
    let broker = broker();
    let mut producer = init(&broker, 60_000).await.unwrap();
    for round in 0..3 {
        let batch = |sequence| TestBatch::transactional(1, producer.0, producer.1, sequence);
        assert_eq!(produce(&broker, 12, batch(5)).await, 45, "round {round}");
        assert_eq!(produce(&broker, 12, batch(0)).await, 0);
        assert_eq!(produce(&broker, 12, batch(0)).await, 0, "repeated");
        assert_eq!(produce(&broker, 12, batch(1)).await, 0);
        assert_eq!(latest(&broker, 1).await, 3 * round);
        let next = end(&broker, 5, producer, true).await.unwrap();
        assert_eq!(next, (producer.0, producer.1 + 1));
        assert_eq!(end(&broker, 5, producer, true).await, Ok(next), "repeated");
        assert_eq!(latest(&broker, 1).await, 3 * (round + 1));
        assert_eq!(produce(&broker, 12, batch(2)).await, OLD_EPOCH);
        producer = next;
    }
    assert_eq!(end(&broker, 5, producer, true).await, Err(BAD_STATE));
}

#[tokio::test]
async fn a_successor_fences_the_producer_and_its_transaction_is_aborted() {
    let broker = broker();
    let zombie = init(&broker, 60_000).await.unwrap();
    let batch = |sequence| TestBatch::transactional(1, zombie.0, zombie.1, sequence);
    assert_eq!(produce(&broker, 12, batch(0)).await, 0);
    assert_eq!(init(&broker, 60_000).await, Err(CONCURRENT));
    let successor = init(&broker, 60_000).await.unwrap();
    assert_eq!(successor, (zombie.0, zombie.1 + 2));
    let (_, stable, aborted) = read_committed(&broker).await;
    assert_eq!((stable, aborted), (2, vec![0]));
    assert_eq!(produce(&broker, 12, batch(1)).await, OLD_EPOCH);
    assert_eq!(end(&broker, 5, zombie, true).await, Err(FENCED));
}

#[tokio::test]
async fn offsets_count_once_the_transaction_is_committed() {
    const UNSTABLE: i16 = 88;
    for version in [3, 5] {
        let broker = broker();
        let mut producer = init(&broker, 60_000).await.unwrap();
        for (offset, committed) in [(4, true), (9, false)] {
            if version < 5 {
                assert_eq!(
                    commit_offset(&broker, version, producer, 4).await,
                    BAD_STATE
                );
                let request = AddOffsetsToTxnRequest::default()
                    .with_transactional_id(id())
                    .with_producer_id(ProducerId(producer.0))
                    .with_producer_epoch(producer.1)
                    .with_group_id(GroupId(text("g")));
                let added = ask::<add_offsets_to_txn::AddOffsetsToTxn>(&broker, 3, request).await;
                assert_eq!(added.error_code, 0);
            }
            let before = committed_offset(&broker, true).await;
            assert_eq!(commit_offset(&broker, version, producer, offset).await, 0);
            assert_eq!(committed_offset(&broker, false).await, before);
            assert_eq!(committed_offset(&broker, true).await, (-1, UNSTABLE));
            let next = end(&broker, version, producer, committed).await.unwrap();
            assert_eq!(committed_offset(&broker, true).await, (4, 0));
            if version >= 5 {
                producer = next;
            }
        }
        let stale = commit_offset(&broker, version, (producer.0, producer.1 + 1), 1).await;
        assert_eq!(stale, OLD_EPOCH);
    }
}

#[tokio::test]
async fn a_consumer_that_says_who_it_is_must_be_that() {
    let broker = broker();
    let producer = init(&broker, 60_000).await.unwrap();
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic())
        .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(id())
        .with_group_id(GroupId(text("g")))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(3)
        .with_member_id(text("nobody"))
        .with_topics(vec![topic]);
    let response = ask::<txn_offset_commit::TxnOffsetCommit>(&broker, 5, request).await;
    assert_eq!(response.topics[0].partitions[0].error_code, 22);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_takes_too_long_is_aborted_by_the_clock() {
    let broker = broker();
    let clock = Arc::clone(&broker);
    let clock = tokio::spawn(async move { clock.run_transaction_clock().await });
    let late = init(&broker, 5_000).await.unwrap();
    let batch = |sequence| TestBatch::transactional(1, late.0, late.1, sequence);
    assert_eq!(produce(&broker, 12, batch(0)).await, 0);
    // The clock is the test's: it moves on at once, and to the millisecond.
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(produce(&broker, 12, batch(1)).await, 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(produce(&broker, 12, batch(2)).await, OLD_EPOCH);
    assert_eq!(end(&broker, 5, late, true).await, Err(BAD_STATE));
    let (_, stable, aborted) = read_committed(&broker).await;
    assert_eq!((stable, aborted), (3, vec![0]));
    broker.stopping.send_replace(true);
    clock.await.unwrap();
}

#[tokio::test]
async fn timeouts_and_ids_have_limits() {
    let broker = broker();
    for timeout_ms in [i32::MIN, 0, 900_001] {
        assert_eq!(init(&broker, timeout_ms).await, Err(50), "{timeout_ms}");
    }
    assert!(init(&broker, 900_000).await.is_ok());
    let ask_for = |id: String| {
        InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(id.into())))
            .with_transaction_timeout_ms(1)
    };
    for (id, producer) in [("", (-1, -1)), ("x", (-1, 3)), ("x", (3, -1))] {
        let request = ask_for(id.to_owned())
            .with_producer_id(ProducerId(producer.0))
            .with_producer_epoch(producer.1);
        let response = ask::<init_producer_id::InitProducerId>(&broker, 4, request).await;
        assert_eq!(response.error_code, 42, "{id} {producer:?}");
    }
    let unknown = end(&broker, 5, (77, 0), true).await;
    assert_eq!(unknown, Err(49));
}

#[tokio::test]
async fn a_transaction_in_progress_is_described() {
    let broker = broker();
    let producer = init(&broker, 60_000).await.unwrap();
    let batch = TestBatch::transactional(1, producer.0, producer.1, 0);
    assert_eq!(produce(&broker, 12, batch).await, 0);
    let request = DescribeTransactionsRequest::default()
        .with_transactional_ids(vec![id(), TransactionalId(text("other"))]);
    let response = ask::<describe_transactions::DescribeTransactions>(&broker, 0, request).await;
    let states = &response.transaction_states;
    assert_eq!(states[0].transaction_state.as_str(), "Ongoing");
    assert!(states[0].transaction_start_time_ms > 0);
    assert_eq!(states[0].topics[0].partitions, [0]);
    assert_eq!(states[1].error_code, 105);
    let filters = [("Ongoing", 1), ("Empty", 0), ("Odd", 0)];
    for (state, count) in filters {
        let request = ListTransactionsRequest::default().with_state_filters(vec![text(state)]);
        let response = ask::<list_transactions::ListTransactions>(&broker, 1, request).await;
        assert_eq!(response.transaction_states.len(), count, "{state}");
        let unknown = usize::from(state == "Odd");
        assert_eq!(response.unknown_state_filters.len(), unknown);
    }
    let asked = describe_producers_request::TopicRequest::default()
        .with_name(topic())
        .with_partition_indexes(vec![0]);
    let request = DescribeProducersRequest::default().with_topics(vec![asked]);
    let response = ask::<describe_producers::DescribeProducers>(&broker, 0, request).await;
    let known = &response.topics[0].partitions[0].active_producers[0];
    assert_eq!(
        (known.producer_id.0, known.current_txn_start_offset),
        (producer.0, 0)
    );
}

#[tokio::test]
async fn the_level_of_the_transaction_protocol_is_announced() {
    let versions = [
        (TransactionVersion::Zero, None),
        (TransactionVersion::One, Some(1)),
        (TransactionVersion::Two, Some(2)),
    ];
    for (transaction_version, level) in versions {
        let config = BrokerConfig {
            transaction_version,
            ..BrokerConfig::default()
        };
        let broker = Arc::new(Broker::open(config, "127.0.0.1:1".parse().unwrap()).unwrap());
        for version in [3, 4] {
            let request = ApiVersionsRequest::default();
            let response = ask::<api_versions::ApiVersions>(&broker, version, request).await;
            let finalized = response.finalized_features.first();
            assert_eq!(finalized.map(|feature| feature.max_version_level), level);
            assert_eq!(response.supported_features.len(), usize::from(version >= 4));
            assert_eq!(response.finalized_features_epoch, 0);
        }
    }
}
