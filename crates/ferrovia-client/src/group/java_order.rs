//! The order in which Java's `HashMap` and `HashSet` hand out their entries.
//!
//! Java's assignors walk hash maps, so who gets the odd partition depends on that order. A leader in Rust
//! and a leader in Java must come to the same assignment, or a group would shuffle its partitions whenever
//! leadership moves between them; so the order is reproduced instead of replaced by a nicer one.
//! Bins that Java turns into trees (eight or more collisions) keep their insertion order here.
//!
//! # Source
//! `java.util.HashMap`, `java.lang.String.hashCode`, `org.apache.kafka.common.TopicPartition.hashCode`.

use std::cmp::Ordering;

/// What `String.hashCode` answers.
pub(super) fn string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}

/// What `TopicPartition.hashCode` answers.
pub(super) fn partition_hash(topic: &str, partition: i32) -> u32 {
    31u32
        .wrapping_add_signed(partition)
        .wrapping_mul(31)
        .wrapping_add(string_hash(topic))
}

/// How `String.compareTo` orders: by UTF-16 units, not by code points.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Puts distinct `items`, given in the order of insertion, into the order of iteration.
pub(super) fn sort_as_hash_map<T>(items: &mut [T], name: impl Fn(&T) -> &str) {
    let capacity = capacity_for(items.len());
    items.sort_by_key(|item| bin(string_hash(name(item)), capacity));
}

/// A `HashSet` reduced to what the sticky assignor needs: its table only grows, and it has a first entry.
#[derive(Debug)]
pub(super) struct HashOrderedSet<T> {
    capacity: usize,
    entries: Vec<(u32, T)>,
}

impl<T: Copy + PartialEq> HashOrderedSet<T> {
    pub(super) fn new() -> Self {
        Self {
            capacity: SMALLEST_TABLE,
            entries: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, hash: u32, item: T) {
        if self.entries.iter().any(|(_, known)| *known == item) {
            return;
        }
        self.entries.push((hash, item));
        self.capacity = self.capacity.max(capacity_for(self.entries.len()));
    }

    pub(super) fn remove(&mut self, item: T) {
        self.entries.retain(|(_, known)| *known != item);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn first(&self) -> Option<T> {
        let (_, item) = self
            .entries
            .iter()
            .min_by_key(|(hash, _)| bin(*hash, self.capacity))?;
        Some(*item)
    }
}

/// The size of a table that grew by inserting `len` entries: it doubles beyond three quarters full.
fn capacity_for(len: usize) -> usize {
    let mut capacity = SMALLEST_TABLE;
    while len > capacity / 4 * 3 {
        capacity *= 2;
    }
    capacity
}

fn bin(hash: u32, capacity: usize) -> usize {
    (hash ^ (hash >> 16)) as usize & (capacity - 1)
}

const SMALLEST_TABLE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        assert_eq!(string_hash(""), 0);
        assert_eq!(string_hash("orders"), 0xc3df_62e5);
        assert_eq!(string_hash("connect-sink-😀"), 0x9ed2_bcfa);
        assert_eq!(partition_hash("orders", 5), 0xc3df_6741);
    }

    #[test]
    fn the_first_entry_follows_bins_and_the_table_never_shrinks() {
        let mut set = HashOrderedSet::new();
        for item in 0..13u32 {
            set.insert(item + 16, item);
        }
        set.insert(1, 99);
        assert_eq!(
            set.first(),
            Some(99),
            "13 entries made the table 32 wide, so 16 is no longer bin 0"
        );
        for item in 1..13 {
            set.remove(item);
        }
        set.remove(99);
        set.insert(2, 98);
        assert_eq!(set.first(), Some(98));
        set.remove(98);
        set.remove(0);
        assert!(set.is_empty());
    }
}
