//! What a transformation has worked out for a schema, kept for the next record that has it.
//!
//! # Source
//! `org.apache.kafka.common.cache.LRUCache`, as transformations use it

use crate::data::Schema;
use crate::error::ConnectError;

/// How many schemas are remembered, as in Java.
const SCHEMA_CACHE_ENTRIES: usize = 16;

/// The latest schemas and what was made for them, the latest first.
#[derive(Debug)]
pub(super) struct SchemaCache<T> {
    entries: Vec<(Schema, T)>,
}

impl<T> SchemaCache<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// What belongs to `schema`: known, or made by `make` and remembered.
    ///
    /// # Errors
    /// What `make` fails with; nothing is remembered then.
    pub(super) fn get_or_make(
        &mut self,
        schema: &Schema,
        make: impl FnOnce(&Schema) -> Result<T, ConnectError>,
    ) -> Result<&T, ConnectError> {
        // Most records have the very schema of the one before: that is found without a look into it.
        let known = self
            .entries
            .iter()
            .position(|(known, _)| known.is_same(schema))
            .or_else(|| self.equal_entry(schema));
        let place = match known {
            Some(place) => place,
            None => {
                let made = make(schema)?;
                self.entries.truncate(SCHEMA_CACHE_ENTRIES - 1);
                self.entries.push((schema.clone(), made));
                self.entries.len() - 1
            }
        };
        if let Some(latest) = self.entries.get_mut(..=place) {
            latest.rotate_right(1);
        }
        match self.entries.first() {
            Some((_, made)) => Ok(made),
            None => Err(ConnectError::failed("an entry that was put is not there")),
        }
    }

    /// Where an equal schema stands. It takes that one's place, so that the next look finds it at once.
    fn equal_entry(&mut self, schema: &Schema) -> Option<usize> {
        let place = self.entries.iter().position(|(known, _)| known == schema)?;
        if let Some((known, _)) = self.entries.get_mut(place) {
            *known = schema.clone();
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SchemaBuilder, SchemaType};

    fn numbered(number: i32) -> Schema {
        let builder = SchemaBuilder::primitive(SchemaType::String);
        builder.version(number).build()
    }

    #[test]
    fn equal_schema_is_found_though_it_is_another() {
        let mut cache = SchemaCache::new();
        assert_eq!(*cache.get_or_make(&numbered(1), |_| Ok(1)).unwrap(), 1);
        assert_eq!(*cache.get_or_make(&numbered(1), |_| Ok(2)).unwrap(), 1);
    }

    #[test]
    fn schema_that_was_used_longest_ago_is_forgotten() {
        let mut cache = SchemaCache::new();
        for number in 0..16 {
            cache.get_or_make(&numbered(number), |_| Ok("old")).unwrap();
        }
        cache.get_or_make(&numbered(0), |_| Ok("new")).unwrap();
        cache.get_or_make(&numbered(16), |_| Ok("new")).unwrap();
        assert_eq!(
            *cache.get_or_make(&numbered(0), |_| Ok("new")).unwrap(),
            "old"
        );
        assert_eq!(
            *cache.get_or_make(&numbered(1), |_| Ok("new")).unwrap(),
            "new"
        );
        assert_eq!(cache.entries.len(), 16);
    }

    #[test]
    fn failure_is_not_remembered() {
        let mut cache = SchemaCache::new();
        let failed = cache.get_or_make(&numbered(1), |_| Err(ConnectError::data("no")));
        assert!(failed.is_err());
        assert_eq!(*cache.get_or_make(&numbered(1), |_| Ok(2)).unwrap(), 2);
    }
}
