//! Batches that become visible together or not at all.
//!
//! A [`TransactionalProducer`] exists only once it has fenced all others with its transactional id;
//! it has at most one [`Transaction`] at a time, which only takes batches, and whose end takes it
//! away. One that is dropped is aborted.

pub(super) mod driver;
pub(super) mod machine;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use self::driver::Coordinator;
use self::machine::Machine;
use super::driver::{Abandonment, Command, Transacting};
use super::entrance::{Ack, Entrance};
use super::error::ProduceError;
use super::window::Numbering;
use crate::cluster::Cluster;
use crate::settings::ProducerSettings;
use crate::topic_partition::TopicPartition;

/// The one producer of a transactional id.
#[derive(Debug)]
pub struct TransactionalProducer {
    entrance: Entrance,
    abandonment: Arc<Abandonment>,
    /// A commit was given up, and may have happened or may yet happen.
    has_open_fate: bool,
}

/// An open transaction. Dropping it aborts it, in the background, as long as the producer lives;
/// else the coordinator does, after `transaction.timeout.ms` or for the next producer of the id.
#[derive(Debug)]
pub struct Transaction<'a> {
    producer: &'a mut TransactionalProducer,
    has_ended: bool,
}

impl TransactionalProducer {
    /// Takes over the transactional id of the settings on the current runtime: older producers with
    /// it are fenced, and a transaction they left open is aborted. Waits for at most
    /// `max.block.ms`.
    ///
    /// # Errors
    /// [`ProduceError::NoTransactionalId`] without one; [`ProduceError::TimedOut`] (it may be tried
    /// again); else what the coordinator refused.
    ///
    /// # Source
    /// `KafkaProducer.initTransactions`
    pub async fn start(cluster: Cluster, settings: ProducerSettings) -> Result<Self, ProduceError> {
        let id = settings.transactional_id.clone();
        let transactional_id = id.ok_or(ProduceError::NoTransactionalId)?;
        let machine = Machine::new(Arc::clone(&transactional_id), settings.client.retry_backoff);
        let coordinator = Coordinator {
            cluster: cluster.clone(),
            transactional_id,
            transaction_timeout: settings.transaction_timeout,
        };
        let abandonment = Arc::new(Abandonment::default());
        let (call, ready) = oneshot::channel();
        let transacting = Transacting::new(machine, coordinator, Arc::clone(&abandonment), call);
        let entrance = Entrance::open(
            cluster,
            settings,
            Numbering::Transactional,
            Some(transacting),
        );
        entrance.await_call("InitProducerId", ready).await?;
        Ok(Self {
            entrance,
            abandonment,
            has_open_fate: false,
        })
    }

    /// Begins a transaction, after the end of one that was dropped. The coordinator hears of it with
    /// the first batch.
    ///
    /// # Errors
    /// [`ProduceError::Fenced`] and [`ProduceError::Fatal`] when the producer is of no further use;
    /// [`ProduceError::TimedOut`] when the dropped transaction is not aborted in `max.block.ms`.
    ///
    /// # Cancel safety
    /// A dropped future has begun nothing that lasts.
    ///
    /// # Source
    /// `KafkaProducer.beginTransaction`
    pub async fn begin(&mut self) -> Result<Transaction<'_>, ProduceError> {
        if self.has_open_fate {
            let cause = Box::new(ProduceError::TimedOut {
                operation: COMMIT,
                waited: self.entrance.max_block(),
            });
            return Err(ProduceError::Fatal { cause });
        }
        // An early exit drops it, and so aborts what has begun without an owner.
        let transaction = Transaction {
            producer: self,
            has_ended: false,
        };
        let entrance = &transaction.producer.entrance;
        entrance.call("beginTransaction", Command::Begin).await?;
        Ok(transaction)
    }
}

impl Transaction<'_> {
    /// Queues one sealed record batch, as [`Producer::send`](super::Producer::send) does. After any
    /// failure the transaction cannot be committed.
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    pub async fn send(&self, partition: TopicPartition, batch: Bytes) -> Ack {
        self.producer.entrance.send(partition, batch).await
    }

    /// Waits until every batch is safe, and makes them visible. Waits for at most `max.block.ms`.
    ///
    /// # Errors
    /// [`ProduceError::Abortable`]: it is not committed, and is aborted in the background.
    /// [`ProduceError::TimedOut`]: it may have been committed, and may yet be; another producer of
    /// the same id has to be started and to find out. After a fatal error its fate is as open, since
    /// an earlier attempt, whose answer was lost, may have ended it.
    ///
    /// # Cancel safety
    /// A dropped future is like one that timed out.
    ///
    /// # Source
    /// `KafkaProducer.commitTransaction`
    pub async fn commit(mut self) -> Result<(), ProduceError> {
        self.producer.has_open_fate = true;
        let outcome = self.end(true).await;
        self.producer.has_open_fate = matches!(outcome, Err(ProduceError::TimedOut { .. }));
        self.has_ended = outcome.is_ok();
        outcome
    }

    /// Gives up what has not been sent, and makes the rest invisible for good. Waits for at most
    /// `max.block.ms`.
    ///
    /// # Errors
    /// [`ProduceError::TimedOut`]: it goes on in the background, and the next transaction begins
    /// after it. Else the producer is of no further use.
    ///
    /// # Cancel safety
    /// A dropped future is like one that timed out.
    ///
    /// # Source
    /// `KafkaProducer.abortTransaction`
    pub async fn abort(mut self) -> Result<(), ProduceError> {
        let outcome = self.end(false).await;
        self.has_ended = outcome.is_ok();
        outcome
    }

    async fn end(&mut self, commits: bool) -> Result<(), ProduceError> {
        let operation = if commits { COMMIT } else { ABORT };
        let command = |call| Command::End { commits, call };
        self.producer.entrance.call(operation, command).await
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.producer.abandonment.set();
        }
    }
}

const COMMIT: &str = "EndTxn(true)";
const ABORT: &str = "EndTxn(false)";
