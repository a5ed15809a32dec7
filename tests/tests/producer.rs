//! The client's producers before real Apache Kafka: what was acknowledged is in the log once and in order, though
//! connections are cut; transactions are seen whole or not at all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use ferrovia_broker::{ApiKey, BrokerConfig, EmbeddedBroker, Fault, Times};
use ferrovia_client::admin::fence_producers;
use ferrovia_client::error::ClientError;
use ferrovia_client::produce::{Ack, ProduceError, Produced};
use ferrovia_client::{
    Cluster, ErrorCode, FramePool, Producer, ProducerSettings, TopicPartition,
    TransactionalProducer,
};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;

const RECORDS: u32 = 100_000;
const RECORDS_PER_BATCH: u32 = 50;
const CUTS: u32 = 10;

fn settings(bootstrap: &str, pairs: &[(&str, &str)]) -> io::Result<ProducerSettings> {
    let all = [("bootstrap.servers", bootstrap)];
    let all = all.iter().chain(pairs);
    let map: BTreeMap<String, String> = all
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    ProducerSettings::from_properties(&map).map_err(io::Error::other)
}

fn cluster(settings: &ProducerSettings) -> Cluster {
    Cluster::new(settings.client.clone(), FramePool::new(0))
}

/// Records `name-first` to `name-(first + count - 1)` in one batch.
fn batch(name: &str, first: u32, count: u32) -> io::Result<Bytes> {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for number in first..first + count {
        let value = format!("{name}-{number}");
        writer
            .append(1, None, Some(value.as_bytes()), &[])
            .map_err(io::Error::other)?;
    }
    writer.seal(Seal::default()).map_err(io::Error::other)
}

fn values(lab: &mut Lab, topic: &str) -> io::Result<Vec<String>> {
    let records = lab.read(topic)?.into_iter();
    let texts = records.map(|it| String::from_utf8_lossy(&it.value.unwrap_or_default()).into());
    Ok(texts.collect())
}

fn names(name: &str, count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("{name}-{number}"))
        .collect()
}

async fn settle(open: &mut VecDeque<Ack>, keep: usize) -> io::Result<Vec<Produced>> {
    let mut produced = Vec::new();
    while open.len() > keep {
        let Some(oldest) = open.pop_front() else {
            break;
        };
        produced.push(oldest.await.map_err(io::Error::other)?);
    }
    Ok(produced)
}

#[tokio::test]
async fn faults_of_the_embedded_broker_cost_no_record_and_double_none() -> io::Result<()> {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .map_err(io::Error::other)?;
    assert!(broker.create_topic("t", 2));
    let bootstrap = broker.address().to_string();
    let settings = settings(&bootstrap, &[("retry.backoff.ms", "5")])?;
    let producer = Producer::new(cluster(&settings), settings);
    let faults = [
        Fault::DropAfterHandling,
        Fault::Drop,
        Fault::ErrorCode(ErrorCode::NOT_LEADER_OR_FOLLOWER.0),
        Fault::DropAfterHandling,
    ];
    let mut open: VecDeque<(i32, Ack)> = VecDeque::new();
    let mut ends = [0_i64; 2];
    for round in 0..400 {
        if round % 10 == 5 {
            let fault = faults[round / 10 % faults.len()].clone();
            broker.faults().inject(ApiKey::Produce, fault, Times::Once);
        }
        for partition in [0, 1] {
            let to = TopicPartition::new("t", partition);
            let ack = producer.send(to, batch("r", 0, 3)?).await;
            open.push_back((partition, ack));
        }
        while open.len() > 20
            && let Some((partition, oldest)) = open.pop_front()
        {
            check_next(&mut ends, partition, oldest).await?;
        }
    }
    for (partition, ack) in open {
        check_next(&mut ends, partition, ack).await?;
    }
    assert_eq!(broker.faults().pending(), 0);
    assert_eq!(broker.topic_end_offsets("t"), [1_200, 1_200]);
    Ok(())
}

/// A `begin` is given up before or after the producer's task has heard of it; the next one, and what is sent then, must
/// not suffer.
#[tokio::test]
async fn begin_that_was_given_up_leaves_no_transaction_behind() -> io::Result<()> {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .map_err(io::Error::other)?;
    assert!(broker.create_topic("t", 1));
    let bootstrap = broker.address().to_string();
    let pairs = [("transactional.id", "given-up"), ("max.block.ms", "5000")];
    let settings = settings(&bootstrap, &pairs)?;
    let started = TransactionalProducer::start(cluster(&settings), settings).await;
    let mut producer = started.map_err(io::Error::other)?;
    for turns in [0, 1, 100] {
        let mut begin = Box::pin(producer.begin());
        let polled = poll_fn(|context| Poll::Ready(begin.as_mut().poll(context).is_pending()));
        assert!(polled.await);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        drop(begin);
        let next = producer.begin().await.map_err(io::Error::other)?;
        next.send(TopicPartition::new("t", 0), batch("r", 0, 3)?)
            .await;
        next.commit().await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// The next batch of a partition begins where the one before ended.
async fn check_next(ends: &mut [i64; 2], partition: i32, ack: Ack) -> io::Result<()> {
    let produced = ack.await.map_err(io::Error::other)?;
    let place = usize::try_from(partition).map_err(io::Error::other)?;
    let end = ends.get_mut(place);
    let end = end.ok_or_else(|| io::Error::other("no such partition"))?;
    assert_eq!(produced.base_offset, Some(*end));
    *end += 3;
    Ok(())
}

#[tokio::test]
async fn records_are_there_once_and_in_order_though_connections_are_cut() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let (kafka, proxy) = Kafka::start_behind_proxy(ORACLE)?;
    let mut lab = Lab::start(&kafka)?;
    lab.create("once", 1)?;
    let settings = settings(&kafka.bootstrap(), &[])?;
    let producer = Producer::new(cluster(&settings), settings);
    let to = TopicPartition::new("once", 0);
    let mut open = VecDeque::new();
    let mut produced = Vec::new();
    let mut cuts = 0;
    for first in (0..RECORDS).step_by(50) {
        let batch = batch("r", first, RECORDS_PER_BATCH)?;
        open.push_back(producer.send(to.clone(), batch).await);
        produced.extend(settle(&mut open, 40).await?);
        if first % (RECORDS / CUTS) == RECORDS / CUTS / 2 {
            cuts += u32::from(proxy.cut());
        }
    }
    produced.extend(settle(&mut open, 0).await?);
    assert_eq!(cuts, CUTS);
    let offsets: Vec<i64> = produced.iter().filter_map(|it| it.base_offset).collect();
    let expected: Vec<i64> = (0..i64::from(RECORDS)).step_by(50).collect();
    assert_eq!(offsets, expected);
    assert!(values(&mut lab, "once")? == names("r", RECORDS));
    Ok(())
}

/// Whether the transactions of one transactional id are seen as they ended.
async fn check_transactions(kafka: &Kafka, lab: &mut Lab, topic: &str) -> io::Result<()> {
    lab.create(topic, 2)?;
    let settings = settings(&kafka.bootstrap(), &[("transactional.id", topic)])?;
    let start = || TransactionalProducer::start(cluster(&settings), settings.clone());
    let mut producer = start().await.map_err(io::Error::other)?;
    let to = |number| TopicPartition::new(topic, number);
    for (name, commits) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        let transaction = producer.begin().await.map_err(io::Error::other)?;
        for number in 0..3 {
            let partition = to(i32::from(number == 1));
            let batch = batch(&format!("{name}{number}"), 0, 10)?;
            let ack = transaction.send(partition, batch).await;
            if number == 0 {
                ack.await.map_err(io::Error::other)?;
            }
        }
        let end = match commits {
            true => transaction.commit().await,
            false => transaction.abort().await,
        };
        end.map_err(io::Error::other)?;
    }
    // One that is dropped is aborted before the next begins.
    let dropped = producer.begin().await.map_err(io::Error::other)?;
    let ack = dropped.send(to(0), batch("dropped", 0, 10)?).await;
    ack.await.map_err(io::Error::other)?;
    drop(dropped);
    let empty = producer.begin().await.map_err(io::Error::other)?;
    empty.commit().await.map_err(io::Error::other)?;
    assert_eq!(lab.scan_at(topic, "read_committed")?.count(), 3 * 30);

    // The next of the same id takes over, and aborts what is open.
    let old = producer.begin().await.map_err(io::Error::other)?;
    let ack = old.send(to(0), batch("old", 0, 10)?).await;
    ack.await.map_err(io::Error::other)?;
    let mut producer = start().await.map_err(io::Error::other)?;
    let refused = old.send(to(0), batch("zombie", 0, 10)?).await.await;
    assert!(refused.is_err(), "{refused:?}");
    let outcome = old.commit().await;
    assert!(
        matches!(
            outcome,
            Err(ProduceError::Fenced { .. } | ProduceError::Abortable { .. })
        ),
        "{outcome:?}"
    );
    let last = producer.begin().await.map_err(io::Error::other)?;
    last.send(to(1), batch("last", 0, 10)?).await;
    last.commit().await.map_err(io::Error::other)?;
    assert_eq!(lab.scan_at(topic, "read_committed")?.count(), 4 * 30 - 20);

    let ids = BTreeSet::from([Arc::from(topic)]);
    let fenced = fence_producers(&cluster(&settings), ids).await;
    let outcomes: Vec<Result<(), ClientError>> = fenced.into_values().collect();
    assert!(matches!(outcomes.as_slice(), [Ok(_)]), "{outcomes:?}");
    let late = producer.begin().await.map_err(io::Error::other)?;
    let _refused = late.send(to(0), batch("late", 0, 10)?).await.await;
    assert!(late.commit().await.is_err());
    Ok(())
}

#[tokio::test]
async fn transactions_are_seen_whole_or_not_at_all() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let mut lab = Lab::start(kafka)?;
    check_transactions(kafka, &mut lab, "whole").await?;
    // The older protocol, in which partitions are added by the producer.
    let server = kafka.bootstrap();
    let feature = ["--bootstrap-server", &server, "downgrade"];
    let feature = [&feature[..], &["--feature", "transaction.version=1"]].concat();
    let (code, output) = lab.tool("org.apache.kafka.tools.FeatureCommand", &feature)?;
    assert_eq!(code, 0, "{output}");
    check_transactions(kafka, &mut lab, "whole-in-v1").await
}

#[tokio::test]
async fn missing_topic_and_full_buffer_end_in_javas_words() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let kafka = Kafka::shared(ORACLE)?;
    let settings = settings(&kafka.bootstrap(), &[("max.block.ms", "300")])?;
    let producer = Producer::new(cluster(&settings), settings);
    let to = TopicPartition::new("nowhere", 0);
    let error = producer.send(to, batch("r", 0, 1)?).await.await;
    let text = "Topic nowhere not present in metadata after 300 ms.";
    assert_eq!(
        error.map_err(|error| error.to_string()),
        Err(text.to_owned())
    );
    Ok(())
}
