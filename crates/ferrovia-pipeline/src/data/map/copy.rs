//! Maps turned in place into what Java makes by copying them: the same entries, but in the order of another table.
//!
//! A Java transformation never changes the map of a record; it fills a new `HashMap`, whose table is often smaller or
//! larger than the old one, and so its order may differ. Nobody else sees a record's map here, so nothing is copied.

use std::borrow::Cow;

use super::{DEFAULT_CAPACITY, Key, Map, Order, bucket, java_hash};
use crate::data::Value;

impl<'a> Map<'a> {
    /// Becomes what `new HashMap<>(map)` is.
    pub fn become_copy(&mut self) {
        if self.is_empty() {
            self.table.order = Order::Hash {
                capacity: DEFAULT_CAPACITY,
            };
        } else {
            self.become_table_of(self.len() * 4 / 3 + 1);
        }
    }

    /// Becomes what `new HashMap<>(size)` is after all entries have been put into it, in order.
    pub fn become_table_of(&mut self, size: usize) {
        let mut capacity = size.max(1).next_power_of_two();
        while self.len() * 4 > capacity * 3 {
            capacity *= 2;
        }
        if let Order::Hash { capacity: old } = self.table.order
            && old > capacity
        {
            // Keys of several old buckets meet in a new one, in the order of the old ones. In a larger table they part,
            // and their order stays.
            self.sort_as_shown();
        }
        self.table.order = Order::Hash { capacity };
    }

    /// Takes the order in which Java shows the map as that of insertion.
    pub fn sort_as_shown(&mut self) {
        if let Order::Hash { capacity } = self.table.order {
            self.table
                .entries
                .sort_by_key(|key| bucket(java_hash(&key.0), capacity));
        }
    }

    /// Keeps the entries whose key is a text that `keep` accepts. Keys that are no text are kept.
    pub fn retain_texts(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.table.entries.retain(|key| match &key.0 {
            Value::String(text) => keep(text),
            _ => true,
        });
    }

    /// Gives the entry of `from` the key `to`, in its place. Answers whether that was done: not if there is an entry of
    /// `to` already.
    pub fn rename(&mut self, from: &str, to: impl Into<Cow<'a, str>>) -> bool {
        match self.table.entries.index_of(from) {
            None => true,
            Some(index) => self
                .table
                .entries
                .rename(index, Key(Value::String(to.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(map: &Map<'_>) -> String {
        let texts = map.iter().map(|(key, _)| match key {
            Value::String(text) => text.to_string(),
            other => format!("{other:?}"),
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    fn map_of(keys: &[&'static str]) -> Map<'static> {
        let mut map = Map::new();
        for key in keys {
            map.put(*key, Value::Null);
        }
        map
    }

    #[test]
    fn copy_has_the_order_of_its_smaller_table() {
        let mut map = map_of(&["order_id", "customer", "placed_at", "status", "currency"]);
        map.become_copy();
        // As jshell prints the keys of `new HashMap<>(map)`.
        assert_eq!(keys(&map), "currency placed_at order_id customer status");
    }

    #[test]
    fn copy_of_an_empty_map_is_as_large_as_a_new_one() {
        let mut map = Map::with_capacity(1);
        map.become_copy();
        for key in ["i", "a", "q", "b"] {
            map.put(key, Value::Null);
        }
        assert_eq!(keys(&map), keys(&map_of(&["i", "a", "q", "b"])));
    }

    #[test]
    fn key_is_replaced_in_its_place_unless_it_is_taken() {
        let mut map = Map::linked();
        for key in ["a", "b", "c"] {
            map.put(key, Value::Null);
        }
        assert!(map.rename("b", "z") && map.rename("nobody", "y"));
        assert_eq!(keys(&map), "a z c");
        assert!(!map.rename("a", "c"));
        assert!(map.contains_key("z") && !map.contains_key("b"));
    }
}
