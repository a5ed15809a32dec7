//! Offsets that a source's own producer writes, in the transactions of the records before them.
//!
//! # Source
//! `Worker.offsetStoreForExactlyOnceSourceTask` and `ConnectorOffsetBackingStore` of Kafka 4.2, KIP-618

use std::sync::Arc;

use bytes::Bytes;
use ferrovia_client::TopicPartition;
use ferrovia_client::settings::IsolationLevel;
use ferrovia_pipeline::error::ConnectError;

use super::{OffsetStore, OffsetStoreError, Offsets, OwnTopics, Place, records};
use crate::config::ConnectorConfig;

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

    /// The batches by which offsets are written to the topic that comes first, in order; none where it is no topic.
    ///
    /// # Errors
    /// An offset has no bytes, or the topic cannot be opened.
    pub async fn seal(
        &self,
        connector: &str,
        offsets: &Offsets,
    ) -> Result<Vec<(TopicPartition, Bytes)>, OffsetStoreError> {
        let records = records(connector, offsets)?;
        match &*self.first {
            Place::Topic(topic) if !records.is_empty() => topic.seal(&records).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Lets the worker's topic have what the connector's own has, in the background. Only a log line tells where that
    /// fails.
    pub fn copy_to_second(&self, connector: &str, offsets: &Offsets) {
        if let (Some(second), Ok(records)) = (&self.second, records(connector, offsets))
            && !records.is_empty()
        {
            self.write_second(Arc::clone(second), records);
        }
    }
}
