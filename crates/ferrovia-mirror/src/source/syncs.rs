//! Which offset syncs are written, and when. No IO, no clock.
//!
//! # Source
//! `org.apache.kafka.connect.mirror.OffsetSyncWriter`

use std::collections::BTreeMap;

use ferrovia_client::TopicPartition;

use crate::sync::OffsetSync;

/// Offset syncs on their way from copied records to the topic.
#[derive(Debug)]
pub(super) struct Syncs {
    /// `offset.lag.max`
    lag_max: i64,
    states: BTreeMap<TopicPartition, Known>,
    /// Syncs that are written when offsets are committed.
    delayed: BTreeMap<TopicPartition, OffsetSync>,
    /// Syncs that are to be written.
    pending: BTreeMap<TopicPartition, OffsetSync>,
}

/// What is known of a partition's copy.
#[derive(Clone, Copy, Debug)]
struct Known {
    upstream: i64,
    downstream: i64,
    /// The target's offset in the last sync.
    synced: i64,
}

impl Syncs {
    pub(super) fn new(lag_max: i64) -> Self {
        Self {
            lag_max,
            states: BTreeMap::new(),
            delayed: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// A record was copied. A sync is due for the first one, where the last sync is too old, where records of the source are
    /// missing before it, and where the target's offsets go back; any other may wait.
    pub(super) fn on_copied(&mut self, partition: &TopicPartition, upstream: i64, downstream: i64) {
        let lag_max = self.lag_max;
        let is_due = |known: &Known| {
            // Offsets behind a sync are translated to the one right behind it.
            downstream.saturating_sub(known.synced.saturating_add(1)) >= lag_max
                || upstream.wrapping_sub(known.upstream) != 1
                || downstream < known.downstream
        };
        let known = self.states.get(partition);
        let is_due = known.is_none_or(is_due);
        let synced = match known {
            Some(known) if !is_due => known.synced,
            _ => downstream,
        };
        let state = Known {
            upstream,
            downstream,
            synced,
        };
        let sync = OffsetSync {
            partition: partition.clone(),
            upstream,
            downstream,
        };
        self.states.insert(partition.clone(), state);
        if is_due {
            self.delayed.remove(partition);
            self.pending.insert(partition.clone(), sync);
        } else {
            self.delayed.insert(partition.clone(), sync);
        }
    }

    /// The records of a batch were copied: the offsets of the first and the last one, at the source and at the target, where
    /// they stand one after another. Where they do so at the source as well, the same syncs are due as if each had come
    /// alone, and given to `write` one by one.
    pub(super) fn on_batch(
        &mut self,
        partition: &TopicPartition,
        upstream: (i64, i64),
        downstream: (i64, i64),
        mut write: impl FnMut(OffsetSync) -> Result<(), OffsetSync>,
    ) {
        self.on_copied(partition, upstream.0, downstream.0);
        self.give(&mut write);
        let (ahead, last) = (upstream.0.wrapping_sub(downstream.0), downstream.1);
        if last <= downstream.0 {
            return;
        }
        if upstream.1.wrapping_sub(last) == ahead {
            while let Some(due) = self.next_due(partition).filter(|due| *due < last) {
                self.pass(partition, due.wrapping_add(ahead), due);
                self.on_copied(partition, due.wrapping_add(ahead), due);
                self.give(&mut write);
            }
            self.pass(partition, upstream.1, last);
        }
        self.on_copied(partition, upstream.1, last);
        self.give(&mut write);
    }

    /// The first offset of the target at which a sync is due again, if no record is missing until there.
    fn next_due(&self, partition: &TopicPartition) -> Option<i64> {
        let known = self.states.get(partition)?;
        let behind = known.synced.saturating_add(1);
        Some(behind.saturating_add(self.lag_max.max(0)))
    }

    /// All records before these offsets were copied, one after another.
    fn pass(&mut self, partition: &TopicPartition, upstream: i64, downstream: i64) {
        if let Some(known) = self.states.get_mut(partition) {
            known.upstream = upstream.wrapping_sub(1);
            known.downstream = downstream.wrapping_sub(1);
        }
    }

    /// Offsets were committed: no sync waits any longer, so that partitions of few records do not stay behind.
    pub(super) fn promote(&mut self) {
        self.pending.append(&mut self.delayed);
    }

    /// Gives syncs away for as long as `write` takes them.
    pub(super) fn give(&mut self, mut write: impl FnMut(OffsetSync) -> Result<(), OffsetSync>) {
        while let Some((partition, sync)) = self.pending.pop_first() {
            if let Err(sync) = write(sync) {
                self.pending.insert(partition, sync);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
