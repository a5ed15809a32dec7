//! Where the offsets of sources are kept: for a task that asks how far it came, and for whoever commits.
//!
//! # Source
//! `OffsetBackingStore`, `ConnectorOffsetBackingStore`, `OffsetStorageReaderImpl` and `OffsetStorageWriter` of Kafka 4.2

mod in_transactions;

pub use in_transactions::SealedOffsets;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::produce::ProduceError;
use ferrovia_client::settings::{IsolationLevel, SettingsError};
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::OffsetReader;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::file::OffsetFile;
use super::reader::Reader;
use super::table::Table;
use super::topic::OffsetTopic;
use super::{MergedOffsets, SourceOffset, offset_key, offset_value};
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, DistributedConfig, WorkerConfig};
use crate::storage::log::{InternalTopic, LogSettings, TopicLogError, TopicPurpose};

/// How long the worker's topic may take for what the connector's own topic has already.
const SECOND_WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Such writes that are under way at once.
const SECOND_WRITES_MAX: usize = 8;

/// Offsets by partition, `None` where one is to be forgotten.
pub type Offsets = Vec<(Map<'static>, Option<Map<'static>>)>;

/// Why offsets could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OffsetStoreError {
    /// A partition or an offset has no bytes.
    #[error(transparent)]
    Data(#[from] ConnectError),
    /// The topic cannot be used.
    #[error(transparent)]
    Topic(#[from] TopicLogError),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{}: {reason}", path.display())]
    FileFormat {
        /// The file.
        path: PathBuf,
        /// Java's words.
        reason: String,
    },
    /// A producer of transactions is refused.
    #[error(transparent)]
    Transaction(#[from] ProduceError),
    /// The worker is ending.
    #[error("the worker is ending")]
    Closed,
}

/// A place for offsets. Clones share it.
#[derive(Clone, Debug)]
pub struct OffsetStore {
    /// The connector's own place, or else the worker's.
    first: Arc<Place>,
    /// The worker's place, where the connector has one of its own.
    second: Option<Arc<Place>>,
    /// What connectors' own topics are made of; `None` for a worker that is alone, which makes none.
    own_topics: Option<Arc<OwnTopics>>,
}

#[derive(Debug)]
enum Place {
    Memory(Table),
    File(OffsetFile),
    Topic(Box<OffsetTopic>),
}

#[derive(Debug)]
struct OwnTopics {
    worker: WorkerConfig,
    /// The worker's topic.
    template: InternalTopic,
    control: Handle,
    second_writes: Arc<Semaphore>,
    /// Whether the tasks of all sources write their offsets in transactions.
    is_exactly_once: bool,
}

impl OffsetStore {
    /// A place that is gone with the last clone.
    ///
    /// # Source
    /// `MemoryOffsetBackingStore`
    pub fn in_memory() -> Self {
        Self::alone(Place::Memory(Table::default()))
    }

    /// The file of a worker that is alone (`offset.storage.file.filename`), which is read now. Blocks.
    ///
    /// # Errors
    /// [`OffsetStoreError::File`], [`OffsetStoreError::FileFormat`].
    pub fn file(path: &Path) -> Result<Self, OffsetStoreError> {
        Ok(Self::alone(Place::File(OffsetFile::open(path)?)))
    }

    /// The topic of the workers of a cluster (`offset.storage.topic`), which is opened when it is first needed. Call it on
    /// the control thread, inside its event loop.
    ///
    /// # Errors
    /// A client's setting cannot be used.
    pub fn topic(config: &DistributedConfig) -> Result<Self, SettingsError> {
        let settings = LogSettings::of(config, TopicPurpose::Offsets)?;
        let template = InternalTopic::of(config, TopicPurpose::Offsets);
        let control = Handle::current();
        let place = OffsetTopic::new(template.clone(), settings, control.clone());
        Ok(Self {
            own_topics: Some(Arc::new(OwnTopics {
                worker: config.worker.clone(),
                template,
                control,
                second_writes: Arc::new(Semaphore::new(SECOND_WRITES_MAX)),
                is_exactly_once: config.exactly_once_source.is_enabled(),
            })),
            ..Self::alone(Place::Topic(Box::new(place)))
        })
    }

    fn alone(place: Place) -> Self {
        Self {
            first: Arc::new(place),
            second: None,
            own_topics: None,
        }
    }

    /// The place of one connector, the same for its code, its tasks and its users. It has a topic of its own first where it
    /// names one and the worker permits that, and where sources are exactly once also where it writes to another cluster:
    /// a transaction cannot span two. `client` names its clients, as `worker-0` for `connector-consumer-worker-0`.
    ///
    /// # Errors
    /// A client's setting cannot be used.
    ///
    /// # Source
    /// `Worker.offsetStoreForRegularSourceConnector`, `Worker.offsetStoreForExactlyOnceSourceConnector`,
    /// `Worker.sameOffsetTopicAsWorker`
    pub fn of_connector(
        &self,
        connector: &ConnectorConfig,
        client: &str,
    ) -> Result<Self, ConnectError> {
        let Some(own) = &self.own_topics else {
            return Ok(self.clone());
        };
        let topic = connector
            .source_config()
            .and_then(|source| source.offsets_topic.as_deref());
        match topic {
            _ if own.is_exactly_once => self.of_transactions(own, connector, client, topic),
            Some(topic) => self.in_topic(own, connector, client, topic, None),
            None => Ok(self.clone()),
        }
    }

    /// The place of one connector, with this topic first. `isolation` overrides what its consumer's settings say.
    fn in_topic(
        &self,
        own: &OwnTopics,
        connector: &ConnectorConfig,
        client: &str,
        topic: &str,
        isolation: Option<IsolationLevel>,
    ) -> Result<Self, ConnectError> {
        let mut settings = LogSettings::of_connector(connector, &own.worker, client)
            .map_err(|error| ConnectError::config(error.to_string()))?;
        settings.isolation = isolation.unwrap_or(settings.isolation);
        let template = InternalTopic {
            name: topic.into(),
            ..own.template.clone()
        };
        let place = OffsetTopic::new(template, settings, own.control.clone());
        Ok(Self {
            first: Arc::new(Place::Topic(Box::new(place))),
            second: (!own.is_same(connector, topic)).then(|| Arc::clone(&self.first)),
            own_topics: self.own_topics.clone(),
        })
    }

    /// Opens what is to be opened, without waiting until it is read.
    ///
    /// # Errors
    /// The topic can neither be found nor made, or it is unfit.
    pub async fn open(&self) -> Result<(), OffsetStoreError> {
        match &*self.first {
            Place::Topic(topic) => topic.open().await.map(drop),
            Place::Memory(_) | Place::File(_) => Ok(()),
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
        self.read_to_end().await?;
        Ok(Arc::new(Reader::new(connector, self.clone())))
    }

    /// The bytes of an offset, as far as is read: the connector's own before the worker's.
    pub(super) fn value(&self, key: &[u8]) -> Option<Bytes> {
        let places = [Some(&self.first), self.second.as_ref()];
        let mut places = places.into_iter().flatten();
        places.find_map(|place| place.table().lock().value(key).cloned())
    }

    /// All partitions of a connector that have an offset, by their bytes, as users see them.
    ///
    /// # Errors
    /// The place cannot be read.
    pub async fn all(&self, connector: &str) -> Result<Vec<SourceOffset>, OffsetStoreError> {
        self.read_to_end().await?;
        let first = self.first.table().lock();
        let second = self.second.as_ref().map(|place| place.table().lock());
        let merged = match &second {
            Some(worker) => MergedOffsets {
                worker: Some(worker),
                connector: Some(&first),
            },
            None => MergedOffsets {
                worker: Some(&first),
                connector: None,
            },
        };
        Ok(merged.of_connector(connector))
    }

    /// Stores offsets. They are durable when this resolves.
    ///
    /// Where the connector has a topic of its own, what is to be forgotten goes to the worker's topic first; else the
    /// worker's topic gets what the connector's has, and only a log line tells where that fails.
    ///
    /// # Errors
    /// An offset has no bytes, and then none was stored; or the place refuses them, and some may have been stored.
    ///
    /// # Cancel safety
    /// Offsets may have been stored or not when the future is dropped.
    ///
    /// # Source
    /// `ConnectorOffsetBackingStore.set` (KAFKA-15018)
    pub async fn write(&self, connector: &str, offsets: Offsets) -> Result<(), OffsetStoreError> {
        let records = records(connector, &offsets)?;
        let Some(second) = &self.second else {
            return self.first.append(records).await;
        };
        let all = records.iter().cloned();
        let (forgotten, regular): (Vec<_>, Vec<_>) = all.partition(|(_, value)| value.is_none());
        if !forgotten.is_empty() {
            second.append(forgotten).await?;
        }
        self.first.append(records).await?;
        if !regular.is_empty() {
            self.write_second(Arc::clone(second), regular);
        }
        Ok(())
    }

    async fn read_to_end(&self) -> Result<(), OffsetStoreError> {
        self.first.read_to_end().await?;
        match &self.second {
            Some(second) => second.read_to_end().await,
            None => Ok(()),
        }
    }

    /// Lets the worker's place have what the connector's own has.
    fn write_second(&self, second: Arc<Place>, records: Vec<Record>) {
        let Some(own) = &self.own_topics else {
            return;
        };
        let Ok(permit) = Arc::clone(&own.second_writes).try_acquire_owned() else {
            tracing::warn!("Failed to write offsets to secondary backing store: it is too slow");
            return;
        };
        own.control.spawn(async move {
            let written = tokio::time::timeout(SECOND_WRITE_TIMEOUT, second.append(records)).await;
            match written {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!("Failed to write offsets to secondary backing store: {error}");
                }
                Err(_) => {
                    tracing::warn!("Failed to write offsets to secondary backing store in time")
                }
            }
            drop(permit);
        });
    }
}

impl OwnTopics {
    /// Whether a connector's topic of this name is the worker's own.
    fn is_same(&self, connector: &ConnectorConfig, topic: &str) -> bool {
        let producer = connector.client_settings(ClientKind::Producer, &self.worker);
        let servers = |text: &str| -> BTreeSet<String> {
            let each = text.split(',').map(|server| server.trim().to_owned());
            each.collect()
        };
        let of_worker = self.worker.bootstrap_servers.join(",");
        let of_connector = producer.text("bootstrap.servers").unwrap_or(&of_worker);
        *topic == *self.template.name && servers(of_connector) == servers(&of_worker)
    }
}

impl Place {
    fn table(&self) -> &Table {
        match self {
            Self::Memory(table) => table,
            Self::File(file) => file.table(),
            Self::Topic(topic) => topic.table(),
        }
    }

    async fn read_to_end(&self) -> Result<(), OffsetStoreError> {
        match self {
            Self::Memory(_) | Self::File(_) => Ok(()),
            Self::Topic(topic) => topic.read_to_end().await,
        }
    }

    async fn append(&self, records: Vec<Record>) -> Result<(), OffsetStoreError> {
        match self {
            Self::Memory(table) => {
                let mut fold = table.lock();
                for (key, value) in records {
                    fold.on_record(Some(key), value);
                }
                Ok(())
            }
            Self::File(file) => file.append(records).await,
            Self::Topic(topic) => topic.append(records).await,
        }
    }
}

/// The bytes of a partition and its offset.
type Record = (Bytes, Option<Bytes>);

fn records(connector: &str, offsets: &Offsets) -> Result<Vec<Record>, ConnectError> {
    let record = |(partition, offset): &(Map<'static>, Option<Map<'static>>)| {
        let key = offset_key(connector, partition)?;
        let value = offset_value(offset.as_ref())?;
        Ok((key.into(), value.map(Bytes::from)))
    };
    offsets.iter().map(record).collect()
}

#[cfg(test)]
mod tests;
