//! Maps, in the order in which Java shows them.
//!
//! A map without a schema is a `HashMap` in Java, and its order of iteration is visible: in JSON that a converter writes,
//! in text that a file sink writes. So a map here remembers how large Java's table is, and sorts by bucket when it is
//! shown. Within a bucket Java keeps the order of insertion, and so does this (but for the trees that Java makes of
//! buckets with eight keys or more).
//!
//! # Source
//! `java.util.HashMap`, `java.util.LinkedHashMap`

mod order;
mod entries;
mod copy;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use indexmap::Equivalent;
use num_bigint::Sign;

use self::entries::Entries;
use self::order::Order;
use crate::data::Value;

/// A map from values to values.
#[derive(Clone, Debug)]
pub struct Map<'a> {
    entries: Entries<'a>,
}

impl<'a> Map<'a> {
    /// An empty `HashMap`.
    pub fn new() -> Self {
        Self::in_order(Order::DEFAULT)
    }

    /// An empty `HashMap` made with an initial capacity, as `new HashMap<>(size)` is.
    pub fn with_capacity(size: usize) -> Self {
        Self::in_order(Order::of_table(size))
    }

    /// An empty `HashMap` as large as `new HashMap<>(other)` makes it for `size` entries.
    pub fn for_copy_of(size: usize) -> Self {
        // Java computes size / 0.75 + 1 as a float and rounds down; in whole numbers that is this.
        Self::with_capacity(size * 4 / 3 + 1)
    }

    /// An empty `LinkedHashMap`.
    pub fn linked() -> Self {
        Self::in_order(Order::Insertion)
    }

    fn in_order(order: Order) -> Self {
        Self {
            entries: Entries::new(order),
        }
    }

    /// Makes room for as many more entries, which changes nothing that can be seen.
    pub fn reserve(&mut self, entries: usize) {
        self.entries.reserve(entries);
    }

    /// Whether this is a `LinkedHashMap`.
    pub fn is_linked(&self) -> bool {
        self.entries.order() == Order::Insertion
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a value; that of an equal key is replaced in its place and answered.
    #[inline]
    pub fn insert(&mut self, key: Value<'a>, value: Value<'a>) -> Option<Value<'a>> {
        self.entries.insert(Key(key), value)
    }

    /// Puts a value under a text.
    #[inline]
    pub fn put(&mut self, key: impl Into<Cow<'a, str>>, value: Value<'a>) -> Option<Value<'a>> {
        self.insert(Value::String(key.into()), value)
    }

    /// The place of a new value under a text: null stands there, whatever stood there before.
    #[inline]
    pub fn slot(&mut self, key: impl Into<Cow<'a, str>>) -> &mut Value<'a> {
        let index = self.entries.place(key.into());
        self.entries.at_mut(index)
    }

    /// The value under a text.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.entries.get(key)
    }

    /// The value under a text, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value<'a>> {
        self.entries.get_mut(key)
    }

    /// Whether there is a value under a text, be it null.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Takes the value under a text away. The others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        self.entries.remove(key)
    }

    /// The entries in the order of insertion: the quick way where the order cannot be seen.
    pub fn iter_unordered(&self) -> impl Iterator<Item = (&Value<'a>, &Value<'a>)> {
        self.entries.iter()
    }

    /// The entries in the order in which Java shows them.
    pub fn iter(&self) -> impl Iterator<Item = (&Value<'a>, &Value<'a>)> {
        let mut entries: Vec<(&Value<'a>, &Value<'a>)> = self.iter_unordered().collect();
        if let Some(buckets) = self.entries.order().buckets() {
            // A stable sort keeps the order of insertion within a bucket.
            entries.sort_by_cached_key(|(key, _)| bucket(java_hash(key), buckets));
        }
        entries.into_iter()
    }

    /// The entries, in the order in which Java shows them.
    pub fn into_entries(self) -> Vec<(Value<'a>, Value<'a>)> {
        let order = self.entries.order();
        let mut entries = self.entries.into_list();
        if let Some(buckets) = order.buckets() {
            entries.sort_by_cached_key(|(key, _)| bucket(java_hash(key), buckets));
        }
        entries
    }

    /// The same map, borrowing from nothing.
    pub fn into_owned(self) -> Map<'static> {
        // A loop, because adapters would keep the entries on the stack once more at every depth.
        let mut entries = Entries::new(self.entries.order());
        entries.reserve(self.len());
        for (key, value) in self.entries.into_list() {
            entries.insert(Key(key.into_owned()), value.into_owned());
        }
        Map { entries }
    }
}

impl Default for Map<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A `HashMap` into which these were put in order.
impl<'a, const N: usize> From<[(&'a str, Value<'a>); N]> for Map<'a> {
    #[inline]
    fn from(entries: [(&'a str, Value<'a>); N]) -> Self {
        Self {
            entries: Entries::of_texts(entries),
        }
    }
}

/// As in Java, the order does not count.
impl PartialEq for Map<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same = |(key, value): (&Value<'_>, &Value<'_>)| {
            other
                .iter_unordered()
                .any(|(known, of)| is_same_key(known, key) && of == value)
        };
        let finds = |(key, value): (&Value<'_>, &Value<'_>)| match key {
            Value::String(text) => other.get(text) == Some(value),
            _ => same((key, value)),
        };
        self.len() == other.len() && self.iter_unordered().all(finds)
    }
}

/// A key, equal to another if Java calls them equal.
#[derive(Clone, Debug)]
struct Key<'a>(Value<'a>);

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        is_same_key(&self.0, &other.0)
    }
}

/// Whether Java calls two keys equal.
fn is_same_key(one: &Value<'_>, two: &Value<'_>) -> bool {
    match (one, two) {
        // A number that is not one is equal to itself, and zero is not equal to minus zero.
        (Value::Float32(one), Value::Float32(two)) => one.to_bits() == two.to_bits(),
        (Value::Float64(one), Value::Float64(two)) => one.to_bits() == two.to_bits(),
        (one, two) => one == two,
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Value::String(text) => Text(text).hash(state),
            other => java_hash(other).hash(state),
        }
    }
}

impl Key<'_> {
    fn is(&self, name: &str) -> bool {
        matches!(&self.0, Value::String(text) if text == name)
    }
}

/// A text that is looked up.
#[derive(Hash)]
struct Text<'k>(&'k str);

impl Equivalent<Key<'_>> for Text<'_> {
    fn equivalent(&self, key: &Key<'_>) -> bool {
        key.is(self.0)
    }
}

/// Where Java's table keeps a key.
fn bucket(hash: i32, buckets: usize) -> usize {
    let hash = hash.cast_unsigned();
    let spread = hash ^ (hash >> 16);
    usize::try_from(spread).unwrap_or_default() & (buckets - 1)
}

/// `hashCode()` of a value as Java has it.
pub fn java_hash(value: &Value<'_>) -> i32 {
    let of_long = |bits: u64| {
        let folded = bits ^ (bits >> 32);
        u32::try_from(folded & 0xffff_ffff)
            .unwrap_or_default()
            .cast_signed()
    };
    match value {
        Value::Null => 0,
        Value::Boolean(true) => 1231,
        Value::Boolean(false) => 1237,
        Value::Int8(value) => i32::from(*value),
        Value::Int16(value) => i32::from(*value),
        Value::Int32(value) => *value,
        Value::Int64(value) | Value::Date(value) => of_long(value.cast_unsigned()),
        Value::Float32(value) => value.to_bits().cast_signed(),
        Value::Float64(value) => of_long(value.to_bits()),
        Value::String(text) => java_hash_of_text(text),
        Value::Array(items) => items.iter().fold(1, |hash: i32, item| {
            hash.wrapping_mul(31).wrapping_add(java_hash(item))
        }),
        Value::Map(map) => map.iter_unordered().fold(0, |hash: i32, (key, value)| {
            hash.wrapping_add(java_hash(key) ^ java_hash(value))
        }),
        Value::Decimal(value) => {
            let digits = value.unscaled.magnitude().to_u32_digits();
            let size = digits.iter().rev().fold(0, |hash: i32, digit| {
                hash.wrapping_mul(31).wrapping_add(digit.cast_signed())
            });
            let is_negative = value.unscaled.sign() == Sign::Minus;
            let signed = if is_negative {
                size.wrapping_neg()
            } else {
                size
            };
            signed.wrapping_mul(31).wrapping_add(value.scale)
        }
        // Java hashes bytes by identity, another one in each run, and structs in ways that no configuration can make
        // visible.
        Value::Bytes(_) | Value::Struct(_) => 0,
    }
}

/// `hashCode()` of a `java.lang.String`.
fn java_hash_of_text(text: &str) -> i32 {
    let add = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    if !text.is_ascii() {
        return text.encode_utf16().fold(0, add);
    }
    // Four at a time, so that few multiplications wait for each other.
    let (chunks, tail) = text.as_bytes().as_chunks::<4>();
    let hash = chunks.iter().fold(0_i32, |hash, chunk| {
        let [one, two, three, four] = chunk.map(i32::from);
        let sum = one * (31 * 31 * 31) + two * (31 * 31) + three * 31 + four;
        hash.wrapping_mul(31 * 31 * 31 * 31).wrapping_add(sum)
    });
    tail.iter().copied().map(u16::from).fold(hash, add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decimal;

    fn keys(map: &Map<'_>) -> Vec<String> {
        let text = |key: &Value<'_>| match key {
            Value::String(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        map.iter().map(|(key, _)| text(key)).collect()
    }

    #[test]
    fn hashes_are_javas() {
        assert_eq!(java_hash(&Value::text("hello")), 99_162_322);
        assert_eq!(java_hash(&Value::text("grün")), 3_185_949);
        assert_eq!(java_hash(&Value::Int64(-5)), 4);
        assert_eq!(java_hash(&Value::Float64(1.5)), 1_073_217_536);
        let decimals = [
            (-34_987_906_126_776_985_i128, 2, 1_570_733_611),
            (-826_869_982_425_383_094_121, 2, 1_338_526_309),
            (0, -3, -3),
        ];
        for (unscaled, scale, hash) in decimals {
            let decimal = Value::decimal(Decimal::new(unscaled, scale));
            assert_eq!(java_hash(&decimal), hash, "{unscaled}");
        }
    }

    #[test]
    fn keys_come_in_the_order_of_javas_buckets() {
        let mut map = Map::new();
        for key in ["order_id", "customer", "placed_at", "status", "currency"] {
            map.put(key, Value::Null);
        }
        // As jshell prints the keys of such a HashMap.
        assert_eq!(
            keys(&map),
            ["currency", "placed_at", "order_id", "customer", "status"]
        );
    }

    #[test]
    fn table_grows_as_javas_does() {
        let mut map = Map::new();
        for number in 0..30 {
            map.put(format!("k{number}"), Value::Null);
        }
        // As jshell prints the keys of such a HashMap.
        let expected = "k11 k10 k13 k12 k15 k14 k17 k16 k19 k18 k0 k1 k2 k3 k20 k4 k5 k22 k6 k21 k7 k24 k8 k23 k9 k26 k25 \
                        k28 k27 k29";
        assert_eq!(keys(&map).join(" "), expected);
    }

    #[test]
    fn large_map_does_what_a_small_one_does() {
        for count in [3, 15, 16, 17, 18, 60] {
            let mut map = Map::linked();
            for number in 0..count {
                assert_eq!(map.put(format!("k{number}"), Value::Int64(number)), None);
            }
            assert_eq!(
                map.put("k1", Value::Int64(-1)),
                Some(Value::Int64(1)),
                "{count}"
            );
            assert_eq!(map.remove("k0"), Some(Value::Int64(0)));
            assert_eq!(map.remove("k0"), None);
            assert!(!map.rename("k1", "k2"), "a key that is taken");
            assert!(map.rename("k1", "new"));
            map.retain_texts(|key| key != "k2");
            let expected: Vec<String> = std::iter::once("new".to_owned())
                .chain((3..count).map(|number| format!("k{number}")))
                .collect();
            assert_eq!(keys(&map), expected);
            assert_eq!(map.get("new"), Some(&Value::Int64(-1)));
            assert_eq!(map.clone().into_owned(), map);
        }
    }

    #[test]
    fn map_of_an_array_is_what_comes_of_putting_one_by_one() {
        fn check<const N: usize>(names: [&str; N]) {
            let mut number = 0;
            let entries = names.map(|name| {
                number += 1;
                (name, Value::Int64(number))
            });
            let mut filled = Map::new();
            for (name, value) in entries.clone() {
                filled.put(name, value);
            }
            let made = Map::from(entries);
            assert_eq!(made, filled);
            assert_eq!(keys(&made), keys(&filled));
            for name in names {
                assert_eq!(made.get(name), filled.get(name), "{name}");
            }
            assert!(!made.contains_key("nobody") && !made.is_linked());
        }
        check([]);
        check(["task.generation", "current.iteration", "random.seed"]);
        // Two of one mark, and two that are equal.
        check(["abc", "axc", "b"]);
        check(["b", "order_id", "b"]);
        // More than the first table takes, and more than a list.
        let names: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
        check::<14>(std::array::from_fn(|index| names[index].as_str()));
        check::<20>(std::array::from_fn(|index| names[index].as_str()));
    }

    #[test]
    fn linked_map_keeps_the_order_of_insertion() {
        let mut map = Map::linked();
        for key in ["b", "a", "c"] {
            map.put(key, Value::Null);
        }
        map.put("b", Value::Int8(1));
        assert_eq!(keys(&map), ["b", "a", "c"]);
    }

    #[test]
    fn replaced_value_is_answered_and_order_does_not_count_for_equality() {
        let mut one = Map::linked();
        let mut two = Map::linked();
        one.put("a", Value::Int8(1));
        one.put("b", Value::Int8(2));
        two.put("b", Value::Int8(2));
        assert_eq!(two.put("a", Value::Int8(9)), None);
        assert_ne!(one, two);
        assert_eq!(two.put("a", Value::Int8(1)), Some(Value::Int8(9)));
        assert_eq!(one, two);
    }
}
