//! Where the offsets of sources are kept: for a task that asks how far it came, and for whoever commits.
//!
//! # Source
//! `OffsetBackingStore`, `ConnectorOffsetBackingStore`, `OffsetStorageReaderImpl` and `OffsetStorageWriter` of Kafka 4.2

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::OffsetReader;

use super::{MergedOffsets, OffsetFold, offset_key, offset_value};
use crate::storage::json;

/// Why offsets could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OffsetStoreError {
    /// A partition or an offset has no bytes.
    #[error(transparent)]
    Data(#[from] ConnectError),
}

/// A place for offsets. Clones share it.
#[derive(Clone, Debug)]
pub struct OffsetStore {
    memory: Table,
}

/// What is known of a place, by the bytes of keys.
#[derive(Clone, Debug, Default)]
struct Table(Arc<Mutex<OffsetFold>>);

impl OffsetStore {
    /// A place that is gone with the last clone.
    ///
    /// # Source
    /// `MemoryOffsetBackingStore`
    pub fn in_memory() -> Self {
        Self {
            memory: Table::default(),
        }
    }

    /// What is stored for a connector. Everything is read first that is stored at this call; what is stored later may
    /// show as well.
    ///
    /// # Errors
    /// The place cannot be read.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn read(&self, connector: &str) -> Result<Arc<dyn OffsetReader>, OffsetStoreError> {
        Ok(Arc::new(Reader {
            connector: connector.into(),
            own: None,
            worker: Some(self.memory.clone()),
        }))
    }

    /// Stores offsets by partition, `None` where one is to be forgotten. They are durable when this resolves.
    ///
    /// # Errors
    /// An offset has no bytes, and then none was stored; or the place refuses them, and some may have been stored.
    ///
    /// # Cancel safety
    /// Offsets may have been stored or not when the future is dropped.
    pub async fn write(
        &self,
        connector: &str,
        offsets: Vec<(Map<'static>, Option<Map<'static>>)>,
    ) -> Result<(), OffsetStoreError> {
        let records = records(connector, &offsets)?;
        let mut fold = self.memory.lock();
        for (key, value) in records {
            fold.on_record(Some(key), value);
        }
        Ok(())
    }
}

/// The bytes of offsets.
fn records(
    connector: &str,
    offsets: &[(Map<'static>, Option<Map<'static>>)],
) -> Result<Vec<(Bytes, Option<Bytes>)>, ConnectError> {
    let record = |(partition, offset): &(Map<'static>, Option<Map<'static>>)| {
        let key = offset_key(connector, partition)?;
        let value = offset_value(offset.as_ref())?;
        Ok((key.into(), value.map(Bytes::from)))
    };
    offsets.iter().map(record).collect()
}

impl Table {
    fn lock(&self) -> std::sync::MutexGuard<'_, OffsetFold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connector's view of its places.
#[derive(Debug)]
struct Reader {
    connector: Arc<str>,
    /// The connector's own.
    own: Option<Table>,
    /// The worker's.
    worker: Option<Table>,
}

impl OffsetReader for Reader {
    fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        let key = offset_key(&self.connector, partition)?;
        let own = self.own.as_ref().map(Table::lock);
        let worker = self.worker.as_ref().map(Table::lock);
        let merged = MergedOffsets {
            worker: worker.as_deref(),
            connector: own.as_deref(),
        };
        match json::read(merged.value(&key).map(|value| &**value))? {
            Value::Null => Ok(None),
            Value::Map(offset) => Ok(Some(offset.into_owned())),
            other => Err(ConnectError::data(format!(
                "an offset is stored that is no map but {}",
                other.java_class()
            ))),
        }
    }
}
