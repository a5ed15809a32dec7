//! Open batches: which partition a record goes to, and which records share a batch.
//!
//! A partition's batch is closed when it is full, and at the end of a poll, or `linger.ms` later. Only where earlier batches of the partition
//! are still on their way it stays open for the records of the next polls: it would have to wait for them anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ferrovia_client::TopicPartition;
use ferrovia_client::cluster::MetadataView;
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Fields, Seal, WriteError};
use ferrovia_pipeline::data::Map;

use crate::task::source::commit::{SourceId, Span};

/// A topic by a number of this task's own.
pub(super) type TopicId = usize;
/// A partition of a topic.
pub(super) type LaneId = (TopicId, i32);

/// A batch that nothing more goes into.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) lane: LaneId,
    pub(super) partition: TopicPartition,
    pub(super) bytes: Bytes,
    pub(super) contents: Contents,
}

/// What is to be done when a batch is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// How many records it has.
    pub(super) records: u64,
    /// How far it reaches in the partitions of the source.
    pub(super) spans: Vec<(SourceId, Span, Map<'static>)>,
    /// The tags that its task gave to records, each with its place in the batch.
    pub(super) tags: Vec<(u64, i32)>,
    /// Whether it has one tag for all records, which a task gave out together.
    pub(super) is_whole: bool,
    /// The records as the log is to show them if they cannot be produced.
    pub(super) texts: Vec<String>,
}

impl Contents {
    /// Takes out what belongs to the first records, but for how far the batch reaches: that counts when
    /// the last of them are done with.
    pub(super) fn take_first(&mut self, records: i32) -> Self {
        let count = u64::try_from(records).unwrap_or(0).min(self.records);
        let texts = usize::try_from(count).unwrap_or(0).min(self.texts.len());
        let tags = self.tags.partition_point(|(_, place)| *place < records);
        let first = Self {
            records: count,
            spans: Vec::new(),
            tags: self.tags.drain(..tags).collect(),
            texts: self.texts.drain(..texts).collect(),
            is_whole: self.is_whole,
        };
        self.records -= count;
        for (_, place) in &mut self.tags {
            *place -= records;
        }
        first
    }
}

/// How far the records of the poll at hand reach, as far as their batches are open.
#[derive(Debug, Default)]
pub(super) struct Reach<'a>(BTreeMap<(LaneId, SourceId), (Span, Map<'a>)>);

impl<'a> Reach<'a> {
    /// The end of the open batch of a partition, if this poll has given it a record.
    pub(super) fn end(&mut self, lane: LaneId, source: SourceId) -> Option<&mut (Span, Map<'a>)> {
        self.0.get_mut(&(lane, source))
    }

    /// The span of the open batch of a partition reaches to this offset.
    pub(super) fn begin(&mut self, lane: LaneId, source: SourceId, span: Span, offset: Map<'a>) {
        self.0.insert((lane, source), (span, offset));
    }

    /// Moves how far the batch of a partition reaches to what is known of it from polls before.
    fn move_to(&mut self, lane: LaneId, spans: &mut BTreeMap<SourceId, (Span, Map<'static>)>) {
        let whole = (
            Bound::Included((lane, 0)),
            Bound::Included((lane, u64::MAX)),
        );
        while let Some((&key, _)) = self.0.range(whole).next() {
            if let Some((span, offset)) = self.0.remove(&key) {
                spans.insert(key.1, (span, offset.into_owned()));
            }
        }
    }
}

/// The open batches of a task, by partition.
#[derive(Debug)]
pub(super) struct Batches {
    options: BatchOptions,
    topics: Vec<Topic>,
    by_name: BTreeMap<Arc<str>, TopicId>,
    /// The topic of the last record, as most have the same as the one before.
    last: TopicId,
    /// Partitions with an open batch.
    open: BTreeSet<LaneId>,
    /// Bytes of the open batches.
    open_bytes: usize,
    gathering: Gathering,
}

/// How long batches stay open that are not full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    /// Batches of a partition on their way from which on records gather behind them.
    pub(super) from: usize,
    /// `linger.ms`: how long the first record waits for others.
    pub(super) linger: Duration,
}

#[derive(Debug)]
struct Topic {
    name: Arc<str>,
    /// How many partitions the brokers say it has, as of this generation of what is known.
    partitions: i32,
    generation: Option<u64>,
    /// Where records go that say nothing of it.
    sticky: Option<i32>,
    lanes: BTreeMap<i32, Lane>,
}

#[derive(Debug)]
struct Lane {
    writer: BatchWriter,
    contents: Contents,
    /// How far the records of earlier polls reach.
    spans: BTreeMap<SourceId, (Span, Map<'static>)>,
    on_the_way: usize,
    /// Bytes of its batch.
    bytes: usize,
    /// Since when its batch is open.
    since: Instant,
}

impl Batches {
    /// No batches.
    pub(super) fn new(options: BatchOptions, gathering: Gathering) -> Self {
        Self {
            options,
            topics: Vec::new(),
            by_name: BTreeMap::new(),
            last: 0,
            open: BTreeSet::new(),
            open_bytes: 0,
            gathering,
        }
    }

    /// The topic of a name, if it is known.
    pub(super) fn topic(&mut self, name: &str) -> Option<TopicId> {
        let last = self.topics.get(self.last);
        if last.is_some_and(|last| *last.name == *name) {
            return Some(self.last);
        }
        self.last = *self.by_name.get(name)?;
        Some(self.last)
    }

    /// Makes a topic known.
    pub(super) fn add_topic(&mut self, name: Arc<str>) -> TopicId {
        let id = self.topics.len();
        self.by_name.insert(Arc::clone(&name), id);
        self.topics.push(Topic {
            name,
            partitions: 0,
            generation: None,
            sticky: None,
            lanes: BTreeMap::new(),
        });
        id
    }

    /// The partition of a record: its own, else that of its key, else the same as that of the record before, as long as its
    /// batch is open. `None` where the brokers know of no such partition. `random` picks one of so many.
    pub(super) fn lane(
        &mut self,
        topic: TopicId,
        partition: Option<i32>,
        key: Option<&[u8]>,
        view: &MetadataView,
        now: Instant,
        random: impl FnOnce(usize) -> usize,
    ) -> Option<LaneId> {
        let known = self.topics.get_mut(topic)?;
        if known.generation != Some(view.generation) {
            known.learn(view);
        }
        if known.partitions == 0 {
            return None;
        }
        let partition = match (partition, key) {
            (Some(given), _) => Some(given).filter(|given| *given < known.partitions)?,
            (None, Some(key)) => partition_for_key(key, known.partitions),
            (None, None) => match known.sticky {
                Some(sticky) => sticky,
                None => {
                    let chosen = known.choose(view, random);
                    known.sticky = Some(chosen);
                    chosen
                }
            },
        };
        let options = self.options;
        let lane = known.lanes.entry(partition).or_insert_with(|| Lane {
            writer: BatchWriter::new(options),
            contents: Contents::default(),
            spans: BTreeMap::new(),
            on_the_way: 0,
            bytes: 0,
            since: now,
        });
        if lane.writer.is_empty() {
            lane.since = now;
        }
        Some((topic, partition))
    }

    /// Whether the record fits into the open batch of its partition.
    pub(super) fn has_room(&self, lane: LaneId, record: &Fields<'_>) -> bool {
        let lane = self.get(lane);
        lane.is_none_or(|lane| lane.writer.has_room(record))
    }

    /// Appends a record to the open batch of its partition.
    ///
    /// # Errors
    /// The format cannot take it.
    pub(super) fn append(
        &mut self,
        id: LaneId,
        timestamp: i64,
        record: &Fields<'_>,
    ) -> Result<(), WriteError> {
        let Some(lane) = self.get_mut(id) else {
            return Ok(());
        };
        let is_first = lane.writer.is_empty();
        lane.writer.append_fields(timestamp, record)?;
        let bytes = lane.writer.bytes_estimate();
        let before = std::mem::replace(&mut lane.bytes, bytes);
        self.open_bytes = self.open_bytes.saturating_sub(before) + bytes;
        if is_first {
            self.open.insert(id);
        }
        Ok(())
    }

    /// What else is to be remembered of the record that was appended last.
    pub(super) fn remember(&mut self, id: LaneId, tag: Option<u64>, text: Option<String>) {
        if let Some(lane) = self.get_mut(id) {
            let place = lane.writer.record_count() - 1;
            lane.contents.tags.extend(tag.map(|tag| (tag, place)));
            lane.contents.texts.extend(text);
        }
    }

    /// The span of the open batch of a partition, as of the polls before.
    pub(super) fn span(&self, lane: LaneId, source: SourceId) -> Option<Span> {
        let (span, _) = self.get(lane)?.spans.get(&source)?;
        Some(*span)
    }

    /// The records of a poll end here: how far they reach is kept with the batches that are open.
    pub(super) fn keep(&mut self, reach: Reach<'_>) {
        for ((id, source), (span, offset)) in reach.0 {
            if let Some(lane) = self.get_mut(id) {
                lane.spans.insert(source, (span, offset.into_owned()));
            }
        }
    }

    /// Partitions whose batches are to be closed although they are not full.
    pub(super) fn ripe(&self, now: Instant) -> Vec<LaneId> {
        let ripe = self.ripening().filter(|(_, at)| *at <= now);
        ripe.map(|(id, _)| id).collect()
    }

    /// When the next batch is to be closed, if it does not wait for others anyway.
    pub(super) fn ripe_at(&self) -> Option<Instant> {
        self.ripening().map(|(_, at)| at).min()
    }

    /// Open batches with nothing before them to wait for, and when each is to be closed.
    fn ripening(&self) -> impl Iterator<Item = (LaneId, Instant)> {
        let Gathering { from, linger } = self.gathering;
        self.open.iter().filter_map(move |id| {
            let lane = self.get(*id).filter(|lane| lane.on_the_way < from)?;
            Some((*id, lane.since + linger))
        })
    }

    /// All partitions with an open batch.
    pub(super) fn open(&self) -> Vec<LaneId> {
        self.open.iter().copied().collect()
    }

    /// The partition of a topic that a number stands for.
    pub(super) fn partition(&self, lane: LaneId) -> Option<TopicPartition> {
        let name = self.name(lane.0)?;
        Some(TopicPartition::new(Arc::clone(name), lane.1))
    }

    /// Bytes of the open batch of a partition.
    pub(super) fn bytes(&self, lane: LaneId) -> usize {
        self.get(lane).map_or(0, |lane| lane.bytes)
    }

    /// Bytes of all open batches.
    pub(super) fn open_bytes(&self) -> usize {
        self.open_bytes
    }

    /// The partition whose batch has been open for the longest time.
    pub(super) fn oldest(&self) -> Option<LaneId> {
        let since = |id: &&LaneId| self.get(**id).map(|lane| lane.since);
        self.open.iter().min_by_key(since).copied()
    }

    /// Closes the open batch of a partition.
    ///
    /// # Errors
    /// The codec failed.
    pub(super) fn seal(
        &mut self,
        id: LaneId,
        reach: &mut Reach<'_>,
    ) -> Result<Option<Sealed>, WriteError> {
        let Some(topic) = self.topics.get_mut(id.0) else {
            return Ok(None);
        };
        let Some(lane) = topic.lanes.get_mut(&id.1) else {
            return Ok(None);
        };
        let records = lane.writer.record_count();
        let bytes = lane.writer.seal(Seal::default())?;
        lane.on_the_way += 1;
        self.open_bytes = self
            .open_bytes
            .saturating_sub(std::mem::take(&mut lane.bytes));
        let mut contents = std::mem::take(&mut lane.contents);
        contents.records = u64::from(records.cast_unsigned());
        let mut spans = std::mem::take(&mut lane.spans);
        reach.move_to(id, &mut spans);
        let spans = spans.into_iter();
        contents.spans = spans
            .map(|(source, (span, offset))| (source, span, offset))
            .collect();
        topic.sticky.take_if(|sticky| *sticky == id.1);
        self.open.remove(&id);
        Ok(Some(Sealed {
            lane: id,
            partition: TopicPartition::new(Arc::clone(&topic.name), id.1),
            bytes,
            contents,
        }))
    }

    /// A batch of a partition that was not written here.
    pub(super) fn whole(&mut self, id: LaneId, bytes: Bytes, contents: Contents) -> Option<Sealed> {
        let partition = self.partition(id)?;
        self.get_mut(id)?.on_the_way += 1;
        Some(Sealed {
            lane: id,
            partition,
            bytes,
            contents,
        })
    }

    /// The fate of a batch is known.
    pub(super) fn on_settled(&mut self, id: LaneId) {
        if let Some(lane) = self.get_mut(id) {
            lane.on_the_way = lane.on_the_way.saturating_sub(1);
        }
    }

    /// The name of a topic.
    pub(super) fn name(&self, topic: TopicId) -> Option<&Arc<str>> {
        self.topics.get(topic).map(|topic| &topic.name)
    }

    fn get(&self, (topic, partition): LaneId) -> Option<&Lane> {
        self.topics.get(topic)?.lanes.get(&partition)
    }

    fn get_mut(&mut self, (topic, partition): LaneId) -> Option<&mut Lane> {
        self.topics.get_mut(topic)?.lanes.get_mut(&partition)
    }
}

impl Topic {
    fn learn(&mut self, view: &MetadataView) {
        let count = view.partition_count(&self.name).unwrap_or(0);
        self.partitions = i32::try_from(count).unwrap_or(i32::MAX);
        self.generation = Some(view.generation);
        self.sticky = None;
    }

    /// One of the partitions that have a leader, or of all where none has.
    ///
    /// # Source
    /// `org.apache.kafka.clients.producer.internals.BuiltInPartitioner`, `nextPartition`
    fn choose(&self, view: &MetadataView, random: impl FnOnce(usize) -> usize) -> i32 {
        let known = view.topics.get(&self.name);
        let partitions = known.into_iter().flat_map(|known| &known.partitions);
        let led: Vec<i32> = partitions
            .filter(|(_, partition)| partition.leader.is_some())
            .map(|(number, _)| *number)
            .collect();
        if led.is_empty() {
            let count = usize::try_from(self.partitions).unwrap_or(1);
            return i32::try_from(random(count)).unwrap_or(0);
        }
        led.get(random(led.len())).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
