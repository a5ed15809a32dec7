//! Reads partitions of the source cluster, ahead of the task that copies them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ferrovia_client::fetch::{FetchError, FetchSettings, Fetched, Fetcher, Start};
use ferrovia_client::{ConsumerSettings, FramePool, MemoryBudget, TopicPartition};
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clients;
use crate::walk::{Seen, walk};

/// Batches of one partition, in order.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) partition: TopicPartition,
    pub(super) batches: Vec<Seen>,
}

/// What a reader tells at once.
pub(super) type Reads = Result<Vec<Read>, ConnectError>;

/// Reads on the event loop on which it was opened, until it is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    reads: Receiver<Reads>,
    task: AbortHandle,
}

impl Reader {
    /// Reads these partitions with a consumer's properties. `waker` is woken when there is something to take.
    ///
    /// # Errors
    /// A property that cannot be used.
    pub(super) fn open(
        properties: &BTreeMap<String, String>,
        starts: Vec<(TopicPartition, Start)>,
        waker: Waker,
    ) -> Result<Self, ConnectError> {
        let consumer = ConsumerSettings::from_properties(properties);
        let consumer = consumer.map_err(|error| ConnectError::config(error.to_string()))?;
        let cluster = clients::open(properties)?;
        cluster.add_topics(starts.iter().map(|(it, _)| Arc::clone(&it.topic)));
        let settings = FetchSettings::of(&consumer);
        let budget = MemoryBudget::new(BUDGET_BYTES);
        let pool = FramePool::new(IDLE_BUFFERS_BYTES);
        let mut fetcher = Fetcher::new(cluster, settings.clone(), budget, pool);
        fetcher.assign(starts);
        let (sender, reads) = channel(READS_AHEAD);
        let reading = Reading {
            fetcher,
            settings,
            sender,
            waker,
        };
        let task = tokio::spawn(reading.run()).abort_handle();
        Ok(Self { reads, task })
    }

    /// What was read since, if anything was.
    ///
    /// # Errors
    /// Nothing will be read any more, which is a bug of the reader's.
    pub(super) fn take(&mut self) -> Result<Option<Reads>, ConnectError> {
        match self.reads.try_recv() {
            Ok(reads) => Ok(Some(reads)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(ConnectError::failed(
                "What reads the source cluster has ended; the log tells why",
            )),
        }
    }

    /// Ends as after a panic.
    #[cfg(test)]
    pub(super) fn end(&self) {
        self.task.abort();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reading {
    fetcher: Fetcher,
    settings: FetchSettings,
    sender: Sender<Reads>,
    waker: Waker,
}

impl Reading {
    async fn run(mut self) {
        loop {
            let fetched = self.fetcher.next().await;
            // A partition that a broker refuses waits by itself, and keeps nobody from the others.
            let is_refused =
                matches!(&fetched, Err(error) if !matches!(error, FetchError::NoOffset { .. }));
            let (reads, fault) = match fetched {
                Ok(fetched) => self.walk(fetched),
                Err(error) => (Vec::new(), Some(failed(error))),
            };
            // The brokers answer the next request while this answer is copied.
            let sent = self.fetcher.send().await.map_err(failed);
            let pauses = sent.is_err() || (fault.is_some() && !is_refused);
            let fault = fault.or_else(|| sent.err());
            let told = [(!reads.is_empty()).then_some(Ok(reads)), fault.map(Err)];
            for reads in told.into_iter().flatten() {
                if self.sender.send(reads).await.is_err() {
                    return;
                }
                self.waker.wake_by_ref();
            }
            if pauses {
                sleep(PAUSE_AFTER_FAULT).await;
            }
        }
    }

    /// Walks through an answer, and tells the fetcher where to read on.
    fn walk(&mut self, fetched: Vec<Fetched>) -> (Vec<Read>, Option<ConnectError>) {
        let (mut reads, mut fault) = (Vec::new(), None);
        for fetched in fetched {
            let (partition, from_offset) = (fetched.partition.clone(), fetched.from_offset);
            let walked = walk(fetched, self.settings.isolation);
            self.fetcher.advance(&partition, walked.next, walked.epoch);
            match walked.fault {
                Some(error) => fault = Some(failed(error)),
                None if walked.next == from_offset => {
                    let what = format!("No whole record batch came for {partition}");
                    fault = Some(ConnectError::failed(what));
                }
                None => {}
            }
            if !walked.seen.is_empty() {
                let batches = walked.seen;
                reads.push(Read { partition, batches });
            }
        }
        (reads, fault)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
    ConnectError::failed_by("Cannot read from the source cluster", error)
}

/// Answers that wait for the task. What they hold counts towards the budget.
const READS_AHEAD: usize = 2;
/// Bytes of answers that are on their way or not copied yet.
const BUDGET_BYTES: usize = 64 << 20;
/// Idle buffers of the connections that fetch.
const IDLE_BUFFERS_BYTES: usize = 16 << 20;
/// Before the brokers are asked again for what could not be read.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(1);
