//! Reads the offsets topic record by record and keeps what it comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ferrovia_pipeline::data::Value;
use ferrovia_pipeline::error::ConnectError;

use crate::storage::json;
use crate::storage::offsets::record::{parse_key, to_json};

/// The offsets topic so far: the bytes of values by the bytes of keys.
///
/// # Source
/// `KafkaOffsetBackingStore`, `OffsetUtils.processPartitionKey`
#[derive(Debug, Default)]
pub struct OffsetFold {
    values: BTreeMap<Bytes, Bytes>,
    keys: BTreeMap<Arc<str>, BTreeSet<Bytes>>,
}

impl OffsetFold {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record. One whose key names no partition is kept, but belongs to no connector.
    pub fn on_record(&mut self, key: Option<Bytes>, value: Option<Bytes>) {
        let Some(key) = key else {
            tracing::warn!("ignoring offset partition key with an unexpected null value");
            return;
        };
        match parse_key(&key) {
            Ok((connector, _)) => self.note_key(&connector, &key, value.is_some()),
            Err(reason) if reason.is_empty() => {}
            Err(reason) => tracing::warn!("ignoring offset partition key: {reason}"),
        }
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
    }

    /// The bytes of the offset of a key.
    pub fn value(&self, key: &[u8]) -> Option<&Bytes> {
        self.values.get(key)
    }

    /// All values by their keys, in the order of the keys' bytes.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Bytes)> {
        self.values.iter()
    }

    /// The keys and values of a connector's offsets, by the keys' bytes.
    pub fn of_connector(&self, connector: &str) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let keys = self.keys.get(connector).into_iter().flatten();
        keys.filter_map(|key| self.values.get_key_value(key))
    }

    fn note_key(&mut self, connector: &str, key: &Bytes, is_present: bool) {
        if is_present {
            let keys = self.keys.entry(connector.into()).or_default();
            keys.insert(key.clone());
        } else if let Some(keys) = self.keys.get_mut(connector) {
            keys.remove(key);
            if keys.is_empty() {
                self.keys.remove(connector);
            }
        }
    }
}

/// A partition of a source with its offset, as users see them.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceOffset {
    /// The record's key.
    pub key: Bytes,
    /// The source's partition: a map.
    pub partition: Value<'static>,
    /// How far it has been read: a map, or null.
    pub offset: Value<'static>,
}

impl SourceOffset {
    /// The JSON of the partition and of the offset.
    ///
    /// # Errors
    /// What is stored is neither an offset nor null.
    pub fn to_json(&self) -> Result<(Vec<u8>, Vec<u8>), ConnectError> {
        Ok((to_json(&self.partition)?, to_json(&self.offset)?))
    }
}

/// The offsets that a connector sees: those of its own topic, where it has one, before those of the worker's.
///
/// # Source
/// `ConnectorOffsetBackingStore.get`
#[derive(Clone, Copy, Debug)]
pub struct MergedOffsets<'f> {
    /// The worker's topic; `None` where it may not be looked into.
    pub worker: Option<&'f OffsetFold>,
    /// The connector's own topic.
    pub connector: Option<&'f OffsetFold>,
}

impl<'f> MergedOffsets<'f> {
    /// The bytes of the offset of a key.
    pub fn value(&self, key: &[u8]) -> Option<&'f Bytes> {
        let own = self.connector.and_then(|own| own.value(key));
        own.or_else(|| self.worker.and_then(|worker| worker.value(key)))
    }

    /// A connector's partitions with their offsets, by the keys' bytes. Values that are no JSON are left out.
    pub fn of_connector(&self, connector: &str) -> Vec<SourceOffset> {
        let folds = [self.worker, self.connector].into_iter().flatten();
        let merged: BTreeMap<&Bytes, &Bytes> = folds
            .flat_map(|fold| fold.of_connector(connector))
            .collect();
        let shown = |(key, value): (&Bytes, &Bytes)| {
            let (_, partition) = parse_key(key).ok()?;
            let offset = json::read(Some(value)).ok()?.into_owned();
            Some(SourceOffset {
                key: key.clone(),
                partition: Value::Map(partition),
                offset,
            })
        };
        merged.into_iter().filter_map(shown).collect()
    }
}

#[cfg(test)]
mod tests;
