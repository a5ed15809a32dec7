//! Schemas that were read and written, so that a schema that comes with every record is understood once.

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use crate::data::Schema;

/// A bounded memory of schemas and their JSON. The oldest are forgotten first.
///
/// Records mostly have the schema of the one before, so that is looked at first.
#[derive(Debug)]
pub(super) struct SchemaCache {
    read: Mutex<Known>,
    written: Mutex<Vec<(Schema, Arc<str>)>>,
    /// How many schemas are kept, each way.
    size: usize,
}

#[derive(Debug, Default)]
struct Known {
    /// By their JSON.
    schemas: IndexMap<Arc<[u8]>, Schema, foldhash::fast::RandomState>,
    latest: Option<(Arc<[u8]>, Schema)>,
}

impl SchemaCache {
    pub(super) fn new(size: usize) -> Self {
        Self {
            read: Mutex::default(),
            written: Mutex::default(),
            size,
        }
    }

    /// The JSON and the schema that came last.
    pub(super) fn latest(&self) -> Option<(Arc<[u8]>, Schema)> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        known.latest.clone()
    }

    /// The schema that a piece of JSON is known to describe.
    pub(super) fn schema_of(&self, json: &[u8]) -> Option<Schema> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (json, schema) = known.schemas.get_key_value(json)?;
        let found = (Arc::clone(json), schema.clone());
        let schema = schema.clone();
        known.latest = Some(found);
        Some(schema)
    }

    /// Keeps what a piece of JSON describes.
    pub(super) fn learn(&self, json: &[u8], schema: &Schema) {
        if self.size == 0 {
            return;
        }
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if known.schemas.len() >= self.size {
            known.schemas.shift_remove_index(0);
        }
        let json: Arc<[u8]> = json.into();
        known.latest = Some((Arc::clone(&json), schema.clone()));
        known.schemas.insert(json, schema.clone());
    }

    /// The JSON of a schema that was written before.
    pub(super) fn json_of(&self, schema: &Schema) -> Option<Arc<str>> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest_first = written.iter().rev();
        let (_, json) = newest_first.find(|(known, _)| known.is_same(schema))?;
        Some(Arc::clone(json))
    }

    /// Keeps the JSON of a schema.
    pub(super) fn learn_json(&self, schema: &Schema, json: Arc<str>) {
        if self.size == 0 {
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= self.size {
            written.remove(0);
        }
        written.push((schema.clone(), json));
    }
}
