//! A few entries in a list, with a mark for each key: most keys that are new are known to be so without a comparison.

use std::borrow::Cow;

use crate::data::Value;
use crate::data::map::{Key, Order};

/// A list of entries with different keys.
#[derive(Clone, Debug)]
pub(in crate::data::map) struct List<'a> {
    entries: Vec<(Key<'a>, Value<'a>)>,
    /// The marks of all keys, and perhaps of some that have gone. No more bits than leave a map as small as a value.
    marks: u32,
    /// The order in which Java shows them.
    pub(super) order: Order,
}

impl<'a> List<'a> {
    pub(super) fn new(order: Order) -> Self {
        Self {
            entries: Vec::new(),
            marks: 0,
            order,
        }
    }

    /// A list of different texts, with the marks of all of them.
    #[inline]
    pub(super) fn of_different<const N: usize>(
        texts: [(&'a str, Value<'a>); N],
        marks: u32,
    ) -> Self {
        let entry = |(key, value)| (Key(Value::text(key)), value);
        let mut order = Order::DEFAULT;
        order.grow_for(N);
        Self {
            entries: texts.into_iter().map(entry).collect(),
            marks,
            order,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.entries.reserve(more);
    }

    /// Puts a value; that of an equal key is replaced in its place and answered.
    #[inline]
    pub(super) fn insert(&mut self, key: Key<'a>, value: Value<'a>) -> Option<Value<'a>> {
        let mark = mark_of(&key);
        if self.marks & mark != 0
            && let Some((_, known)) = self.entries.iter_mut().find(|(known, _)| *known == key)
        {
            return Some(std::mem::replace(known, value));
        }
        self.marks |= mark;
        self.entries.push((key, value));
        self.order.grow_for(self.entries.len());
        None
    }

    /// Where the entry of a text stands: with null, and added if there was none.
    #[inline]
    pub(super) fn place(&mut self, name: Cow<'a, str>) -> usize {
        let mark = mark_of_text(&name);
        if self.marks & mark != 0
            && let Some(index) = self.position(&name)
        {
            if let Some((_, value)) = self.entries.get_mut(index) {
                *value = Value::Null;
            }
            return index;
        }
        self.marks |= mark;
        // A key that is handed over whole goes by the stack, where it is written piece by piece and read before the pieces
        // have arrived. So it is put into its place here, from registers.
        let entry = || (Key(Value::Null), Value::Null);
        self.entries.extend(std::iter::once_with(entry));
        if let Some((key, _)) = self.entries.last_mut() {
            key.0.fill(match name {
                Cow::Borrowed(name) => Value::String(Cow::Borrowed(name)),
                Cow::Owned(name) => Value::String(Cow::Owned(name)),
            });
        }
        self.order.grow_for(self.entries.len());
        self.entries.len() - 1
    }

    #[inline]
    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        if self.marks & mark_of_text(name) == 0 {
            return None;
        }
        self.position(name)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|(key, _)| key.is(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let entry = self.entries.get(self.index_of(name)?);
        entry.map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        let index = self.index_of(name)?;
        self.entries.get_mut(index).map(|(_, value)| value)
    }

    /// Takes an entry away. The others keep their order.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        let index = self.index_of(name)?;
        Some(self.entries.remove(index).1)
    }

    /// Gives an entry another key, in its place, unless another entry has that key.
    pub(super) fn rename(&mut self, index: usize, key: Key<'a>) -> bool {
        let mark = mark_of(&key);
        let is_taken = self.marks & mark != 0
            && (self.entries.iter().enumerate())
                .any(|(at, (known, _))| at != index && *known == key);
        match self.entries.get_mut(index) {
            Some((known, _)) if !is_taken => {
                *known = key;
                self.marks |= mark;
                true
            }
            _ => false,
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key<'a>) -> bool) {
        self.entries.retain(|(key, _)| keep(key));
    }

    /// Sorts by a number of each key; entries of equal numbers keep their order.
    pub(super) fn sort_by_key(&mut self, mut number: impl FnMut(&Key<'a>) -> usize) {
        self.entries.sort_by_cached_key(|(key, _)| number(key));
    }

    #[inline]
    pub(super) fn entries_mut(&mut self) -> &mut [(Key<'a>, Value<'a>)] {
        &mut self.entries
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Key<'a>, Value<'a>)> {
        self.entries.iter()
    }

    pub(super) fn into_entries(self) -> Vec<(Key<'a>, Value<'a>)> {
        self.entries
    }
}

/// The marks of all texts, unless two have the same.
#[inline]
pub(super) fn marks_apart<const N: usize>(texts: [&str; N]) -> Option<u32> {
    texts.into_iter().try_fold(0, |marks, text| {
        let mark = mark_of_text(text);
        (marks & mark == 0).then_some(marks | mark)
    })
}

/// One bit of 32, the same for equal keys.
#[inline]
fn mark_of(key: &Key<'_>) -> u32 {
    match &key.0 {
        Value::String(text) => mark_of_text(text),
        _ => 1,
    }
}

/// Length, beginning and end tell nearly all names of an object apart.
#[inline]
fn mark_of_text(text: &str) -> u32 {
    let ends = match text.as_bytes() {
        [] => 0,
        [only] => usize::from(*only),
        [first, .., last] => usize::from(*first) * 5 + usize::from(*last) * 17,
    };
    1 << ((text.len() + ends) % 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_mark_are_told_apart() {
        let (one, two) = ("abc", "axc");
        assert_eq!(mark_of_text(one), mark_of_text(two));
        let mut list = List::new(Order::DEFAULT);
        for name in [one, two, one] {
            list.place(name.into());
        }
        assert_eq!(marks_apart([one, two]), None);
        assert_eq!(
            marks_apart([one, "a"]),
            Some(list.marks | mark_of_text("a"))
        );
        assert_eq!((list.index_of(one), list.index_of(two)), (Some(0), Some(1)));
        assert!(!list.rename(0, Key(Value::text(two))));
        assert!(list.rename(0, Key(Value::text("new"))));
        assert_eq!((list.index_of(one), list.index_of("new")), (None, Some(0)));
    }
}
