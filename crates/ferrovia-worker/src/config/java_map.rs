//! The order in which Java prints a map of settings.
//!
//! Java keeps configurations in a `HashMap`, so the order of keys in its REST answers and messages is that of their hash
//! codes. Clients compare and store these texts, and the order costs nothing to reproduce.

use std::collections::BTreeMap;

const CAPACITY_MIN: usize = 16;

/// The entries in the order of a Java `HashMap` that they were put into one by one.
///
/// Keys whose buckets collide come in the order of their insertion in Java, which is not known here; they come by key.
///
/// # Source
/// `java.util.HashMap`: the bucket is the spread hash modulo a power of two that keeps the load at or under 3/4.
pub fn in_java_order(map: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    ordered(map, grown(map.len()))
}

/// Puts entries in the order of a Java `HashMap` that they were put into one by one, in the order in which they are.
pub fn sort_in_java_order<T>(entries: &mut [T], key: impl Fn(&T) -> &str) {
    let mask = mask(grown(entries.len()));
    entries.sort_by_key(|entry| spread(java_hash(key(entry))) & mask);
}

/// Java's `toString` of a copy of the map, whose table is as large as its constructor makes it for that many entries.
pub fn java_text(map: &BTreeMap<String, String>) -> String {
    let capacity = (map.len() * 4 / 3 + 1).next_power_of_two();
    let entries: Vec<String> = ordered(map, capacity)
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

fn ordered(map: &BTreeMap<String, String>, capacity: usize) -> Vec<(&String, &String)> {
    let mask = mask(capacity);
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| spread(java_hash(key)) & mask);
    entries
}

/// The size of a table that has grown to hold so many entries.
fn grown(entries: usize) -> usize {
    let mut capacity = CAPACITY_MIN;
    while entries * 4 > capacity * 3 {
        capacity *= 2;
    }
    capacity
}

fn mask(capacity: usize) -> u32 {
    u32::try_from(capacity - 1).unwrap_or(u32::MAX)
}

fn java_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

fn spread(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn keys_come_as_in_javas_answers() {
        let config = map(&[
            ("name", "local-file-sink"),
            ("connector.class", "FileStreamSink"),
            ("tasks.max", "2"),
            ("file", "out.txt"),
            ("topics", "t"),
            ("task.class", "T"),
        ]);
        let keys: Vec<&str> = in_java_order(&config)
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(
            keys,
            [
                "connector.class",
                "file",
                "task.class",
                "tasks.max",
                "topics",
                "name"
            ]
        );
        assert_eq!(
            java_text(&map(&[("topics", "t"), ("name", "s")])),
            "{name=s, topics=t}"
        );
        assert_eq!(
            java_text(&map(&[("topics", "a"), ("name", "n"), ("file", "/x")])),
            "{name=n, file=/x, topics=a}"
        );
    }
}
