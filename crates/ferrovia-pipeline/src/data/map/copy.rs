//! Maps turned in place into what Java makes by copying them: the same entries, but in the order of another table.
//!
//! A Java transformation never changes the map of a record; it fills a new `HashMap`, whose table is often smaller or
//! larger than the old one, and so its order may differ. Nobody else sees a record's map here, so nothing is copied.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Key, Map, Order, bucket, java_hash, java_hash_of_text};
use crate::data::Value;

impl<'a> Map<'a> {
    /// Becomes what `new HashMap<>(map)` is.
    pub fn become_copy(&mut self) {
        if self.is_empty() {
            self.entries.set_order(Order::DEFAULT);
        } else {
            self.become_table_of(self.len() * 4 / 3 + 1);
        }
    }

    /// Becomes what `new HashMap<>(size)` is after all entries have been put into it, in order.
    pub fn become_table_of(&mut self, size: usize) {
        let mut order = Order::of_table(size);
        order.grow_for(self.len());
        if self.entries.order().buckets() > order.buckets() {
            // Keys of several old buckets meet in a new one, in the order of the old ones. In a larger table they part,
            // and their order stays.
            self.sort_as_shown();
        }
        self.entries.set_order(order);
    }

    /// Becomes what `new HashMap<>(size)` is after all entries have been put into it, in the order in which Java shows
    /// them, some under a new name. No entry has one of the new names, and no two get the same.
    pub fn become_table_with_renamed(&mut self, size: usize, renames: &BTreeMap<String, String>) {
        let mut order = Order::of_table(size);
        order.grow_for(self.len());
        if !self.leaves_alone(renames.values(), order) {
            // A renamed entry comes behind those that stood before it, in whichever bucket it lands.
            self.sort_as_shown();
        }
        self.become_table_of(size);
        for (from, to) in renames {
            self.rename(from, to.as_str().to_owned());
        }
    }

    /// Whether each of these names would have a bucket of its own beside the entries, in a table of that order. Where that
    /// is not sure, the answer is no.
    fn leaves_alone<'n>(&self, names: impl Iterator<Item = &'n String>, order: Order) -> bool {
        let Some(buckets) = order.buckets() else {
            return true;
        };
        let bit = |hash: i32| 1_u64 << (bucket(hash, buckets) % 64);
        let mut taken = 0;
        for name in names {
            let bit = bit(java_hash_of_text(name));
            if taken & bit != 0 {
                return false;
            }
            taken |= bit;
        }
        let mut keys = self.iter_unordered();
        keys.all(|(key, _)| taken & bit(java_hash(key)) == 0)
    }

    /// Takes the order in which Java shows the map as that of insertion.
    fn sort_as_shown(&mut self) {
        if let Some(buckets) = self.entries.order().buckets() {
            self.entries
                .sort_by_key(|key| bucket(java_hash(&key.0), buckets));
        }
    }

    /// Keeps the entries whose key is a text that `keep` accepts. Keys that are no text are kept.
    pub fn retain_texts(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.entries.retain(|key| match &key.0 {
            Value::String(text) => keep(text),
            _ => true,
        });
    }

    /// Gives the entry of `from` the key `to`, in its place. Answers whether that was done: not if there is an entry of
    /// `to` already.
    pub fn rename(&mut self, from: &str, to: impl Into<Cow<'a, str>>) -> bool {
        match self.entries.index_of(from) {
            None => true,
            Some(index) => self.entries.rename(index, Key(Value::String(to.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn renaming_in_place_gives_the_order_of_a_map_that_is_filled_anew(
            names in proptest::collection::btree_set("[a-h]{1,2}", 0..14),
            capacity in 1_usize..40,
            size in 0_usize..40,
            renamed in 0_usize..4,
        ) {
            let mut map = Map::with_capacity(capacity);
            for name in names.iter().rev() {
                map.put(name.clone(), Value::Null);
            }
            let renames: BTreeMap<String, String> = names.iter().take(renamed)
                .map(|name| (name.clone(), format!("{name}{name}x")))
                .collect();
            let mut filled = Map::with_capacity(size);
            for (key, value) in map.clone().into_entries() {
                let name = key.to_string();
                filled.put(renames.get(&name).cloned().unwrap_or(name), value);
            }
            map.become_table_with_renamed(size, &renames);
            prop_assert_eq!(keys(&map), keys(&filled));
        }
    }
}
