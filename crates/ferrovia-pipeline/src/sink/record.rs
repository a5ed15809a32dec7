//! One record as a sink sees it.

use crate::batch::{RawHeaders, RecordRef, TimestampType};
use crate::data::Value;
use crate::plan::Plan;
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
    pub(super) plan: &'a Plan,
}

impl<'a> SinkRecord<'a> {
    /// The topic that the record was read from.
    pub fn topic(&self) -> &'a str {
        &self.partition.topic
    }

    /// The partition that the record was read from.
    pub fn partition(&self) -> &'a TopicPartition {
        self.partition
    }

    /// The record's offset in its partition.
    pub fn offset(&self) -> i64 {
        self.record.offset
    }

    /// Milliseconds since the epoch; `None` when the record has no timestamp.
    pub fn timestamp(&self) -> Option<i64> {
        (self.record.timestamp >= 0).then_some(self.record.timestamp)
    }

    /// Who set the timestamp.
    pub fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }

    /// The key after its converter, which runs when this is called.
    #[inline]
    pub fn key(&self) -> Value<'a> {
        let key = self.plan.key().view(self.record.key);
        key.unwrap_or(Value::Null)
    }

    /// The value after its converter, which runs when this is called.
    #[inline]
    pub fn value(&self) -> Value<'a> {
        let value = self.plan.value().view(self.record.value);
        value.unwrap_or(Value::Null)
    }

    /// The headers as they stand in the record, in order, duplicates kept.
    pub fn headers(&self) -> RawHeaders<'a> {
        self.record.headers
    }
}
