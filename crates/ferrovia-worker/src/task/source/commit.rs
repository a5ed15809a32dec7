//! How far each partition of a source has been read, and how much of that may be stored: never more than the records
//! that Kafka has, and all before them.
//!
//! Nothing is kept per record. A batch that goes to Kafka has, for each partition of the source, a [`Span`]: the first
//! and the last of its records there. What may be stored is the end of a span that lies before every record that is
//! still on its way.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.SubmittedRecords`, `org.apache.kafka.connect.storage.OffsetStorageWriter`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ferrovia_pipeline::data::map::java_hash;
use ferrovia_pipeline::data::{Map, Value};

/// A partition of a source, by a number of this task's own.
pub(super) type SourceId = u64;

/// A partition of a source with how far it has been read.
pub(super) type StoredOffset = (Map<'static>, Option<Map<'static>>);

/// Records of one partition of the source that share their fate. There may be others between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first, counted from the task's beginning.
    pub(super) first: u64,
    /// The last.
    pub(super) last: u64,
    /// How many.
    pub(super) records: u64,
}

/// What goes to the store at once.
#[derive(Debug)]
pub(super) struct Flush {
    /// The offsets.
    pub(super) offsets: Vec<StoredOffset>,
    /// How many records lie before them since the last flush.
    pub(super) records: u64,
    /// How many records are not yet acknowledged or lie behind some that are not.
    pub(super) pending: u64,
}

/// The partitions of a source of which something is on its way.
#[derive(Debug, Default)]
pub(super) struct Submitted {
    sources: BTreeMap<SourceId, Source>,
    /// Their numbers by the hashes of what identifies them.
    by_hash: BTreeMap<i32, Vec<SourceId>>,
    next_id: SourceId,
    /// The one of the last record, as most have the same as the one before.
    last: Option<(Arc<Map<'static>>, SourceId)>,
    /// Records that may be stored but have not been counted by a flush.
    committable: u64,
    /// Records that may not.
    pending: u64,
}

#[derive(Debug)]
struct Source {
    partition: Arc<Map<'static>>,
    hash: i32,
    /// The number of its next record.
    next: u64,
    /// The first records of spans on their way.
    on_the_way: BTreeSet<u64>,
    /// Spans that were acknowledged behind others that were not: their ends with the offsets there.
    ahead: BTreeMap<u64, (Map<'static>, u64)>,
    /// The offset to store.
    committable: Option<Map<'static>>,
    /// The offset that is being stored.
    flushing: Option<Map<'static>>,
}

impl Submitted {
    /// The number of a partition of the source. It holds until the next call that is about something else than
    /// submitting.
    pub(super) fn source(&mut self, partition: &Arc<Map<'static>>) -> SourceId {
        if let Some((known, id)) = &self.last
            && Arc::ptr_eq(known, partition)
        {
            return *id;
        }
        let id = self.find_or_add(partition);
        self.last = Some((Arc::clone(partition), id));
        id
    }

    fn find_or_add(&mut self, partition: &Arc<Map<'static>>) -> SourceId {
        let hash = hash_of(partition);
        let ids = self.by_hash.entry(hash).or_default();
        let is_it = |id: &&SourceId| {
            let known = self.sources.get(*id);
            known.is_some_and(|known| *known.partition == **partition)
        };
        if let Some(id) = ids.iter().find(is_it) {
            return *id;
        }
        let id = self.next_id;
        self.next_id += 1;
        ids.push(id);
        let source = Source {
            partition: Arc::clone(partition),
            hash,
            next: 0,
            on_the_way: BTreeSet::new(),
            ahead: BTreeMap::new(),
            committable: None,
            flushing: None,
        };
        self.sources.insert(id, source);
        id
    }

    /// The next record of a partition goes with those of `span`.
    pub(super) fn extend(&mut self, id: SourceId, span: &mut Span) {
        if let Some(source) = self.sources.get_mut(&id) {
            span.last = source.next;
            span.records += 1;
            source.next += 1;
            self.pending += 1;
        }
    }

    /// The next so many records of a partition share their fate.
    pub(super) fn submit(&mut self, id: SourceId, records: u64) -> Option<Span> {
        let source = self.sources.get_mut(&id)?;
        let first = source.next;
        source.next += records.max(1);
        self.pending += records;
        source.on_the_way.insert(first);
        Some(Span {
            first,
            last: source.next - 1,
            records,
        })
    }

    /// Kafka has the records of a span, or they are skipped; the last of them came with this offset.
    pub(super) fn acknowledge(&mut self, id: SourceId, span: Span, offset: Map<'static>) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        source.on_the_way.remove(&span.first);
        source.ahead.insert(span.last, (offset, span.records));
        let limit = source.on_the_way.first().copied().unwrap_or(u64::MAX);
        while let Some(entry) = source.ahead.first_entry()
            && *entry.key() < limit
        {
            let (offset, records) = entry.remove();
            source.committable = Some(offset);
            self.committable += records;
            self.pending = self.pending.saturating_sub(records);
        }
    }

    /// Takes what may be stored and is not. The outcome is told by [`on_flushed`](Self::on_flushed) before the next one.
    pub(super) fn begin(&mut self) -> Flush {
        let mut offsets = Vec::new();
        for source in self.sources.values_mut() {
            source.flushing = source.committable.take();
            if let Some(offset) = &source.flushing {
                offsets.push((Map::clone(&source.partition), Some(offset.clone())));
            }
        }
        Flush {
            offsets,
            records: std::mem::take(&mut self.committable),
            pending: self.pending,
        }
    }

    /// What was taken last is stored, or is to be taken again.
    pub(super) fn on_flushed(&mut self, is_stored: bool) {
        for source in self.sources.values_mut() {
            let flushed = source.flushing.take();
            if !is_stored && source.committable.is_none() {
                source.committable = flushed;
            }
        }
        self.last = None;
        let by_hash = &mut self.by_hash;
        self.sources.retain(|id, source| {
            let is_needed = !source.on_the_way.is_empty() || source.committable.is_some();
            if !is_needed && let Some(ids) = by_hash.get_mut(&source.hash) {
                ids.retain(|known| known != id);
                if ids.is_empty() {
                    by_hash.remove(&source.hash);
                }
            }
            is_needed
        });
    }
}

fn hash_of(partition: &Map<'_>) -> i32 {
    let entries = partition.iter_unordered();
    entries.fold(0, |hash: i32, (key, value)| {
        hash.wrapping_add(java_hash(key) ^ value_hash(value))
    })
}

/// Equal values have equal hashes; 0 and -0 are equal but have different ones in Java.
fn value_hash(value: &Value<'_>) -> i32 {
    match value {
        Value::Float32(_) | Value::Float64(_) => 0,
        other => java_hash(other),
    }
}

#[cfg(test)]
mod tests;
