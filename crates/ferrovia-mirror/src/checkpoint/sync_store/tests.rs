//! Holds the store against what Java's said, and against its own rules.

use proptest::prelude::*;

use super::*;

const GOLDEN: &str = include_str!("golden.txt");

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// A store that read the first `before` of these offsets, reached the end and then read the others.
fn store(keeps_newest_only: bool, before: usize, upstream: &[i64]) -> SyncStore {
    let mut store = SyncStore::new(keeps_newest_only);
    for (number, offset) in (0..).zip(upstream) {
        if usize::try_from(number) == Ok(before) {
            store.on_end();
        }
        store.on_sync(partition(), *offset, number);
    }
    store.on_end();
    store
}

/// The different places as place:source:target.
fn places(store: &SyncStore) -> String {
    let syncs = &store.partitions[&partition()];
    let different = syncs
        .iter()
        .enumerate()
        .filter(|(place, sync)| *place == 0 || syncs[place - 1].number != sync.number);
    different
        .map(|(place, sync)| format!("{place}:{}:{}", sync.upstream, sync.downstream))
        .collect::<Vec<_>>()
        .join(",")
}

#[test]
fn syncs_are_kept_and_offsets_translated_as_by_java() {
    let lines = GOLDEN.lines().filter(|line| !line.starts_with('#'));
    let mut checked = 0;
    for line in lines {
        let fields: Vec<&str> = line.split('|').collect();
        let upstream: Vec<i64> = fields[2].split(',').map(|n| n.parse().unwrap()).collect();
        let store = store(fields[0] == "1", fields[1].parse().unwrap(), &upstream);
        assert_eq!(places(&store), fields[3], "{line}");
        for asked in fields[4].split(',') {
            let (offset, expected) = asked.split_once(':').unwrap();
            let ours = match store.translate(&partition(), offset.parse().unwrap()) {
                Translation::To(offset) => offset,
                Translation::TooOld => -1,
                Translation::Unknown => panic!("there are syncs"),
            };
            assert_eq!(ours.to_string(), expected, "{offset} by {line}");
            checked += 1;
        }
    }
    assert_eq!(checked, 60 * 12);
}

#[test]
fn nothing_is_translated_before_the_end_was_reached() {
    let mut store = SyncStore::new(false);
    store.on_sync(partition(), 5, 50);
    assert_eq!(store.translate(&partition(), 5), Translation::Unknown);
    store.on_end();
    assert_eq!(store.translate(&partition(), 5), Translation::To(50));
    let other = TopicPartition::new("t", 1);
    assert_eq!(store.translate(&other, 5), Translation::Unknown);
}

#[test]
fn record_of_offset_sync_is_read_as_java_writes_it() {
    let key = [0, 6, 0x6f, 0x72, 0x64, 0x65, 0x72, 0x73, 0, 0, 0, 3];
    let mut value = 100_i64.to_be_bytes().to_vec();
    value.extend((-1_i64).to_be_bytes());
    let mut store = SyncStore::new(false);
    store.on_record(&key, &value).unwrap();
    store.on_end();
    let orders = TopicPartition::new("orders", 3);
    assert_eq!(store.translate(&orders, 100), Translation::To(-1));
    assert!(store.on_record(&key[..5], &value).is_err());
    assert!(store.on_record(&key, &value[..9]).is_err());
}

proptest! {
    #[test]
    fn rules_hold_whatever_comes(steps in prop::collection::vec(0_i64..100_000, 1..200)) {
        let mut upstream = 0;
        let offsets: Vec<i64> = steps
            .into_iter()
            .map(|step| {
                upstream += step;
                upstream
            })
            .collect();
        let store = store(false, 0, &offsets);
        let syncs = &store.partitions[&partition()];
        prop_assert_eq!(Some(&syncs[0].upstream), offsets.last());
        for (i, a) in syncs.iter().enumerate() {
            for (j, b) in syncs.iter().enumerate().skip(i + 1) {
                prop_assert!(is_b(*a, *b, i, j), "rule B at {} and {}", i, j);
            }
            if let Some(next) = syncs.get(i + 1) {
                prop_assert!(is_c(*a, *next, i), "rule C at {}", i);
            }
        }
    }

    #[test]
    fn translation_never_goes_beyond_what_was_copied(
        steps in prop::collection::vec(1_i64..1_000, 1..100),
        asked in prop::collection::vec(0_i64..100_000, 1..20),
    ) {
        // Every other record of the source is copied, so the right answer is known.
        let mut store = SyncStore::new(false);
        store.on_end();
        let mut upstream = 0;
        for step in steps {
            upstream += 2 * step;
            store.on_sync(partition(), upstream, upstream / 2);
            for offset in &asked {
                if let Translation::To(there) = store.translate(&partition(), *offset) {
                    prop_assert!(there <= (offset + 1) / 2);
                }
            }
        }
    }
}
