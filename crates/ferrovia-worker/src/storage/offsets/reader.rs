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
        read(value.as_deref()).map_err(|error| {
            let key = String::from_utf8_lossy(&key);
            ConnectError::failed_by(format!("What is stored under {key} is no offset"), error)
        })
    }
}

fn read(value: Option<&[u8]>) -> Result<Option<Map<'static>>, ConnectError> {
    match json::read(value)? {
        Value::Null => Ok(None),
        Value::Map(offset) => Ok(Some(offset.into_owned())),
        other => Err(ConnectError::data(format!(
            "it is no map but {}",
            other.java_class()
        ))),
    }
}
