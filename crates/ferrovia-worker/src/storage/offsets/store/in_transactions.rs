//! Offsets that a source's own producer writes, in the transactions of the records before them.
//!
//! # Source
//! `Worker.offsetStoreForExactlyOnceSourceTask` and `ConnectorOffsetBackingStore` of Kafka 4.2, KIP-618

use std::sync::Arc;

use bytes::Bytes;
use ferrovia_client::produce::TransactionalProducer;
use ferrovia_client::settings::{IsolationLevel, ProducerSettings};
use ferrovia_client::{Cluster, FramePool, TopicPartition};
use ferrovia_pipeline::error::ConnectError;

use super::{OffsetStore, OffsetStoreError, Offsets, OwnTopics, Place, Record, records};
use crate::config::ConnectorConfig;

/// Offsets as they go into a transaction.
#[derive(Debug)]
pub struct SealedOffsets {
    /// The batches by which they are written to the topic that comes first, in order; none where it is no topic.
    pub batches: Vec<(TopicPartition, Bytes)>,
    /// The same, for the worker's topic.
    records: Vec<Record>,
}

impl OffsetStore {
    /// The place of one connector whose tasks write in transactions: a topic in the cluster that they produce to, under
    /// the name of the worker's where the connector names none.
    ///
    /// # Errors
    /// A client's setting cannot be used.
    pub(super) fn of_transactions(
        &self,
        own: &OwnTopics,
        connector: &ConnectorConfig,
        client: &str,
        topic: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let topic = topic.unwrap_or(&own.template.name);
        if own.is_same(connector, topic) {
            return Ok(self.clone());
        }
        let isolation = Some(IsolationLevel::ReadCommitted);
        self.in_topic(own, connector, client, topic, isolation)
    }

    /// The topic that comes first, if it is one.
    pub fn topic_name(&self) -> Option<Arc<str>> {
        match &*self.first {
            Place::Topic(topic) => Some(topic.name()),
            Place::Memory(_) | Place::File(_) => None,
        }
    }

    /// Offsets as the one who writes them in a transaction needs them.
    ///
    /// # Errors
    /// An offset has no bytes, or the topic cannot be opened.
    pub async fn seal(
        &self,
        connector: &str,
        offsets: &Offsets,
    ) -> Result<SealedOffsets, OffsetStoreError> {
        let records = records(connector, offsets)?;
        let batches = match &*self.first {
            Place::Topic(topic) if !records.is_empty() => topic.seal(&records).await?,
            _ => Vec::new(),
        };
        Ok(SealedOffsets { batches, records })
    }

    /// Stores offsets in a transaction of their own, by the producer of these settings, which fences all others of its
    /// transactional id. Else as [`write`](Self::write), on the current runtime. A place that is no topic takes nothing.
    ///
    /// # Errors
    /// As [`write`](Self::write), or the transaction is refused.
    ///
    /// # Cancel safety
    /// As [`write`](Self::write).
    ///
    /// # Source
    /// `Worker.modifySourceConnectorOffsets`
    pub async fn write_in_transaction(
        &self,
        connector: &str,
        offsets: Offsets,
        producer: ProducerSettings,
    ) -> Result<(), OffsetStoreError> {
        let sealed = self.seal(connector, &offsets).await?;
        let (regular, forgotten): (Vec<_>, Vec<_>) = sealed
            .records
            .into_iter()
            .partition(|(_, offset)| offset.is_some());
        if let Some(second) = self.second.as_ref().filter(|_| !forgotten.is_empty()) {
            second.append(forgotten).await?;
        }
        let brokers = Cluster::new(producer.client.clone(), FramePool::new(IDLE_BUFFERS_BYTES));
        let mut producer = TransactionalProducer::start(brokers, producer).await?;
        let transaction = producer.begin().await?;
        for (partition, batch) in sealed.batches {
            // What becomes of it is part of what becomes of the transaction.
            drop(transaction.send(partition, batch).await);
        }
        transaction.commit().await?;
        self.copy_to_second(SealedOffsets {
            batches: Vec::new(),
            records: regular,
        });
        Ok(())
    }

    /// Lets the worker's topic have what the connector's own has, in the background. Only a log line tells where that
    /// fails.
    pub fn copy_to_second(&self, offsets: SealedOffsets) {
        if let Some(second) = &self.second
            && !offsets.records.is_empty()
        {
            self.write_second(Arc::clone(second), offsets.records);
        }
    }
}

/// Idle buffers of the connections of one change.
const IDLE_BUFFERS_BYTES: usize = 256 * 1024;
