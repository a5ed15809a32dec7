//! A record by reference: what is produced of it, be it as the connector's task handed it out or as transformations left it.

use std::borrow::Cow;
use std::fmt;

use ferrovia_pipeline::data::{Headers, Origin, Record, SchemaAndValue};
use ferrovia_pipeline::source::SourceRecord;

/// The parts of a record, which is large, where they stand.
#[derive(Clone, Copy)]
pub(super) struct Parts<'r> {
    pub(super) topic: &'r str,
    pub(super) partition: Option<i32>,
    pub(super) key: &'r SchemaAndValue<'r>,
    pub(super) value: &'r SchemaAndValue<'r>,
    pub(super) timestamp: Option<i64>,
    pub(super) headers: &'r Headers<'r>,
    origin: Origin<'r>,
}

impl<'r> From<&'r SourceRecord<'_>> for Parts<'r> {
    fn from(record: &'r SourceRecord<'_>) -> Self {
        Self {
            topic: &record.topic,
            partition: record.partition,
            key: &record.key,
            value: &record.value,
            timestamp: record.timestamp,
            headers: &record.headers,
            origin: Origin::Source {
                partition: &record.source_partition,
                offset: &record.source_offset,
            },
        }
    }
}

impl<'r> From<&'r Record<'_>> for Parts<'r> {
    fn from(record: &'r Record<'_>) -> Self {
        Self {
            topic: &record.topic,
            partition: record.partition,
            key: &record.key,
            value: &record.value,
            timestamp: record.timestamp,
            headers: &record.headers,
            origin: record.origin,
        }
    }
}

/// As a record shows itself.
impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = Record {
            topic: Cow::Borrowed(self.topic),
            partition: self.partition,
            key: self.key.clone(),
            value: self.value.clone(),
            timestamp: self.timestamp,
            headers: self.headers.clone(),
            origin: self.origin,
        };
        record.fmt(f)
    }
}
