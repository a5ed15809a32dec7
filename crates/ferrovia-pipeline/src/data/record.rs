//! A record between its converters and a sink or a source: what transformations change.

mod print;

use std::borrow::Cow;

use crate::batch::TimestampType;
use crate::data::{Headers, Map, SchemaAndValue};
use crate::topic::TopicPartition;

/// A record that transformations may change.
///
/// # Source
/// `org.apache.kafka.connect.connector.ConnectRecord`
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin<'a> {
    /// From Kafka, for a sink.
    Kafka {
        /// Topic and partition.
        partition: &'a TopicPartition,
        /// The offset.
        offset: i64,
        /// Who set the timestamp.
        timestamp_type: TimestampType,
    },
    /// From another system, by a source.
    Source {
        /// The source's partition.
        partition: &'a Map<'static>,
        /// How far the source has been read with this record.
        offset: &'a Map<'a>,
    },
}

impl Origin<'_> {
    /// The offset in Kafka of a record that was read there.
    pub fn kafka_offset(&self) -> Option<i64> {
        match self {
            Self::Kafka { offset, .. } => Some(*offset),
            Self::Source { .. } => None,
        }
    }
}
