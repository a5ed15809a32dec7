//! Copies partitions of the source cluster.
//!
//! The reader fetches ahead; a poll hands out what it has read, as batches where nobody looks into them (`copy`), else
//! record by record. What Kafka has acknowledged becomes offset syncs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::TopicPartition;
use ferrovia_client::fetch::Start;
use ferrovia_pipeline::batch::{InflateLimits, Inflater, RecordRef};
use ferrovia_pipeline::data::{Headers, Map, Schema, SchemaAndValue, SchemaType, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::{
    Landed, OutputForm, SourceBatch, SourceContext, SourceRecord, SourceTask,
};

use super::copy::Copier;
use super::reader::{Read, Reader};
use super::sync_writer::SyncWriter;
use super::syncs::Syncs;
use crate::clients::{ClientKind, Side};
use crate::settings::SourceTaskSettings;
use crate::walk::Seen;

/// Copies the records of the partitions that it is given.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceTask`
#[derive(Debug, Default)]
pub struct MirrorSourceTask {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    reader: Reader,
    lanes: BTreeMap<TopicPartition, Lane>,
    poll_timeout: Duration,
    /// Copies batches, where that is wanted.
    copier: Option<Copier>,
    /// What was read and is not handed out yet.
    waiting: VecDeque<(TopicPartition, Seen)>,
    opened: Opened,
    told: Option<Told>,
}

/// The way of a partition's records.
#[derive(Clone, Debug)]
struct Lane {
    /// What its offsets are stored under.
    source: Arc<Map<'static>>,
    /// The topic at the target.
    topic: Arc<str>,
}

/// Batches that are handed out record by record, one after another.
#[derive(Debug)]
struct Opened {
    /// What the last poll's records borrow from.
    current: Option<(TopicPartition, Seen)>,
    inflater: Inflater,
    optional_bytes: Schema,
    bytes: Schema,
}

/// What becomes of copied records.
#[derive(Debug)]
struct Told {
    syncs: Syncs,
    writer: SyncWriter,
    /// What was handed out, by tags.
    copying: BTreeMap<u64, Span>,
    next_tag: u64,
}

/// Records that were handed out together.
#[derive(Debug)]
struct Span {
    partition: TopicPartition,
    /// The offsets of the first and the last at the source.
    first: i64,
    last: i64,
    records: u32,
}

impl MirrorSourceTask {
    /// A task that is not started.
    pub fn new() -> Self {
        Self::default()
    }

    fn run(&mut self) -> Result<&mut Run, ConnectError> {
        let run = self.run.as_mut();
        run.ok_or_else(|| ConnectError::failed("The task is not started"))
    }
}

impl SourceTask for MirrorSourceTask {
    /// It never blocks, and its reader lives on the same event loop.
    fn placement(&self) -> Placement {
        Placement::Shared
    }

    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        let settings = SourceTaskSettings::parse(context.settings())?;
        let source = &settings.source;
        let base = &source.base;
        let (mut lanes, mut starts) = (BTreeMap::new(), Vec::new());
        for partition in &settings.partitions {
            let lane = Lane {
                source: Arc::new(source_partition(&base.source_alias, partition)),
                topic: base
                    .policy
                    .remote_topic(&base.source_alias, &partition.topic)
                    .into(),
            };
            let stored = context.offset(&lane.source)?;
            starts.push((partition.clone(), start_behind(stored.as_ref())));
            lanes.insert(partition.clone(), lane);
        }
        let fresh = starts.iter().filter(|(_, start)| *start == Start::Reset);
        tracing::info!(
            "{}: copying {} partitions, {} of them from the start",
            base.entity_label(),
            starts.len(),
            fresh.count()
        );
        let told = match source.emit_offset_syncs {
            false => None,
            true => Some(Told {
                syncs: Syncs::new(source.offset_lag_max),
                writer: SyncWriter::open(
                    &source.offset_syncs_producer(),
                    &source.offset_syncs_topic(),
                )?,
                copying: BTreeMap::new(),
                next_tag: 0,
            }),
        };
        let consumer = base.client(Side::Source, ClientKind::Consumer, "replication-consumer");
        self.run = Some(Run {
            reader: Reader::open(&consumer, starts, context.waker().clone())?,
            lanes,
            poll_timeout: source.poll_timeout,
            copier: context.batch_form().map(Copier::new),
            waiting: VecDeque::new(),
            opened: Opened::new(),
            told,
        });
        Ok(())
    }

    fn output(&self) -> OutputForm {
        match &self.run {
            Some(run) if run.copier.is_some() => OutputForm::Batches,
            _ => OutputForm::Records,
        }
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let run = self.run()?;
        run.take(context)?;
        run.opened
            .open_next(&mut run.waiting, &run.lanes, run.told.as_mut())
    }

    fn poll_batches(
        &mut self,
        context: &mut SourceContext,
    ) -> Result<Vec<SourceBatch>, ConnectError> {
        let run = self.run()?;
        run.take(context)?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while bytes < COPIES_BYTES
            && let Some((partition, seen)) = run.waiting.pop_front()
        {
            let before = batches.len();
            run.copy(&partition, &seen, &mut batches)?;
            let copies = batches.iter().skip(before);
            bytes += copies.map(|copy| copy.bytes.len()).sum::<usize>();
        }
        Ok(batches)
    }

    fn commit_record(&mut self, tag: u64, landed: Option<Landed>) -> Result<(), ConnectError> {
        if let Some(told) = &mut self.run()?.told {
            told.on_landed(tag, landed);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ConnectError> {
        if let Some(told) = &mut self.run()?.told {
            told.syncs.promote();
            told.write();
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.run = None;
        Ok(())
    }
}

impl Run {
    /// Takes what was read, when nothing waits any more. Where there is nothing, the task waits.
    fn take(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        if !self.waiting.is_empty() {
            return Ok(());
        }
        match self.reader.take()? {
            Some(Ok(reads)) => {
                for Read { partition, batches } in reads {
                    let batches = batches.into_iter();
                    let batches = batches.map(|seen| (partition.clone(), seen));
                    self.waiting.extend(batches);
                }
            }
            Some(Err(error)) => {
                let trace = error.trace();
                tracing::warn!(trace, "Failure during poll.");
            }
            None => context.wait(self.poll_timeout),
        }
        Ok(())
    }

    fn copy(
        &mut self,
        partition: &TopicPartition,
        seen: &Seen,
        batches: &mut Vec<SourceBatch>,
    ) -> Result<(), ConnectError> {
        let (Some(lane), Some(copier)) = (self.lanes.get(partition), &mut self.copier) else {
            return Ok(());
        };
        let copies = copier.copy(seen);
        let copies = copies.map_err(|error| cannot_copy(partition, seen, error))?;
        for copy in copies {
            let tag = self.told.as_mut().map(|told| {
                told.expect(Span {
                    partition: partition.clone(),
                    first: copy.first,
                    last: copy.last,
                    records: copy.records,
                })
            });
            batches.push(SourceBatch {
                source_partition: Arc::clone(&lane.source),
                source_offset: source_offset(copy.last),
                topic: Arc::clone(&lane.topic),
                partition: partition.partition,
                bytes: copy.bytes,
                records: copy.records,
                tag,
            });
        }
        Ok(())
    }
}

impl Opened {
    fn new() -> Self {
        Self {
            current: None,
            inflater: Inflater::new(InflateLimits::default()),
            optional_bytes: Schema::optional(SchemaType::Bytes),
            bytes: Schema::of(SchemaType::Bytes),
        }
    }

    /// The next records of the first batch that waits. It waits on where it has more of them than a poll hands out.
    fn open_next(
        &mut self,
        waiting: &mut VecDeque<(TopicPartition, Seen)>,
        lanes: &BTreeMap<TopicPartition, Lane>,
        mut told: Option<&mut Told>,
    ) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        self.current = waiting.pop_front();
        let Some((partition, seen)) = &self.current else {
            return Ok(Vec::new());
        };
        let Some(lane) = lanes.get(partition) else {
            return Ok(Vec::new());
        };
        let failed = |error| cannot_copy(partition, seen, error);
        let mut records = Vec::new();
        for record in self.inflater.open(&seen.batch).map_err(failed)?.records() {
            let record = record.map_err(failed)?;
            if record.offset < seen.from_offset {
                continue;
            }
            if records.len() >= RECORDS_MAX {
                let rest = Seen {
                    batch: seen.batch.clone(),
                    from_offset: record.offset,
                };
                waiting.push_front((partition.clone(), rest));
                break;
            }
            let tag = told.as_mut().map(|told| {
                told.expect(Span {
                    partition: partition.clone(),
                    first: record.offset,
                    last: record.offset,
                    records: 1,
                })
            });
            let value = |schema: &Schema, bytes: Option<_>| {
                let value = bytes.map_or(Value::Null, |bytes: &[u8]| Value::Bytes(bytes.into()));
                SchemaAndValue::new(schema.clone(), value)
            };
            let (key, content) = (
                value(&self.optional_bytes, record.key),
                value(&self.bytes, record.value),
            );
            let source = Arc::clone(&lane.source);
            let offset = source_offset(record.offset);
            let mut copied = SourceRecord::new(source, offset, lane.topic.to_string(), content);
            copied.partition = Some(partition.partition);
            copied.key = key;
            copied.timestamp = Some(record.timestamp);
            copied.headers = headers(&record, &self.bytes)?;
            copied.tag = tag;
            records.push(copied);
        }
        Ok(records)
    }
}

impl Told {
    /// Records are handed out: the tag by which they come back.
    fn expect(&mut self, span: Span) -> u64 {
        let tag = self.next_tag;
        self.next_tag += 1;
        self.copying.insert(tag, span);
        tag
    }

    fn on_landed(&mut self, tag: u64, landed: Option<Landed>) {
        let (Some(span), Some(landed)) = (self.copying.remove(&tag), landed) else {
            return;
        };
        let topic = &landed.partition.topic;
        if landed.offset < 0 {
            tracing::error!(
                "It is not known where records of {topic} are: no offset sync for them"
            );
            return;
        }
        let others = i64::from(span.records).saturating_sub(1);
        let last = landed.offset.saturating_add(others);
        let Self { syncs, writer, .. } = self;
        syncs.on_batch(
            &span.partition,
            (span.first, span.last),
            (landed.offset, last),
            |sync| writer.take(sync),
        );
    }

    fn write(&mut self) {
        let Self { syncs, writer, .. } = self;
        syncs.give(|sync| writer.take(sync));
    }
}

fn headers<'r>(record: &RecordRef<'r>, bytes: &Schema) -> Result<Headers<'r>, ConnectError> {
    let mut headers = Headers::new();
    for header in record.headers.iter() {
        let header = header.map_err(|fault| ConnectError::failed(fault.to_string()))?;
        let key = String::from_utf8_lossy(header.key);
        let value = header
            .value
            .map_or(Value::Null, |bytes| Value::Bytes(bytes.into()));
        headers.add(key, SchemaAndValue::new(bytes.clone(), value));
    }
    Ok(headers)
}

fn cannot_copy(
    partition: &TopicPartition,
    seen: &Seen,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ConnectError {
    let offset = seen.batch.header().base_offset;
    ConnectError::failed_by(
        format!("Cannot copy the batch at {partition}={offset}"),
        error,
    )
}

fn source_partition(alias: &str, partition: &TopicPartition) -> Map<'static> {
    let mut map = Map::new();
    map.put("cluster", Value::String(alias.to_owned().into()));
    map.put("partition", Value::Int32(partition.partition));
    map.put("topic", Value::String(partition.topic.to_string().into()));
    map
}

fn source_offset(offset: i64) -> Map<'static> {
    let mut map = Map::new();
    map.put("offset", Value::Int64(offset));
    map
}

/// Where to read on behind a stored offset.
fn start_behind(stored: Option<&Map<'_>>) -> Start {
    let offset = match stored.and_then(|stored| stored.get("offset")) {
        Some(Value::Int64(offset)) => *offset,
        Some(Value::Int32(offset)) => i64::from(*offset),
        _ => -1,
    };
    match offset {
        ..0 => Start::Reset,
        offset => Start::At {
            offset: offset.saturating_add(1),
            epoch: None,
        },
    }
}

/// Records that a poll hands out at most. Few batches have more; one that has is decompressed for each poll, so fewer
/// would cost more than they spare.
const RECORDS_MAX: usize = 10_000;
/// A poll ends behind copies of so many bytes: what was read is small where it is compressed, its copies may not be.
const COPIES_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
