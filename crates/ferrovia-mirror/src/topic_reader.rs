//! Reads one of the connectors' own topics, which have one partition: to the end that it has now, and onwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::admin::offsets::list_offsets;
use ferrovia_client::admin::{OffsetQuery, OffsetSpec};
use ferrovia_client::fetch::{FetchSettings, Fetched, Fetcher, OffsetReset, Start};
use ferrovia_client::settings::IsolationLevel;
use ferrovia_client::{Cluster, ConsumerSettings, FramePool, MemoryBudget, TopicPartition};
use ferrovia_pipeline::batch::{BatchError, InflateLimits, Inflater, RecordRef};
use ferrovia_pipeline::error::ConnectError;
use tokio::time::sleep;

use crate::clients;
use crate::walk::{Seen, walk};

/// Reads from the first record on.
pub(crate) struct TopicReader {
    cluster: Cluster,
    partition: TopicPartition,
    isolation: IsolationLevel,
    fetcher: Fetcher,
    inflater: Inflater,
}

impl TopicReader {
    /// A reader with a consumer's properties, on the current runtime.
    ///
    /// # Errors
    /// A property that cannot be used.
    pub(crate) fn open(
        properties: &BTreeMap<String, String>,
        topic: &str,
    ) -> Result<Self, ConnectError> {
        let cluster = clients::open(properties)?;
        let consumer = ConsumerSettings::from_properties(properties);
        let consumer = consumer.map_err(|error| ConnectError::config(error.to_string()))?;
        let topic: Arc<str> = topic.into();
        let partition = TopicPartition::new(Arc::clone(&topic), 0);
        cluster.add_topics([topic]);
        let budget = MemoryBudget::new(BUDGET_BYTES);
        let pool = FramePool::new(IDLE_BUFFERS_BYTES);
        let mut fetcher = Fetcher::new(cluster.clone(), fetching(&consumer), budget, pool);
        fetcher.assign([(partition.clone(), Start::Reset)]);
        Ok(Self {
            cluster,
            partition,
            isolation: consumer.isolation_level,
            fetcher,
            inflater: Inflater::new(InflateLimits::default()),
        })
    }

    /// Shows `each` every record until the end that the topic has at the beginning of the call.
    ///
    /// # Errors
    /// The topic is not there, or may not be read, or holds what is no record.
    pub(crate) async fn read_to_end(
        &mut self,
        each: &mut impl FnMut(&RecordRef<'_>),
    ) -> Result<(), ConnectError> {
        let end = self.end().await?;
        while self
            .fetcher
            .position(&self.partition)
            .is_none_or(|position| position < end)
        {
            tokio::select! {
                read = self.next(each) => read?,
                // A partition whose last records are gone moves without a word.
                () = sleep(TICK) => {}
            }
        }
        Ok(())
    }

    /// Waits for the next records and shows them.
    ///
    /// # Errors
    /// The topic may not be read, or holds what is no record. A later call tries again.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(
        &mut self,
        each: &mut impl FnMut(&RecordRef<'_>),
    ) -> Result<(), ConnectError> {
        let fetched = self.fetcher.next().await;
        let fetched = fetched.map_err(|error| self.failed(error))?;
        for fetched in fetched {
            self.show(fetched, each)?;
        }
        Ok(())
    }

    async fn end(&self) -> Result<i64, ConnectError> {
        let query = OffsetQuery::from([(self.partition.clone(), OffsetSpec::Latest)]);
        let mut answers = list_offsets(&self.cluster, query, self.isolation).await;
        match answers.remove(&self.partition) {
            Some(Ok(listed)) => Ok(listed.offset.unwrap_or(0)),
            Some(Err(error)) => Err(self.failed(error)),
            None => Err(ConnectError::failed("No broker told where a topic ends")),
        }
    }

    fn show(
        &mut self,
        fetched: Fetched,
        each: &mut impl FnMut(&RecordRef<'_>),
    ) -> Result<(), ConnectError> {
        let walked = walk(fetched, self.isolation);
        let shown = walked.seen.iter();
        let shown = shown.map(|seen| records(&mut self.inflater, seen, each));
        let shown = shown.collect::<Result<(), BatchError>>();
        self.fetcher
            .advance(&self.partition, walked.next, walked.epoch);
        let fault = shown.err().or(walked.fault);
        fault.map_or(Ok(()), |error| Err(self.failed(error)))
    }

    fn failed(&self, error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
        ConnectError::failed_by(format!("Cannot read topic {}", self.partition.topic), error)
    }
}

fn records(
    inflater: &mut Inflater,
    seen: &Seen,
    each: &mut impl FnMut(&RecordRef<'_>),
) -> Result<(), BatchError> {
    for record in inflater.open(&seen.batch)?.records() {
        let record = record?;
        if record.offset >= seen.from_offset {
            each(&record);
        }
    }
    Ok(())
}

fn fetching(consumer: &ConsumerSettings) -> FetchSettings {
    FetchSettings {
        bytes_min: 1,
        bytes_max: FETCH_BYTES,
        partition_bytes_max: PARTITION_FETCH_BYTES,
        wait_max_ms: FETCH_WAIT_MS,
        reset: OffsetReset::Earliest,
        ..FetchSettings::of(consumer)
    }
}

/// Bytes that the answers of one topic's broker may hold together.
const BUDGET_BYTES: usize = 16 << 20;
/// Idle buffers of the connections that fetch.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;
/// Bytes of one answer; a larger record batch comes all the same.
const FETCH_BYTES: i32 = 2 << 20;
/// Bytes of one partition in an answer.
const PARTITION_FETCH_BYTES: i32 = 1 << 20;
/// How long a broker waits for records before it answers.
const FETCH_WAIT_MS: i32 = 500;
/// Between looks at the position while an end is awaited.
const TICK: Duration = Duration::from_millis(20);
