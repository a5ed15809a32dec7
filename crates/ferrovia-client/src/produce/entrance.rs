//! The way into a producer: what is waited for before a batch is queued.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::driver::{Call, Command, Driver, Sent, Ticket, Transacting};
use super::error::ProduceError;
use super::message::{Part, Produced, RequestHead};
use super::stamp;
use super::window::{Numbering, Window, WindowSettings};
use crate::budget::{Credit, MemoryBudget};
use crate::cluster::{Cluster, MetadataView};
use crate::settings::ProducerSettings;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// What becomes of one batch. Resolves when the brokers have acknowledged or refused it: to where its
/// first record landed, or to the first reason why not all records did.
#[derive(Debug)]
pub struct Ack {
    outcome: oneshot::Receiver<Vec<Part>>,
}

impl Future for Ack {
    type Output = Result<Produced, ProduceError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome)
            .poll(context)
            .map(|parts| whole(parts.unwrap_or_default()))
    }
}

impl Ack {
    /// What becomes of each part of the batch: one, unless the batch had to be divided. They are in
    /// order, and all records belong to one.
    pub async fn parts(self) -> Vec<Part> {
        let closed = |_| Part::all(Err(ProduceError::Closed));
        self.outcome.await.unwrap_or_else(closed)
    }

    fn failed(error: ProduceError) -> Self {
        let (sender, outcome) = oneshot::channel();
        // The receiver is right here.
        let _heard = sender.send(Part::all(Err(error)));
        Self { outcome }
    }
}

/// What became of a batch with these parts.
fn whole(parts: Vec<Part>) -> Result<Produced, ProduceError> {
    let failed = parts.iter().position(|part| part.outcome.is_err());
    let telling = parts.into_iter().nth(failed.unwrap_or(0));
    telling.map_or(Err(ProduceError::Closed), |part| part.outcome)
}

/// A producer's handle of its task.
#[derive(Debug)]
pub(super) struct Entrance {
    cluster: Cluster,
    settings: ProducerSettings,
    buffer: MemoryBudget,
    commands: mpsc::Sender<Command>,
    task: AbortHandle,
}

impl Entrance {
    /// Starts the task on the current runtime.
    pub(super) fn open(
        cluster: Cluster,
        settings: ProducerSettings,
        numbering: Numbering,
        transacting: Option<Transacting>,
    ) -> Self {
        let window = Window::new(WindowSettings {
            requests_per_node: settings.requests_in_flight_max.clamp(1, REQUESTS_MAX),
            request_bytes: settings.request_bytes_max,
            retries: settings.retries,
            retry_backoff: settings.client.retry_backoff,
            retry_backoff_max: settings.client.retry_backoff_max,
            delivery_timeout: settings.delivery_timeout,
            numbering,
            divider: settings.divider,
            compression: settings.compression,
        });
        let transactional_id = match numbering {
            Numbering::Transactional => settings.transactional_id.as_deref(),
            _ => None,
        };
        let head = RequestHead::new(&settings, transactional_id);
        let (commands, queue) = mpsc::channel(QUEUED_COMMANDS);
        let driver = Driver::new(cluster.clone(), head, window, transacting);
        let task = tokio::spawn(driver.run(queue)).abort_handle();
        Self {
            buffer: MemoryBudget::new(settings.buffer_bytes),
            cluster,
            settings,
            commands,
            task,
        }
    }

    pub(super) fn max_block(&self) -> Duration {
        self.settings.max_block
    }

    pub(super) async fn send(&self, partition: TopicPartition, batch: Bytes) -> Ack {
        let (records, credit) = match self.admit(&partition, &batch).await {
            Ok(admitted) => admitted,
            Err(error) => {
                // A transaction that lacks a batch must not be committed.
                let _queued = self.commands.send(Command::Lost(error.clone())).await;
                return Ack::failed(error);
            }
        };
        let (sender, outcome) = oneshot::channel();
        let sent = Sent {
            partition,
            bytes: batch,
            records,
            ticket: Ticket {
                outcome: sender,
                _credit: credit,
            },
        };
        // If the task is gone, so is the ticket, and the acknowledgement says so.
        let _queued = self.commands.send(Command::Send(sent)).await;
        Ack { outcome }
    }

    /// Gives a command that is answered by a call, and waits for the answer.
    ///
    /// # Errors
    /// As for `await_call`.
    pub(super) async fn call(
        &self,
        operation: &'static str,
        command: impl FnOnce(Call) -> Command,
    ) -> Result<(), ProduceError> {
        let (call, outcome) = oneshot::channel();
        let command = command(call);
        // A full queue is emptied in no time, because the task waits for nothing.
        let queued = self.commands.send(command).await;
        queued.map_err(|_| ProduceError::Closed)?;
        self.await_call(operation, outcome).await
    }

    /// Waits for the end of a call, for at most `max.block.ms`.
    ///
    /// # Errors
    /// What the task answers; [`ProduceError::TimedOut`] when it does not.
    pub(super) async fn await_call(
        &self,
        operation: &'static str,
        outcome: oneshot::Receiver<Result<(), ProduceError>>,
    ) -> Result<(), ProduceError> {
        let waited = self.max_block();
        match within(waited, outcome).await {
            Some(outcome) => outcome.unwrap_or(Err(ProduceError::Closed)),
            None => Err(ProduceError::TimedOut { operation, waited }),
        }
    }

    /// Waits for what a batch needs before it is queued.
    async fn admit(
        &self,
        partition: &TopicPartition,
        batch: &[u8],
    ) -> Result<(i32, Credit), ProduceError> {
        let records = stamp::record_count(batch);
        let records = records.map_err(|reason| ProduceError::NotABatch { reason })?;
        let is_known = self.cluster.metadata().partition(partition).is_some();
        if is_known && let Some(credit) = self.buffer.try_reserve(batch.len()) {
            return Ok((records, credit));
        }
        let begun = Instant::now();
        if !is_known {
            self.until_known(partition).await?;
        }
        let left = self.max_block().saturating_sub(begun.elapsed());
        let credit = within(left, self.buffer.reserve(batch.len())).await;
        let credit = credit.ok_or_else(|| {
            let total = self.buffer.total_bytes();
            ProduceError::BufferExhausted {
                bytes: batch.len(),
                waited: self.max_block(),
                total,
                available: total.saturating_sub(self.buffer.used_bytes()),
                poolable: self.settings.batch_bytes,
            }
        })?;
        Ok((records, credit))
    }

    /// Waits until the metadata names the partition.
    async fn until_known(&self, partition: &TopicPartition) -> Result<(), ProduceError> {
        let cluster = self.cluster.clone();
        cluster.add_topics([Arc::clone(&partition.topic)]);
        if cluster
            .metadata()
            .partition_count(&partition.topic)
            .is_some()
        {
            // The topic may have grown.
            cluster.request_refresh();
        }
        let known = async {
            loop {
                let view = cluster.metadata();
                if view.partition(partition).is_some() {
                    return Ok(());
                }
                refuse_bad_topic(&view, partition)?;
                cluster.changed().await;
            }
        };
        let limit = self.max_block();
        within(limit, known).await.unwrap_or_else(|| {
            let view = cluster.metadata();
            Err(ProduceError::NotInMetadata {
                partition: partition.clone(),
                partition_count: view.partition_count(&partition.topic),
                waited: limit,
            })
        })
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A topic that brokers refuse is not waited for.
fn refuse_bad_topic(view: &MetadataView, partition: &TopicPartition) -> Result<(), ProduceError> {
    let code = view
        .topics
        .get(&partition.topic)
        .map_or(ErrorCode::NONE, |topic| topic.error);
    if code.is_none() || code.is_retriable() {
        return Ok(());
    }
    Err(ProduceError::BadTopic {
        topic: Arc::clone(&partition.topic),
        code,
    })
}

/// `None` when it takes longer. A limit beyond what the clock can tell is none.
async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    match Instant::now().checked_add(limit) {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

/// Commands between a producer and its task.
const QUEUED_COMMANDS: usize = 256;
/// A connection takes more requests than this at once.
const REQUESTS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_is_where_its_first_part_is_unless_one_is_missing() {
        let landed = |first, offset| Part {
            first,
            outcome: Ok(Produced {
                base_offset: Some(offset),
            }),
        };
        let lost = |first, error| Part {
            first,
            outcome: Err(error),
        };
        let all = vec![landed(0, 7), landed(2, 20)];
        assert_eq!(whole(all).unwrap().base_offset, Some(7));
        let some = vec![
            landed(0, 7),
            lost(1, ProduceError::Aborted),
            landed(2, 9),
            lost(3, ProduceError::Closed),
        ];
        assert_eq!(whole(some), Err(ProduceError::Aborted));
        assert_eq!(whole(Vec::new()), Err(ProduceError::Closed));
    }
}
