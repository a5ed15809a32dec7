//! Records that go from a source to Kafka unopened.

use std::sync::Arc;

use bytes::Bytes;

use crate::batch::Codec;
use crate::data::Map;

/// A record batch that a source hands out to be produced as it is.
#[derive(Clone, Debug)]
pub struct SourceBatch {
    /// The partition of the source that its records come from.
    pub source_partition: Arc<Map<'static>>,
    /// How far the source has been read with the last of its records.
    pub source_offset: Map<'static>,
    /// The topic.
    pub topic: Arc<str>,
    /// The topic's partition.
    pub partition: i32,
    /// One batch in record format 2 as a producer sends it, without a producer's id: see
    /// [`BatchWriter::seal`](crate::batch::BatchWriter::seal) and
    /// [`RawBatch::as_produced`](crate::batch::RawBatch::as_produced).
    pub bytes: Bytes,
    /// How many records it has.
    pub records: u32,
    /// Makes the worker call [`commit_record`](crate::source::SourceTask::commit_record) with it, and where the first of its
    /// records landed.
    pub tag: Option<u64>,
}

/// What batches have to be like that go to Kafka as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchForm {
    /// How they are to be compressed, if the user says so (`compression.type`).
    pub codec: Option<Codec>,
    /// The level of that codec (`compression.gzip.level`, `compression.zstd.level`); `None` is Kafka's default.
    pub level: Option<i32>,
    /// How many bytes each may have (`max.request.size`).
    pub bytes_max: usize,
}
