//! The entries of a map in the order of insertion: a list that is searched while it is short, and has an index when it
//! is not.
//!
//! Nearly all maps in messages have few keys. Comparing with each of them costs less than hashing one, and a list is
//! one allocation where an index is three; reading JSON and transforming it became a third faster by it.
//!
//! The order in which Java shows them stands in either form, where it takes no room of its own.

mod list;

use std::borrow::Cow;

use indexmap::IndexMap;

use self::list::{List, marks_apart};
use super::{Key, Order, Text};
use crate::data::Value;

#[derive(Clone, Debug)]
pub(super) enum Entries<'a> {
    Few(List<'a>),
    Many(Box<Indexed<'a>>),
}

#[derive(Clone, Debug)]
pub(super) struct Indexed<'a> {
    map: Index<'a>,
    order: Order,
}

type Index<'a> = IndexMap<Key<'a>, Value<'a>, foldhash::fast::RandomState>;

impl<'a> Entries<'a> {
    pub(super) fn new(order: Order) -> Self {
        Self::Few(List::new(order))
    }

    /// Entries that are put in order. Where the texts are constants, the compiler knows that they differ.
    #[inline]
    pub(super) fn of_texts<const N: usize>(texts: [(&'a str, Value<'a>); N]) -> Self {
        if N <= FEW_MAX
            && let Some(marks) = marks_apart(texts.each_ref().map(|(key, _)| *key))
        {
            return Self::Few(List::of_different(texts, marks));
        }
        let mut entries = Self::new(Order::DEFAULT);
        for (key, value) in texts {
            entries.insert(Key(Value::text(key)), value);
        }
        entries
    }

    /// The order in which Java shows them.
    pub(super) fn order(&self) -> Order {
        match self {
            Self::Few(list) => list.order,
            Self::Many(indexed) => indexed.order,
        }
    }

    pub(super) fn set_order(&mut self, order: Order) {
        match self {
            Self::Few(list) => list.order = order,
            Self::Many(indexed) => indexed.order = order,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(indexed) => indexed.map.len(),
        }
    }

    pub(super) fn reserve(&mut self, more: usize) {
        match self {
            Self::Few(list) => list.reserve(more.min(FEW_MAX)),
            Self::Many(indexed) => indexed.map.reserve(more),
        }
    }

    /// Puts a value; that of an equal key is replaced in its place and answered.
    pub(super) fn insert(&mut self, key: Key<'a>, value: Value<'a>) -> Option<Value<'a>> {
        match self {
            Self::Few(list) if list.len() < FEW_MAX => list.insert(key, value),
            _ => {
                let indexed = self.indexed();
                let replaced = indexed.map.insert(key, value);
                indexed.order.grow_for(indexed.map.len());
                replaced
            }
        }
    }

    /// Where the entry of a text stands: with null, and added if there was none.
    #[inline]
    pub(super) fn place(&mut self, name: Cow<'a, str>) -> usize {
        match self {
            Self::Few(list) if list.len() < FEW_MAX => list.place(name),
            _ => self.indexed().place(name),
        }
    }

    /// The index, made of the list where there is none yet.
    #[cold]
    fn indexed(&mut self) -> &mut Indexed<'a> {
        loop {
            match self {
                Self::Many(indexed) => return indexed,
                Self::Few(list) => {
                    let hasher = foldhash::fast::RandomState::default();
                    let mut map = Index::with_capacity_and_hasher(2 * FEW_MAX, hasher);
                    let order = list.order;
                    // A loop, because adapters would keep the entries on the stack once more.
                    for (key, value) in std::mem::replace(list, List::new(order)).into_entries() {
                        map.insert(key, value);
                    }
                    *self = Self::Many(Box::new(Indexed { map, order }));
                }
            }
        }
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        match self {
            Self::Few(list) => list.index_of(name),
            Self::Many(indexed) => indexed.map.get_index_of(&Text(name)),
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
            Self::Many(indexed) => &mut indexed.map[index],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Few(list) => list.get(name),
            Self::Many(indexed) => indexed.map.get(&Text(name)),
        }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        match self {
            Self::Few(list) => list.get_mut(name),
            Self::Many(indexed) => indexed.map.get_mut(&Text(name)),
        }
    }

    /// Takes an entry away. The others keep their order.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Few(list) => list.remove(name),
            Self::Many(indexed) => indexed.map.shift_remove(&Text(name)),
        }
    }

    /// Gives an entry another key, in its place, unless another entry has that key.
    pub(super) fn rename(&mut self, index: usize, key: Key<'a>) -> bool {
        match self {
            Self::Few(list) => list.rename(index, key),
            Self::Many(indexed) => indexed.map.replace_index(index, key).is_ok(),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key<'a>) -> bool) {
        match self {
            Self::Few(list) => list.retain(keep),
            Self::Many(indexed) => indexed.map.retain(|key, _| keep(key)),
        }
    }

    /// Sorts by a number of each key; entries of equal numbers keep their order.
    pub(super) fn sort_by_key(&mut self, mut number: impl FnMut(&Key<'a>) -> usize) {
        match self {
            Self::Few(list) => list.sort_by_key(number),
            Self::Many(indexed) => indexed.map.sort_by_cached_key(|key, _| number(key)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Value<'a>, &Value<'a>)> {
        let (few, many) = match self {
            Self::Few(list) => (Some(list.iter().map(|(key, value)| (&key.0, value))), None),
            Self::Many(indexed) => (
                None,
                Some(indexed.map.iter().map(|(key, value)| (&key.0, value))),
            ),
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
            Self::Many(indexed) => indexed
                .map
                .into_iter()
                .map(|(key, value)| (key.0, value))
                .collect(),
        }
    }
}

impl<'a> Indexed<'a> {
    fn place(&mut self, name: Cow<'a, str>) -> usize {
        let (index, _) = self.map.insert_full(Key(Value::String(name)), Value::Null);
        self.order.grow_for(self.map.len());
        index
    }
}

/// Up to so many entries are searched one by one.
const FEW_MAX: usize = 16;
