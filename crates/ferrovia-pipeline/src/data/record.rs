//! A record between its converters and a sink: what transformations change.

mod print;

use std::borrow::Cow;

use crate::batch::TimestampType;
use crate::data::{Headers, SchemaAndValue};
use crate::topic::TopicPartition;

/// A record that transformations may change.
///
/// # Source
/// `org.apache.kafka.connect.sink.SinkRecord`
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The topic; transformations may rename it.
    pub topic: Cow<'a, str>,
    /// The partition; transformations may change it, or take it away.
    pub partition: Option<i32>,
    /// The key.
    pub key: SchemaAndValue<'a>,
    /// The value.
    pub value: SchemaAndValue<'a>,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// The headers.
    pub headers: Headers<'a>,
    /// Where it was read: transformations do not change it (KIP-793).
    pub origin: Origin<'a>,
}

/// Where a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Topic and partition.
    pub partition: &'a TopicPartition,
    /// The offset.
    pub offset: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
}
