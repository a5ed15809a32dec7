//! Offsets that a source's own producer writes, in the transactions of the records before them.
//!
//! # Source
//! `Worker.offsetStoreForExactlyOnceSourceTask` and `ConnectorOffsetBackingStore` of Kafka 4.2, KIP-618

use std::sync::Arc;

use bytes::Bytes;
use ferrovia_client::TopicPartition;
use ferrovia_client::settings::IsolationLevel;
use ferrovia_pipeline::error::ConnectError;

use super::{OffsetStore, OffsetStoreError, Offsets, Place, Record, records};
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
    /// the name of the worker's where the connector names none. `client` is as for
    /// [`of_connector`](Self::of_connector).
    ///
    /// # Errors
    /// A client's setting cannot be used.
    pub fn of_transactions(
        &self,
        connector: &ConnectorConfig,
        client: &str,
    ) -> Result<Self, ConnectError> {
        let Some(own) = &self.own_topics else {
            return Ok(self.clone());
        };
        let topic = connector
            .source_config()
            .and_then(|source| source.offsets_topic.as_deref())
            .unwrap_or(&own.template.name);
        if own.is_same(connector, topic) {
            return Ok(self.clone());
        }
        self.in_topic(
            connector,
            client,
            topic,
            Some(IsolationLevel::ReadCommitted),
        )
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
