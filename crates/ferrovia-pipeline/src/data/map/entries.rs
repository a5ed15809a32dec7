//! The entries of a map in the order of insertion: a list that is searched while it is short, and has an index when it
//! is not.
//!
//! Nearly all maps in messages have few keys. Comparing with each of them costs less than hashing one, and a list is
//! one allocation where an index is three; reading JSON and transforming it became a third faster by it.

mod list;

use std::borrow::Cow;

use indexmap::IndexMap;

use self::list::List;
use super::{Key, Text};
use crate::data::Value;

#[derive(Clone, Debug)]
pub(super) enum Entries<'a> {
    Few(List<'a>),
    Many(Box<Index<'a>>),
}

type Index<'a> = IndexMap<Key<'a>, Value<'a>, foldhash::fast::RandomState>;

impl<'a> Entries<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(map) => map.len(),
        }
    }

    pub(super) fn reserve(&mut self, more: usize) {
        match self {
            Self::Few(list) => list.reserve(more.min(FEW_MAX)),
            Self::Many(map) => map.reserve(more),
        }
    }

    /// Puts a value; that of an equal key is replaced in its place and answered.
    pub(super) fn insert(&mut self, key: Key<'a>, value: Value<'a>) -> Option<Value<'a>> {
        match self {
            Self::Few(list) if list.len() < FEW_MAX => list.insert(key, value),
            _ => self.indexed().insert(key, value),
        }
    }

    /// Where the entry of a text stands; it is added with null if there is none.
    #[inline]
    pub(super) fn index_or_add(&mut self, name: Cow<'a, str>) -> usize {
        match self {
            Self::Few(list) if list.len() < FEW_MAX => list.index_or_add(name),
            _ => {
                let entry = self.indexed().entry(Key(Value::String(name)));
                let index = entry.index();
                entry.or_insert(Value::Null);
                index
            }
        }
    }

    /// The index, made of the list where there is none yet.
    #[cold]
    fn indexed(&mut self) -> &mut Index<'a> {
        loop {
            match self {
                Self::Many(map) => return map,
                Self::Few(list) => {
                    let hasher = foldhash::fast::RandomState::default();
                    let mut map = Index::with_capacity_and_hasher(2 * FEW_MAX, hasher);
                    // A loop, because adapters would keep the entries on the stack once more.
                    for (key, value) in std::mem::take(list).into_entries() {
                        map.insert(key, value);
                    }
                    *self = Self::Many(Box::new(map));
                }
            }
        }
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        match self {
            Self::Few(list) => list.index_of(name),
            Self::Many(map) => map.get_index_of(&Text(name)),
        }
    }

    /// The value of the entry that stands there.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "whoever asks has just got the index from these entries"
    )]
    pub(super) fn at_mut(&mut self, index: usize) -> &mut Value<'a> {
        match self {
            Self::Few(list) => &mut list.entries_mut()[index].1,
            Self::Many(map) => &mut map[index],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Few(list) => list.get(name),
            Self::Many(map) => map.get(&Text(name)),
        }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        match self {
            Self::Few(list) => list.get_mut(name),
            Self::Many(map) => map.get_mut(&Text(name)),
        }
    }

    /// Takes an entry away. The others keep their order.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Few(list) => list.remove(name),
            Self::Many(map) => map.shift_remove(&Text(name)),
        }
    }

    /// Gives an entry another key, in its place, unless another entry has that key.
    pub(super) fn rename(&mut self, index: usize, key: Key<'a>) -> bool {
        match self {
            Self::Few(list) => list.rename(index, key),
            Self::Many(map) => map.replace_index(index, key).is_ok(),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key<'a>) -> bool) {
        match self {
            Self::Few(list) => list.retain(keep),
            Self::Many(map) => map.retain(|key, _| keep(key)),
        }
    }

    /// Sorts by a number of each key; entries of equal numbers keep their order.
    pub(super) fn sort_by_key(&mut self, mut number: impl FnMut(&Key<'a>) -> usize) {
        match self {
            Self::Few(list) => list.sort_by_key(number),
            Self::Many(map) => map.sort_by_cached_key(|key, _| number(key)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Value<'a>, &Value<'a>)> {
        let (few, many) = match self {
            Self::Few(list) => (Some(list.iter().map(|(key, value)| (&key.0, value))), None),
            Self::Many(map) => (None, Some(map.iter().map(|(key, value)| (&key.0, value)))),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }

    pub(super) fn into_list(self) -> Vec<(Value<'a>, Value<'a>)> {
        match self {
            Self::Few(list) => list
                .into_entries()
                .into_iter()
                .map(|(key, value)| (key.0, value))
                .collect(),
            Self::Many(map) => map.into_iter().map(|(key, value)| (key.0, value)).collect(),
        }
    }
}

impl Default for Entries<'_> {
    fn default() -> Self {
        Self::Few(List::default())
    }
}

/// Up to so many entries are searched one by one.
const FEW_MAX: usize = 16;
