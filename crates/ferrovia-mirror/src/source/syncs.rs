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

    /// All records up to these offsets were copied, one after another.
    pub(super) fn pass(&mut self, partition: &TopicPartition, upstream: i64, downstream: i64) {
        if let Some(known) = self.states.get_mut(partition) {
            (known.upstream, known.downstream) = (upstream, downstream);
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
