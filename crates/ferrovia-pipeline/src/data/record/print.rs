//! Records as Java's `SinkRecord.toString` and `SourceRecord.toString` show them, which some messages quote.

use std::fmt;

use super::{Origin, Record};
use crate::batch::TimestampType;
use crate::data::{Headers, Schema};

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Kafka {
                partition,
                offset,
                timestamp_type,
            } => {
                let kind = match timestamp_type {
                    TimestampType::CreateTime => "CreateTime",
                    TimestampType::LogAppendTime => "LogAppendTime",
                };
                write!(
                    f,
                    "SinkRecord{{kafkaOffset={offset}, timestampType={kind}, originalTopic={}, \
                     originalKafkaPartition={}, originalKafkaOffset={offset}}} ",
                    partition.topic, partition.partition
                )?;
            }
            Origin::Source { partition, offset } => {
                write!(
                    f,
                    "SourceRecord{{sourcePartition={partition}, sourceOffset={offset}}} "
                )?;
            }
        }
        write!(
            f,
            "ConnectRecord{{topic='{}', kafkaPartition={}, key={}, keySchema={}, value={}, valueSchema={}, \
             timestamp={}, headers={}}}",
            self.topic,
            OrNull(self.partition.as_ref()),
            self.key.value,
            OrNull(self.key.schema.as_ref()),
            self.value.value,
            OrNull(self.value.schema.as_ref()),
            OrNull(self.timestamp.as_ref()),
            self.headers
        )
    }
}

impl fmt::Display for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectHeaders(headers=")?;
        for (index, header) in self.iter().enumerate() {
            let schema: Option<&Schema> = header.value.schema.as_ref();
            write!(
                f,
                "{}ConnectHeader(key={}, value={}, schema={})",
                if index == 0 { "[" } else { ", " },
                header.key,
                header.value.value,
                OrNull(schema)
            )?;
        }
        f.write_str(if self.is_empty() { ")" } else { "])" })
    }
}

/// What is there, or `null`.
struct OrNull<'v, T>(Option<&'v T>);

impl<T: fmt::Display> fmt::Display for OrNull<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}
