//! The order in which Java's `HashMap` and `HashSet` hand out their entries.
//!
//! Java's leader walks hash maps of members, and the bytes of an assignment list connectors as a hash set does. A leader
//! here has to decide and write the same, or work would move whenever the leadership moves between the two; so the order
//! is reproduced instead of replaced by a nicer one. Bins that Java turns into trees (more than eight collisions) keep
//! their order of insertion here.
//!
//! # Source
//! `java.util.HashMap`, `java.lang.String`, `org.apache.kafka.connect.util.ConnectorTaskId`.

use std::cmp::Ordering;

use crate::status::TaskId;

/// What has a Java hash code.
pub(super) trait JavaHash {
    fn java_hash(&self) -> u32;
}

impl JavaHash for str {
    fn java_hash(&self) -> u32 {
        self.encode_utf16().fold(0, |hash: u32, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        })
    }
}

impl JavaHash for TaskId {
    /// The task is a record in Java: its fields count like the letters of a text.
    fn java_hash(&self) -> u32 {
        self.connector
            .java_hash()
            .wrapping_mul(31)
            .wrapping_add(self.task)
    }
}

/// How `String.compareTo` orders: by UTF-16 units, not by code points.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// How `ConnectorTaskId.compareTo` orders.
pub(super) fn compare_tasks(left: &TaskId, right: &TaskId) -> Ordering {
    compare(&left.connector, &right.connector).then(left.task.cmp(&right.task))
}

/// Puts distinct items, given in the order of insertion, into the order of a table that grew with them.
pub(super) fn sort_as_grown<T, K: JavaHash + ?Sized>(items: &mut [T], key: impl Fn(&T) -> &K) {
    let mut capacity = SMALLEST_TABLE;
    while items.len() > capacity / 4 * 3 {
        capacity *= 2;
    }
    sort(items, capacity, key);
}

/// Puts distinct items into the order of a table that was made for a collection of `length` items.
pub(super) fn sort_as_copied<T, K: JavaHash + ?Sized>(
    items: &mut [T],
    length: usize,
    key: impl Fn(&T) -> &K,
) {
    let wanted = (length.saturating_mul(4) / 3 + 1).max(SMALLEST_TABLE);
    sort(items, wanted.next_power_of_two(), key);
}

fn sort<T, K: JavaHash + ?Sized>(items: &mut [T], capacity: usize, key: impl Fn(&T) -> &K) {
    items.sort_by_key(|item| {
        let hash = key(item).java_hash();
        (hash ^ (hash >> 16)) as usize & (capacity - 1)
    });
}

const SMALLEST_TABLE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        assert_eq!("".java_hash(), 0);
        assert_eq!("orders".java_hash(), 0xc3df_62e5);
        assert_eq!("connect-sink-😀".java_hash(), 0x9ed2_bcfa);
        assert_eq!(
            TaskId::new("orders", 5).java_hash(),
            0xc3df_62e5_u32.wrapping_mul(31).wrapping_add(5)
        );
    }

    #[test]
    fn names_are_ordered_by_utf16_units() {
        assert_eq!(compare("\u{1f600}", "\u{ff5e}"), Ordering::Less);
        assert_eq!("\u{1f600}".cmp("\u{ff5e}"), Ordering::Greater);
    }

    #[test]
    fn tables_grow_beyond_three_quarters_and_copies_leave_room() {
        // "\u{10}" is in bin 0 of 16 bins and in bin 16 of 32.
        let mut names: Vec<String> = (1..=16_u8).map(|n| char::from(n).to_string()).collect();
        let all = names.clone();
        names.drain(..4);
        sort_as_grown(&mut names, |name| name.as_str());
        assert_eq!(names[0], "\u{10}", "twelve names fit into 16 bins");
        let mut names = all[3..].to_vec();
        sort_as_grown(&mut names, |name| name.as_str());
        assert_eq!(names[12], "\u{10}", "thirteen do not");
        let mut names = all[15..].to_vec();
        names.push("\u{1}".to_owned());
        sort_as_copied(&mut names, 11, |name| name.as_str());
        assert_eq!(names, ["\u{10}", "\u{1}"]);
        sort_as_copied(&mut names, 12, |name| name.as_str());
        assert_eq!(names, ["\u{1}", "\u{10}"]);
    }
}
