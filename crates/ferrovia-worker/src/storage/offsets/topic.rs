//! A topic in which the offsets of sources are kept: the worker's, or a connector's own.
//!
//! It is opened when somebody first needs it, and read from then on, so that whoever asks how far a source came waits for
//! the topic's end alone.
//!
//! # Source
//! `KafkaOffsetBackingStore` of Kafka 4.2

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ferrovia_client::TopicPartition;
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_pipeline::batch::{BatchWriter, Seal, WriteError};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::store::OffsetStoreError;
use super::table::Table;
use crate::storage::log::{
    InternalTopic, LogEvent, LogEvents, LogSettings, NewRecord, TopicLog, TopicLogError,
};

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
    /// A topic that is not opened yet. It is read and written on the runtime of `control`, which has to outlive it.
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

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.topic.name)
    }

    /// The batches by which somebody else may write these records.
    pub(super) async fn seal(
        &self,
        records: &[(Bytes, Option<Bytes>)],
    ) -> Result<Vec<(TopicPartition, Bytes)>, OffsetStoreError> {
        let partitions = self.open().await?.partitions();
        self.seal_for(partitions, records).map_err(|source| {
            let topic = self.name();
            TopicLogError::TooLarge { topic, source }.into()
        })
    }

    fn seal_for(
        &self,
        partitions: i32,
        records: &[(Bytes, Option<Bytes>)],
    ) -> Result<Vec<(TopicPartition, Bytes)>, WriteError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
        let to = |partition| TopicPartition::new(self.name(), partition);
        let mut open: BTreeMap<i32, BatchWriter> = BTreeMap::new();
        let mut sealed = Vec::new();
        for (key, value) in records {
            let partition = partition_for_key(key, partitions);
            let writer = open
                .entry(partition)
                .or_insert_with(|| BatchWriter::new(self.settings.batch));
            let (key, value) = (Some(&**key), value.as_deref());
            if !writer.is_empty() && !writer.has_room_for(key, value, &[]) {
                sealed.push((to(partition), writer.seal(Seal::default())?));
            }
            writer.append(now, key, value, &[])?;
        }
        for (partition, mut writer) in open {
            sealed.push((to(partition), writer.seal(Seal::default())?));
        }
        Ok(sealed)
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
