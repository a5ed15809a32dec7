//! A connector's view of the places that its offsets are kept in.

use std::sync::Arc;

use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::OffsetReader;

use super::{OffsetStore, offset_key};
use crate::storage::json;

/// Looks offsets up. A topic that nobody else needs is read for as long as this lives.
#[derive(Debug)]
pub(super) struct Reader {
    connector: Arc<str>,
    store: OffsetStore,
}

impl Reader {
    pub(super) fn new(connector: &str, store: OffsetStore) -> Self {
        Self {
            connector: connector.into(),
            store,
        }
    }
}

impl OffsetReader for Reader {
    fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        let key = offset_key(&self.connector, partition)?;
        let value = self.store.value(&key);
        match json::read(value.as_deref())? {
            Value::Null => Ok(None),
            Value::Map(offset) => Ok(Some(offset.into_owned())),
            other => Err(ConnectError::data(format!(
                "an offset is stored that is no map but {}",
                other.java_class()
            ))),
        }
    }
}
