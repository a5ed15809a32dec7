//! Writes to an internal topic in transactions, as the only one that may: whoever claims the right takes it away from all
//! others.
//!
//! # Source
//! `KafkaConfigBackingStore.claimWritePrivileges` and `sendPrivileged` of Kafka 4.2 (KIP-618)

use std::future::Future;
use std::sync::Arc;

use ferrovia_client::produce::{ProduceError, TransactionalProducer};
use ferrovia_client::settings::ProducerSettings;
use ferrovia_client::{Cluster, FramePool, TopicPartition};
use ferrovia_pipeline::batch::BatchOptions;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::TopicLogError;
use super::writer::{NewRecord, seal};

/// What is written where, and by which transactional id.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) topic: Arc<str>,
    pub(super) partitions: i32,
    pub(super) batch: BatchOptions,
    pub(super) producer: ProducerSettings,
}

/// The right to write, as long as nobody else claims it. With it the writing ends.
#[derive(Debug)]
pub struct PrivilegedWriter {
    requests: mpsc::Sender<Request>,
    task: AbortHandle,
}

/// Records that are written together or not at all.
#[derive(Debug)]
struct Request {
    records: Vec<NewRecord>,
    outcome: oneshot::Sender<Result<(), TopicLogError>>,
}

impl Claim {
    /// Takes the right, on the current runtime. Waits for at most `max.block.ms`.
    ///
    /// # Errors
    /// [`TopicLogError::Refused`]: what the coordinator said, or that it said nothing.
    pub(super) async fn make(self) -> Result<PrivilegedWriter, TopicLogError> {
        let client = self.producer.client.clone();
        let cluster = Cluster::new(client, FramePool::new(IDLE_BUFFERS_BYTES));
        let producer = TransactionalProducer::start(cluster, self.producer.clone()).await;
        let producer = producer.map_err(|source| self.refused(source))?;
        let (sender, requests) = mpsc::channel(QUEUED_REQUESTS);
        let task = tokio::spawn(self.serve(producer, requests)).abort_handle();
        Ok(PrivilegedWriter {
            requests: sender,
            task,
        })
    }

    async fn serve(
        self,
        mut producer: TransactionalProducer,
        mut requests: mpsc::Receiver<Request>,
    ) {
        while let Some(Request { records, outcome }) = requests.recv().await {
            if outcome.is_closed() {
                continue;
            }
            // Nobody has to wait for it.
            let _ = outcome.send(self.write(&mut producer, records).await);
        }
    }

    async fn write(
        &self,
        producer: &mut TransactionalProducer,
        records: Vec<NewRecord>,
    ) -> Result<(), TopicLogError> {
        let records: Vec<_> = records.into_iter().map(|record| (0, record)).collect();
        let sealed = seal(&records, self.partitions, self.batch).map_err(|source| {
            let topic = Arc::clone(&self.topic);
            TopicLogError::TooLarge { topic, source }
        })?;
        let transaction = producer.begin().await;
        let transaction = transaction.map_err(|source| self.refused(source))?;
        for (partition, batches) in sealed {
            for batch in batches {
                let to = TopicPartition::new(Arc::clone(&self.topic), partition);
                // What becomes of it is part of what becomes of the transaction.
                drop(transaction.send(to, batch.bytes).await);
            }
        }
        let committed = transaction.commit().await;
        committed.map_err(|source| self.refused(source))
    }

    fn refused(&self, source: ProduceError) -> TopicLogError {
        let topic = Arc::clone(&self.topic);
        TopicLogError::Refused { topic, source }
    }
}

impl PrivilegedWriter {
    /// Writes records in one transaction of their own. Transactions come in the order of the calls' first polls.
    ///
    /// # Errors
    /// After any error nothing more should be asked of this writer: somebody else may have the right, or the transaction
    /// may or may not have been committed, which only another claim finds out.
    ///
    /// # Cancel safety
    /// The records may have been written or not when the future is dropped.
    pub fn append(
        &self,
        records: Vec<NewRecord>,
    ) -> impl Future<Output = Result<(), TopicLogError>> + Send + 'static + use<> {
        let requests = self.requests.clone();
        async move {
            let (outcome, answered) = oneshot::channel();
            let request = Request { records, outcome };
            if requests.send(request).await.is_err() {
                return Err(TopicLogError::Closed);
            }
            answered.await.unwrap_or(Err(TopicLogError::Closed))
        }
    }
}

impl Drop for PrivilegedWriter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Calls that may wait for the writer.
const QUEUED_REQUESTS: usize = 256;
/// Idle buffers of its connections.
const IDLE_BUFFERS_BYTES: usize = 256 * 1024;
