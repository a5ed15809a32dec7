//! Which partitions moved between which members while one assignment was balanced.
//!
//! When a partition is about to move from A to B although another of its topic already moved from B to A,
//! that other one moves back instead, so no pair of members swaps partitions for nothing.
//!
//! # Source
//! `AbstractStickyAssignor.PartitionMovements`.

use std::collections::BTreeMap;

use super::table::{Member, Partition, PerPartition, Table, Topic};
use crate::group::java_order::HashOrderedSet;

#[derive(Debug)]
pub(super) struct Movements<'a> {
    table: &'a Table<'a>,
    /// From whom to whom each moved partition went in all.
    journeys: PerPartition<Option<(Member, Member)>>,
    travellers: BTreeMap<(Topic, Member, Member), HashOrderedSet<Partition>>,
}

impl<'a> Movements<'a> {
    pub(super) fn new(table: &'a Table<'a>) -> Self {
        Self {
            table,
            journeys: table.per_partition(None),
            travellers: BTreeMap::new(),
        }
    }

    /// The partition to move when `partition` is to go from `from` to `to`.
    pub(super) fn better_choice(
        &self,
        partition: Partition,
        from: Member,
        to: Member,
    ) -> Partition {
        let source = self.journeys[partition].map_or(from, |(source, _)| source);
        let reverse = (self.table.topic_of(partition), to, source);
        self.travellers
            .get(&reverse)
            .and_then(HashOrderedSet::first)
            .unwrap_or(partition)
    }

    /// Records that `partition` went from `from` to `to`.
    pub(super) fn record(&mut self, partition: Partition, from: Member, to: Member) {
        let topic = self.table.topic_of(partition);
        let source = match self.journeys[partition].take() {
            None => from,
            Some((source, last)) => {
                if let Some(set) = self.travellers.get_mut(&(topic, source, last)) {
                    set.remove(partition);
                    if set.is_empty() {
                        self.travellers.remove(&(topic, source, last));
                    }
                }
                if source == to {
                    return;
                }
                source
            }
        };
        self.journeys[partition] = Some((source, to));
        let hash = self.table.java_hash(partition);
        self.travellers
            .entry((topic, source, to))
            .or_insert_with(HashOrderedSet::new)
            .insert(hash, partition);
    }
}
