//! The entries of a map in the order of insertion: a list that is searched while it is short, and has an index when it
//! is not.
//!
//! Nearly all maps in messages have few keys. Comparing with each of them costs less than hashing one, and a list is
//! one allocation where an index is three; reading JSON and transforming it became a third faster by it.

use indexmap::{Equivalent, IndexMap};

use super::Key;
use crate::data::Value;

#[derive(Clone, Debug)]
pub(super) enum Entries<'a> {
    Few(Vec<(Key<'a>, Value<'a>)>),
    Many(IndexMap<Key<'a>, Value<'a>, foldhash::fast::RandomState>),
}

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
        let list = match self {
            Self::Many(map) => return map.insert(key, value),
            Self::Few(list) => list,
        };
        if let Some((_, known)) = list.iter_mut().find(|(known, _)| *known == key) {
            return Some(std::mem::replace(known, value));
        }
        if list.len() < FEW_MAX {
            list.push((key, value));
            return None;
        }
        // A loop, because adapters would keep the entries on the stack once more.
        let mut map =
            IndexMap::with_capacity_and_hasher(2 * FEW_MAX, foldhash::fast::RandomState::default());
        for (key, value) in std::mem::take(list) {
            map.insert(key, value);
        }
        map.insert(key, value);
        *self = Self::Many(map);
        None
    }

    pub(super) fn index_of<Q>(&self, key: &Q) -> Option<usize>
    where
        Q: Equivalent<Key<'a>> + std::hash::Hash + ?Sized,
    {
        match self {
            Self::Few(list) => list.iter().position(|(known, _)| key.equivalent(known)),
            Self::Many(map) => map.get_index_of(key),
        }
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&Value<'a>>
    where
        Q: Equivalent<Key<'a>> + std::hash::Hash + ?Sized,
    {
        match self {
            Self::Few(list) => list
                .iter()
                .find(|(known, _)| key.equivalent(known))
                .map(|(_, value)| value),
            Self::Many(map) => map.get(key),
        }
    }

    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut Value<'a>>
    where
        Q: Equivalent<Key<'a>> + std::hash::Hash + ?Sized,
    {
        match self {
            Self::Few(list) => list
                .iter_mut()
                .find(|(known, _)| key.equivalent(known))
                .map(|(_, value)| value),
            Self::Many(map) => map.get_mut(key),
        }
    }

    /// Takes an entry away. The others keep their order.
    pub(super) fn remove<Q>(&mut self, key: &Q) -> Option<Value<'a>>
    where
        Q: Equivalent<Key<'a>> + std::hash::Hash + ?Sized,
    {
        let index = self.index_of(key)?;
        match self {
            Self::Few(list) => Some(list.remove(index).1),
            Self::Many(map) => map.shift_remove_index(index).map(|(_, value)| value),
        }
    }

    /// Gives an entry another key, in its place, unless another entry has that key.
    pub(super) fn rename(&mut self, index: usize, key: Key<'a>) -> bool {
        match self {
            Self::Few(list) => {
                let is_taken = list
                    .iter()
                    .enumerate()
                    .any(|(at, (known, _))| at != index && *known == key);
                match list.get_mut(index) {
                    Some((known, _)) if !is_taken => {
                        *known = key;
                        true
                    }
                    _ => false,
                }
            }
            Self::Many(map) => map.replace_index(index, key).is_ok(),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key<'a>) -> bool) {
        match self {
            Self::Few(list) => list.retain(|(key, _)| keep(key)),
            Self::Many(map) => map.retain(|key, _| keep(key)),
        }
    }

    /// Sorts by a number of each key; entries of equal numbers keep their order.
    pub(super) fn sort_by_key(&mut self, mut number: impl FnMut(&Key<'a>) -> usize) {
        match self {
            Self::Few(list) => list.sort_by_cached_key(|(key, _)| number(key)),
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
                .into_iter()
                .map(|(key, value)| (key.0, value))
                .collect(),
            Self::Many(map) => map.into_iter().map(|(key, value)| (key.0, value)).collect(),
        }
    }
}

impl Default for Entries<'_> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Up to so many entries are searched one by one.
const FEW_MAX: usize = 16;
