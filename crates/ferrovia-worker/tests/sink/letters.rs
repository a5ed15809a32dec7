//! Reads a topic whole, as a test looks at dead letters.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ferrovia_client::TopicPartition;
use ferrovia_client::admin::OffsetSpec;
use ferrovia_client::admin::offsets::list_offsets;
use ferrovia_client::budget::{FramePool, MemoryBudget};
use ferrovia_client::fetch::{FetchSettings, Fetcher, OffsetReset, Start};
use ferrovia_client::settings::IsolationLevel;
use ferrovia_pipeline::batch::{
    AbortedTransactions, Admission, Codec, InflateLimits, Inflater, batches,
};

use crate::stage::{DEADLINE, Stage};

/// A record of the dead letter topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) partition: i32,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) headers: Vec<(String, Option<String>)>,
    /// How its batch was compressed.
    pub(crate) codec: Codec,
}

impl Letter {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.as_deref()).unwrap()
    }
}

/// All records of a topic that exists, partition by partition.
pub(crate) async fn read(stage: &Stage, topic: &str) -> Vec<Letter> {
    read_as(stage, topic, IsolationLevel::ReadUncommitted).await
}

/// All records of a topic that exists, partition by partition, as a reader of this kind sees them.
pub(crate) async fn read_as(stage: &Stage, topic: &str, isolation: IsolationLevel) -> Vec<Letter> {
    let settings = FetchSettings {
        bytes_min: 1,
        bytes_max: 16 << 20,
        partition_bytes_max: 16 << 20,
        wait_max_ms: 20,
        isolation,
        reset: OffsetReset::Earliest,
        rack: String::new(),
        retry_backoff: Duration::from_millis(10),
        retry_backoff_max: Duration::from_millis(50),
    };
    let (budget, pool) = (MemoryBudget::new(64 << 20), FramePool::new(1 << 20));
    let mut fetcher = Fetcher::new(stage.cluster().clone(), settings, budget, pool);
    let partitions = (0..).zip(stage.broker().topic_end_offsets(topic));
    let partitions = partitions.map(|(number, _)| TopicPartition::new(topic, number));
    let query = partitions.map(|partition| (partition, OffsetSpec::Latest));
    let ends = list_offsets(stage.cluster(), query.collect(), isolation).await;
    let ends = ends
        .into_iter()
        .map(|(partition, end)| (partition.partition, end.unwrap().offset));
    let ends = ends.map(|(partition, end)| (partition, end.unwrap_or(0)));
    let mut missing: BTreeMap<i32, i64> = ends.filter(|(_, end)| *end > 0).collect();
    for partition in missing.keys() {
        let partition = TopicPartition::new(topic, *partition);
        fetcher.assign([(partition, Start::Reset)]);
    }
    let deadline = Instant::now() + DEADLINE;
    let mut letters = Vec::new();
    while !missing.is_empty() {
        let fetched = tokio::time::timeout_at(deadline.into(), fetcher.next());
        for fetched in fetched.await.unwrap().unwrap() {
            let partition = fetched.partition.partition;
            let mut aborted = AbortedTransactions::new(fetched.aborted);
            for batch in batches(fetched.records) {
                let batch = batch.unwrap();
                batch.verify_crc().unwrap();
                if aborted.admits(&batch).unwrap() == Admission::Deliver {
                    open(partition, &batch, &mut letters);
                }
                let next = batch.header().next_offset();
                fetcher.advance(&fetched.partition, next, None);
                if missing.get(&partition).is_some_and(|end| next >= *end) {
                    missing.remove(&partition);
                }
            }
        }
    }
    letters.sort_by_key(|letter: &Letter| letter.partition);
    letters
}

fn open(partition: i32, batch: &ferrovia_pipeline::batch::RawBatch, letters: &mut Vec<Letter>) {
    let text = |bytes: Option<&[u8]>| bytes.map(|it| String::from_utf8_lossy(it).into_owned());
    let mut inflater = Inflater::new(InflateLimits::default());
    for record in inflater.open(batch).unwrap().records() {
        let record = record.unwrap();
        let headers = record.headers.iter().map(Result::unwrap);
        letters.push(Letter {
            partition,
            codec: batch.header().codec().unwrap(),
            timestamp: record.timestamp,
            key: text(record.key),
            value: text(record.value),
            headers: headers
                .map(|it| (text(Some(it.key)).unwrap(), text(it.value)))
                .collect(),
        });
    }
}
