//! Reads all partitions of an internal topic, forever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::fetch::{FetchError, FetchSettings, Fetched, Fetcher, OffsetReset, Start};
use ferrovia_client::settings::{ClientSettings, IsolationLevel};
use ferrovia_client::{Cluster, FramePool, MemoryBudget, TopicPartition};
use ferrovia_pipeline::batch::{
    AbortedTransactions, Admission, BatchError, InflateLimits, Inflater, RawBatch, batches,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::storage::log::ends::Ends;
use crate::storage::log::event::Marks;
use crate::storage::log::{LogEvent, LogRecord, ReadMark};

/// The task that reads. It ends with whoever takes what it reads.
pub(super) struct Reader {
    cluster: Cluster,
    partitions: Vec<TopicPartition>,
    isolation: IsolationLevel,
    fetcher: Fetcher,
    inflater: Inflater,
    /// The offset after the last batch that was handed out, of each partition of which one was.
    expected: BTreeMap<i32, i64>,
    presence: Presence,
    events: mpsc::Sender<Vec<LogEvent>>,
    marks: Marks,
    /// The newest mark of which the ends were asked for.
    asked: ReadMark,
    asking: JoinSet<Ends>,
    ends: Option<Ends>,
}

/// What a wait ended by.
enum Wake {
    Closed,
    Asked(ReadMark),
    Found(Ends),
    Fetched(Result<Vec<Fetched>, FetchError>),
    Metadata,
    Tick,
}

/// Nobody takes what is read.
struct Closed;

impl Reader {
    /// A reader that begins at the first record and means to find the end that the log has now.
    pub(super) fn new(
        cluster: Cluster,
        topic: &Arc<str>,
        partitions: i32,
        isolation: IsolationLevel,
        events: mpsc::Sender<Vec<LogEvent>>,
        marks: Marks,
    ) -> Self {
        let partitions: Vec<TopicPartition> = (0..partitions)
            .map(|number| TopicPartition::new(Arc::clone(topic), number))
            .collect();
        let settings = fetch_settings(cluster.settings(), isolation);
        let budget = MemoryBudget::new(BUDGET_BYTES);
        let pool = FramePool::new(IDLE_BUFFERS_BYTES);
        let mut fetcher = Fetcher::new(cluster.clone(), settings, budget, pool);
        fetcher.assign(partitions.iter().cloned().map(|one| (one, Start::Reset)));
        Self {
            cluster,
            partitions,
            isolation,
            fetcher,
            inflater: Inflater::new(InflateLimits::default()),
            expected: BTreeMap::new(),
            presence: Presence::default(),
            events,
            marks,
            asked: ReadMark::OPENED,
            asking: JoinSet::new(),
            ends: None,
        }
    }

    /// Reads until nobody takes what is read.
    pub(super) async fn run(mut self) {
        self.ask(ReadMark::OPENED);
        loop {
            let wake = self.wait().await;
            if self.on_wake(wake).await.is_err() || self.tell_of_end().await.is_err() {
                return;
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let Self {
            cluster,
            fetcher,
            events,
            marks,
            asked,
            asking,
            ends,
            ..
        } = self;
        let is_idle = asking.is_empty() && ends.is_none();
        tokio::select! {
            () = events.closed() => Wake::Closed,
            mark = marks.requested_after(*asked), if is_idle => Wake::Asked(mark),
            Some(Ok(found)) = asking.join_next() => Wake::Found(found),
            fetched = fetcher.next() => Wake::Fetched(fetched),
            () = cluster.changed() => Wake::Metadata,
            // A partition whose last records are gone moves without a word.
            () = sleep(TICK), if ends.is_some() => Wake::Tick,
        }
    }

    async fn on_wake(&mut self, wake: Wake) -> Result<(), Closed> {
        match wake {
            Wake::Closed => return Err(Closed),
            Wake::Asked(mark) => self.ask(mark),
            Wake::Found(ends) => {
                // They came with metadata, which may say that the topic was made anew.
                self.on_metadata();
                self.ends = Some(ends);
            }
            Wake::Metadata => self.on_metadata(),
            Wake::Tick => {}
            Wake::Fetched(Ok(fetched)) => {
                for fetched in fetched {
                    self.hand_out(fetched).await?;
                }
            }
            Wake::Fetched(Err(error)) => {
                tracing::error!(%error, "cannot read an internal topic; trying again");
                sleep(ERROR_PAUSE).await;
            }
        }
        Ok(())
    }

    fn ask(&mut self, mark: ReadMark) {
        self.asked = mark;
        let (cluster, partitions) = (self.cluster.clone(), self.partitions.clone());
        let finding = Ends::find(cluster, partitions, mark);
        self.asking.spawn(finding);
    }

    async fn tell_of_end(&mut self) -> Result<(), Closed> {
        let Some(ends) = self.ends.take() else {
            return Ok(());
        };
        if ends.are_reached(|partition| self.fetcher.position(partition)) {
            return self.send(vec![LogEvent::ReachedEnd(ends.mark)]).await;
        }
        if ends.are_stale(Instant::now()) {
            self.ask(ends.mark);
        } else {
            self.ends = Some(ends);
        }
        Ok(())
    }

    fn on_metadata(&mut self) {
        let view = self.cluster.metadata();
        let Some(first) = self.partitions.first() else {
            return;
        };
        let found = view.topics.get(&first.topic);
        let id = found
            .filter(|topic| !topic.partitions.is_empty())
            .map(|topic| topic.topic_id.as_u128());
        if self.presence.on_metadata(&first.topic, id) {
            for partition in &self.partitions {
                self.fetcher.seek(partition, Start::Reset);
            }
        }
    }

    /// Hands out the records of one answer and moves on behind them.
    async fn hand_out(&mut self, fetched: Fetched) -> Result<(), Closed> {
        let partition = fetched.partition;
        let mut next = fetched.from_offset;
        let mut epoch = None;
        let expected = self.expected.get(&partition.partition).copied();
        if let Some(expected) = expected.filter(|expected| *expected != next) {
            tracing::error!(%partition, expected, found = next, "records of an internal topic were lost or come again");
            let lost = LogEvent::Lost {
                partition: partition.partition,
                expected,
                found: next,
            };
            self.send(vec![lost]).await?;
        }
        let mut aborted = AbortedTransactions::new(match self.isolation {
            IsolationLevel::ReadCommitted => fetched.aborted,
            IsolationLevel::ReadUncommitted => Vec::new(),
        });
        for batch in batches(fetched.records) {
            let read = batch.and_then(|batch| {
                let header = batch.header();
                if header.next_offset() <= next {
                    return Ok((next, epoch, Vec::new()));
                }
                let shown = aborted.admits(&batch)? == Admission::Deliver;
                let records = match shown {
                    true => self.records(partition.partition, &batch, next)?,
                    false => Vec::new(),
                };
                let epoch = Some(header.partition_leader_epoch).filter(|epoch| *epoch >= 0);
                Ok((header.next_offset(), epoch, records))
            });
            match read {
                Ok((after, of_batch, records)) => {
                    (next, epoch) = (after, of_batch);
                    if !records.is_empty() {
                        self.send(records).await?;
                    }
                }
                Err(error) => {
                    tracing::error!(%partition, offset = next, %error, "cannot read an internal topic; trying again");
                    sleep(ERROR_PAUSE).await;
                    break;
                }
            }
        }
        self.expected.insert(partition.partition, next);
        self.fetcher.advance(&partition, next, epoch);
        Ok(())
    }

    fn records(
        &mut self,
        partition: i32,
        batch: &RawBatch,
        from_offset: i64,
    ) -> Result<Vec<LogEvent>, BatchError> {
        batch.verify_crc()?;
        let opened = self.inflater.open(batch)?;
        let mut records = Vec::new();
        for record in opened.records() {
            let record = record?;
            if record.offset >= from_offset {
                records.push(LogEvent::Record(LogRecord {
                    partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.map(Bytes::copy_from_slice),
                    value: record.value.map(Bytes::copy_from_slice),
                }));
            }
        }
        Ok(records)
    }

    async fn send(&self, events: Vec<LogEvent>) -> Result<(), Closed> {
        self.events.send(events).await.map_err(|_| Closed)
    }
}

/// Whether the topic is there, and whether it is still the same.
#[derive(Debug, Default)]
struct Presence {
    id: Option<u128>,
    is_missing: bool,
}

impl Presence {
    /// Takes the topic's id, `None` while the brokers do not know it. Answers whether the topic has been made anew, so that
    /// it has to be read from its beginning.
    fn on_metadata(&mut self, topic: &str, id: Option<u128>) -> bool {
        let Some(id) = id else {
            if self.id.is_some() && !self.is_missing {
                self.is_missing = true;
                tracing::error!(
                    topic,
                    "the internal topic is gone; waiting for it to come back. Everything in it is lost if it was deleted"
                );
            }
            return false;
        };
        self.is_missing = false;
        let before = self.id.replace(id).unwrap_or(id);
        let is_new = before != id && before != 0 && id != 0;
        if is_new {
            tracing::error!(
                topic,
                "the internal topic was deleted and made anew; reading it from its beginning"
            );
        }
        is_new
    }
}

fn fetch_settings(client: &ClientSettings, isolation: IsolationLevel) -> FetchSettings {
    FetchSettings {
        bytes_min: 1,
        bytes_max: FETCH_BYTES,
        partition_bytes_max: PARTITION_FETCH_BYTES,
        wait_max_ms: FETCH_WAIT_MS,
        isolation,
        reset: OffsetReset::Earliest,
        rack: client.client_rack.to_string(),
        retry_backoff: client.retry_backoff,
        retry_backoff_max: client.retry_backoff_max,
    }
}

/// Bytes that the answers of one log's brokers may hold together.
const BUDGET_BYTES: usize = 16 << 20;
/// Idle buffers of the connections that fetch.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;
/// Bytes of one answer; a larger record batch comes all the same.
const FETCH_BYTES: i32 = 2 << 20;
/// Bytes of one partition in an answer.
const PARTITION_FETCH_BYTES: i32 = 1 << 20;
/// How long a broker waits for records before it answers, as Java's consumer has it wait.
const FETCH_WAIT_MS: i32 = 500;
/// Between looks at the positions while an end is awaited.
const TICK: Duration = Duration::from_millis(20);
/// Before another attempt after an error that does not go away by itself.
const ERROR_PAUSE: Duration = Duration::from_secs(1);
