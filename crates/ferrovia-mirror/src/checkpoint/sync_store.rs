//! Offset syncs by which offsets are translated: of each partition up to 64, dense near its end and sparse towards its
//! beginning. No IO, no clock.
//!
//! Three things hold of the syncs of a partition, whose places are 0 for the newest to 63:
//! - A: place 0 holds the newest sync.
//! - B: the sync at place j is not much older than that at i < j: by at most 2^j - 2^i records of the source, unless they
//!   are the same sync.
//! - C: different neighbours i and i + 1 are at least 2^max(i - 2, 0) records apart, so that all places are put to use.
//!
//! # Source
//! `org.apache.kafka.connect.mirror.OffsetSyncStore`, of which the tests hold recorded answers

use std::collections::BTreeMap;

use ferrovia_client::TopicPartition;

use crate::bytes::BytesError;
use crate::sync::OffsetSync;

/// Syncs of one partition.
const SYNCS: usize = 64;

/// The offset syncs of all partitions.
#[derive(Debug)]
pub(super) struct SyncStore {
    partitions: BTreeMap<TopicPartition, [Sync; SYNCS]>,
    /// How many syncs there were.
    count: u64,
    /// Whether the topic was read to its end once: before, old syncs must not be used.
    is_read: bool,
    /// Whether only the newest syncs of those before the end count. Needed where it is not known what was translated by
    /// older ones: offsets would go back.
    keeps_newest_only: bool,
}

/// One sync. Its number tells it from another of the same offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sync {
    number: u64,
    upstream: i64,
    downstream: i64,
}

/// What becomes of a group's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Translation {
    /// It is this one at the target.
    To(i64),
    /// It is older than all syncs.
    TooOld,
    /// There is no sync yet.
    Unknown,
}

impl SyncStore {
    pub(super) fn new(keeps_newest_only: bool) -> Self {
        Self {
            partitions: BTreeMap::new(),
            count: 0,
            is_read: false,
            keeps_newest_only,
        }
    }

    /// Hears that the topic was read to its end.
    pub(super) fn on_end(&mut self) {
        self.is_read = true;
    }

    /// Takes a record of the topic of offset syncs.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn on_record(&mut self, key: &[u8], value: &[u8]) -> Result<(), BytesError> {
        let sync = OffsetSync::read(key, value)?;
        self.on_sync(sync.partition, sync.upstream, sync.downstream);
        Ok(())
    }

    /// Takes a sync.
    pub(super) fn on_sync(&mut self, partition: TopicPartition, upstream: i64, downstream: i64) {
        self.count += 1;
        let sync = Sync {
            number: self.count,
            upstream,
            downstream,
        };
        let starts_over = !self.is_read && self.keeps_newest_only;
        match self.partitions.get_mut(&partition) {
            Some(syncs) if !starts_over && upstream >= newest(syncs).upstream => {
                *syncs = updated(syncs, sync);
            }
            // Where the source's offsets go back, the older syncs are about records that are gone.
            Some(syncs) => *syncs = [sync; SYNCS],
            None => {
                self.partitions.insert(partition, [sync; SYNCS]);
            }
        }
    }

    /// Translates the offset that a group has committed at the source.
    ///
    /// A group that is ahead of the sync goes on right behind it: which of the records between were copied is not known, and
    /// a record must not be left out.
    pub(super) fn translate(&self, partition: &TopicPartition, upstream: i64) -> Translation {
        let syncs = self.partitions.get(partition).filter(|_| self.is_read);
        let Some(syncs) = syncs else {
            return Translation::Unknown;
        };
        match syncs.iter().find(|sync| sync.upstream <= upstream) {
            Some(sync) if sync.upstream == upstream => Translation::To(sync.downstream),
            Some(sync) => Translation::To(sync.downstream.saturating_add(1)),
            None => Translation::TooOld,
        }
    }
}

fn newest(syncs: &[Sync; SYNCS]) -> Sync {
    let [newest, ..] = syncs;
    *newest
}

/// Puts a sync in front and moves others back as far as the rules demand, keeping as many different ones as they allow.
fn updated(original: &[Sync; SYNCS], sync: Sync) -> [Sync; SYNCS] {
    let mut syncs = *original;
    let mut replacement = sync;
    // Where in the old syncs the next candidate stands. It never gets ahead of the place that is filled.
    let mut candidate = 0;
    let mut previous_sync = sync;
    if let Some(first) = syncs.first_mut() {
        *first = sync;
    }
    for current in 1..SYNCS {
        let previous = current - 1;
        while let Some(old) = original.get(candidate).copied() {
            let is_recent = is_b(previous_sync, old, previous, current);
            let is_apart = is_c(previous_sync, old, previous);
            let next = syncs.get(current + 1);
            let leaves_room = next.is_none_or(|next| is_c(old, *next, current));
            let is_repeated = original.get(candidate + 1) == Some(&old);
            let is_promoted = is_recent && is_apart && leaves_room;
            if is_promoted {
                replacement = old;
            }
            // What is too near now never is far enough later.
            let is_skipped = is_repeated || !is_apart;
            if is_promoted || is_skipped {
                candidate += 1;
            }
            if candidate >= current || !is_skipped {
                break;
            }
        }
        let Some(place) = syncs.get_mut(current) else {
            break;
        };
        if is_b(previous_sync, *place, previous, current) {
            // Then it holds of all places behind, too.
            break;
        }
        *place = replacement;
        previous_sync = replacement;
    }
    syncs
}

/// Rule B for the sync `a` at place `i` and `b` at place `j`. A sum beyond all numbers is no limit, as in Java.
fn is_b(a: Sync, b: Sync, i: usize, j: usize) -> bool {
    let bound = b.upstream.wrapping_add(power(j)).wrapping_sub(power(i));
    a.number == b.number || bound < 0 || a.upstream <= bound
}

/// Rule C for the sync `a` at place `i` and its neighbour `b`.
fn is_c(a: Sync, b: Sync, i: usize) -> bool {
    let bound = b.upstream.wrapping_add(power(i.saturating_sub(2)));
    a.number == b.number || (bound >= 0 && a.upstream >= bound)
}

/// Two to the power of a place.
fn power(place: usize) -> i64 {
    u32::try_from(place).map_or(0, |place| 1_i64.wrapping_shl(place))
}

#[cfg(test)]
mod tests;
