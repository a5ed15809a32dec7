//! One record as a sink sees it.

use std::borrow::Cow;

use crate::batch::{RecordRef, TimestampType};
use crate::data::{Headers, Record, Schema, Value};
use crate::plan::{Plan, convert_headers};
use crate::topic::TopicPartition;

/// A record on its way to a sink. It borrows from the batch; what a sink keeps, it copies.
///
/// # Source
/// `org.apache.kafka.connect.sink.SinkRecord`
#[derive(Clone, Debug)]
pub struct SinkRecord<'a> {
    pub(super) partition: &'a TopicPartition,
    pub(super) timestamp_type: TimestampType,
    pub(super) record: RecordRef<'a>,
    pub(super) content: Content<'a>,
}

/// What is known of a record's key, value and headers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// Their bytes, and how they are converted when somebody asks.
    Lazy(&'a Plan),
    /// What converters and transformations have made of them.
    Converted(&'a Record<'a>),
}

impl<'a> SinkRecord<'a> {
    /// The topic; transformations may have renamed it.
    pub fn topic(&self) -> &'a str {
        match self.content {
            Content::Lazy(_) => &self.partition.topic,
            Content::Converted(record) => &record.topic,
        }
    }

    /// The partition; transformations may have changed it, or taken it away.
    pub fn kafka_partition(&self) -> Option<i32> {
        match self.content {
            Content::Lazy(_) => Some(self.partition.partition),
            Content::Converted(record) => record.partition,
        }
    }

    /// Where the record was read, whatever transformations have made of its topic: what offsets belong to (KIP-793).
    pub fn origin(&self) -> &'a TopicPartition {
        self.partition
    }

    /// The record's offset where it was read.
    pub fn offset(&self) -> i64 {
        self.record.offset
    }

    /// Milliseconds since the epoch; `None` when the record has no timestamp.
    pub fn timestamp(&self) -> Option<i64> {
        match self.content {
            Content::Lazy(_) => (self.record.timestamp >= 0).then_some(self.record.timestamp),
            Content::Converted(record) => record.timestamp,
        }
    }

    /// Who set the timestamp.
    pub fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> Cow<'a, Value<'a>> {
        match self.content {
            Content::Lazy(plan) => {
                Cow::Owned(plan.key().view(self.record.key).unwrap_or(Value::Null))
            }
            Content::Converted(record) => Cow::Borrowed(&record.key.value),
        }
    }

    /// What describes the key.
    pub fn key_schema(&self) -> Option<Schema> {
        match self.content {
            Content::Lazy(plan) => plan.key().schema(),
            Content::Converted(record) => record.key.schema.clone(),
        }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> Cow<'a, Value<'a>> {
        match self.content {
            Content::Lazy(plan) => {
                Cow::Owned(plan.value().view(self.record.value).unwrap_or(Value::Null))
            }
            Content::Converted(record) => Cow::Borrowed(&record.value.value),
        }
    }

    /// What describes the value.
    pub fn value_schema(&self) -> Option<Schema> {
        match self.content {
            Content::Lazy(plan) => plan.value().schema(),
            Content::Converted(record) => record.value.schema.clone(),
        }
    }

    /// The headers, in order, duplicates kept.
    pub fn headers(&self) -> Cow<'a, Headers<'a>> {
        match self.content {
            Content::Lazy(plan) => {
                // A lazy plan's header converter cannot fail, and a header that cannot be read fails its record before.
                let topic = &self.partition.topic;
                Cow::Owned(convert_headers(plan.headers(), topic, &self.record).unwrap_or_default())
            }
            Content::Converted(record) => Cow::Borrowed(&record.headers),
        }
    }
}
