//! A topic in which the offsets of sources are kept: the worker's, or a connector's own.
//!
//! It is opened when somebody first needs it, and read from then on, so that whoever asks how far a source came waits for
//! the topic's end alone.
//!
//! # Source
//! `KafkaOffsetBackingStore` of Kafka 4.2

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::store::OffsetStoreError;
use super::table::Table;
use crate::storage::log::{InternalTopic, LogEvent, LogEvents, LogSettings, NewRecord, TopicLog};

/// A topic of offsets and what is in it.
#[derive(Debug)]
pub(super) struct OffsetTopic {
    topic: InternalTopic,
    settings: LogSettings,
    /// Where it is read and written.
    control: Handle,
    table: Table,
    log: OnceCell<TopicLog>,
}

impl OffsetTopic {
    /// A topic that is not opened yet. It is read and written on the current runtime, which has to outlive it.
    pub(super) fn new(topic: InternalTopic, settings: LogSettings, control: Handle) -> Self {
        Self {
            topic,
            settings,
            control,
            table: Table::default(),
            log: OnceCell::new(),
        }
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Makes sure that it is there and begins to read it, unless that was done before.
    pub(super) async fn open(&self) -> Result<&TopicLog, OffsetStoreError> {
        let open = || async {
            let opening = TopicLog::open(self.topic.clone(), self.settings.clone());
            let opened = self.control.spawn(opening).await;
            let (log, events) = opened.map_err(|_| OffsetStoreError::Closed)??;
            // Ends with the log.
            self.control.spawn(fold(events, self.table.clone()));
            Ok(log)
        };
        self.log.get_or_try_init(open).await
    }

    /// Waits until everything was read that is in the topic now.
    pub(super) async fn read_to_end(&self) -> Result<(), OffsetStoreError> {
        let log = self.open().await?;
        Ok(log.read_to_end().await?)
    }

    /// Writes records.
    pub(super) async fn append(
        &self,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<(), OffsetStoreError> {
        let log = self.open().await?;
        let records = records.into_iter();
        let records = records.map(|(key, value)| NewRecord::new(key, value));
        Ok(log.append(records.collect()).await?)
    }
}

async fn fold(mut events: LogEvents, table: Table) {
    while let Some(event) = events.next().await {
        match event {
            LogEvent::Record(record) => table.lock().on_record(record.key, record.value),
            LogEvent::ReachedEnd(_) => {}
            lost @ LogEvent::Lost { .. } => {
                tracing::warn!("Offsets of sources were lost or come again: {lost:?}");
            }
        }
    }
}
