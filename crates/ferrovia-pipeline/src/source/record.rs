//! A record on its way from a source.

use std::borrow::Cow;
use std::sync::Arc;

use crate::data::{Headers, Map, SchemaAndValue};

/// A record that a source hands out. It may borrow from the task.
///
/// # Source
/// `org.apache.kafka.connect.source.SourceRecord`
#[derive(Clone, Debug)]
pub struct SourceRecord<'a> {
    /// The partition of the source that it comes from, as `{"filename":"a"}`: the key under which its offset is stored.
    /// Records of one partition share it.
    pub source_partition: Arc<Map<'static>>,
    /// How far the source has been read with this record, as `{"position":28}`.
    pub source_offset: Map<'a>,
    /// The topic; transformations may rename it.
    pub topic: Cow<'a, str>,
    /// The topic's partition; `None` where the key decides, or chance.
    pub partition: Option<i32>,
    /// The key.
    pub key: SchemaAndValue<'a>,
    /// The value.
    pub value: SchemaAndValue<'a>,
    /// Milliseconds since the epoch; `None` for the time at which it is produced.
    pub timestamp: Option<i64>,
    /// The headers.
    pub headers: Headers<'a>,
    /// Makes the worker call [`commit_record`](crate::source::SourceTask::commit_record) with it.
    pub tag: Option<u64>,
    /// Where a transaction ends behind this record, if the task says so (`transaction.boundary=connector`).
    pub boundary: Option<Boundary>,
}

/// How a transaction ends.
///
/// # Source
/// `org.apache.kafka.connect.source.TransactionContext`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Its records are to be seen.
    Commit,
    /// Its records are to be discarded; the source goes on behind them.
    Abort,
}

impl<'a> SourceRecord<'a> {
    /// A record without a key and with nothing said about anything else.
    pub fn new(
        source_partition: Arc<Map<'static>>,
        source_offset: Map<'a>,
        topic: impl Into<Cow<'a, str>>,
        value: SchemaAndValue<'a>,
    ) -> Self {
        Self {
            source_partition,
            source_offset,
            topic: topic.into(),
            partition: None,
            key: SchemaAndValue::NULL,
            value,
            timestamp: None,
            headers: Headers::new(),
            tag: None,
            boundary: None,
        }
    }
}
