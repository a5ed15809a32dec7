//! What may be stored never passes what is on its way.

use std::collections::btree_map::Entry;

use proptest::prelude::*;

use super::*;

fn partition(name: &str) -> Arc<Map<'static>> {
    let mut map = Map::new();
    map.put("file", Value::String(name.to_owned().into()));
    Arc::new(map)
}

fn offset(position: i64) -> Map<'static> {
    let mut map = Map::new();
    map.put("position", Value::Int64(position));
    map
}

fn position(offset: &Map<'_>) -> i64 {
    match offset.get("position") {
        Some(Value::Int64(position)) => *position,
        other => panic!("no position: {other:?}"),
    }
}

/// What a flush would store now, by file; the flush succeeds.
fn stored(submitted: &mut Submitted) -> Vec<(String, i64)> {
    let flush = submitted.begin();
    submitted.on_flushed(true);
    let shown = flush.offsets.into_iter().map(|(partition, offset)| {
        let name = partition.get("file").unwrap().to_string();
        (name, position(&offset.unwrap()))
    });
    shown.collect()
}

/// A span of one record.
fn one(submitted: &mut Submitted, file: &Arc<Map<'static>>) -> (SourceId, Span) {
    let id = submitted.source(file);
    (id, submitted.submit(id, 1).unwrap())
}

#[test]
fn offset_behind_an_unacknowledged_record_waits_for_it() {
    let mut submitted = Submitted::default();
    let file = partition("a");
    let (id, first) = one(&mut submitted, &file);
    let (_, second) = one(&mut submitted, &file);
    submitted.acknowledge(id, second, offset(2));
    assert!(stored(&mut submitted).is_empty());
    submitted.acknowledge(id, first, offset(1));
    assert_eq!(stored(&mut submitted), [("a".to_owned(), 2)]);
    assert!(stored(&mut submitted).is_empty(), "nothing is new");
}

#[test]
fn partition_that_waits_holds_no_other_back() {
    let mut submitted = Submitted::default();
    let (a, b) = (partition("a"), partition("b"));
    let _stuck = one(&mut submitted, &a);
    let (id, span) = one(&mut submitted, &b);
    submitted.acknowledge(id, span, offset(7));
    let flush = submitted.begin();
    assert_eq!((flush.records, flush.pending), (1, 1));
    submitted.on_flushed(true);
    assert_eq!(submitted.sources.len(), 1, "what is stored is forgotten");
    assert_eq!(submitted.by_hash.len(), 1);
}

#[test]
fn failed_flush_is_taken_again_unless_there_is_something_newer() {
    let mut submitted = Submitted::default();
    let (a, b) = (partition("a"), partition("b"));
    for (file, at) in [(&a, 1), (&b, 5)] {
        let (id, span) = one(&mut submitted, file);
        submitted.acknowledge(id, span, offset(at));
    }
    assert_eq!(submitted.begin().offsets.len(), 2);
    let (id, span) = one(&mut submitted, &a);
    submitted.acknowledge(id, span, offset(2));
    submitted.on_flushed(false);
    let both = [("a".to_owned(), 2), ("b".to_owned(), 5)];
    assert_eq!(stored(&mut submitted), both);
}

#[test]
fn equal_partitions_are_one_whoever_made_them() {
    let mut submitted = Submitted::default();
    let one = submitted.source(&partition("a"));
    assert_eq!(submitted.source(&partition("a")), one);
    assert_ne!(submitted.source(&partition("b")), one);
    let zero = |zero: f64| {
        let mut map = Map::new();
        map.put("z", Value::Float64(zero));
        Arc::new(map)
    };
    let one = submitted.source(&zero(0.0));
    assert_eq!(submitted.source(&zero(-0.0)), one);
}

#[test]
fn number_of_a_partition_that_was_forgotten_is_not_used_again() {
    let mut submitted = Submitted::default();
    let file = partition("a");
    let (id, span) = one(&mut submitted, &file);
    submitted.acknowledge(id, span, offset(1));
    assert_eq!(stored(&mut submitted).len(), 1);
    let (again, span) = one(&mut submitted, &file);
    assert_ne!(again, id);
    submitted.acknowledge(again, span, offset(2));
    assert_eq!(stored(&mut submitted), [("a".to_owned(), 2)]);
}

proptest! {
    /// Records of three partitions go into four batches at a time; batches close and are acknowledged in any order, and
    /// flushes succeed or fail. What is stored never passes a record that is on its way, and in the end all is stored.
    #[test]
    fn stored_offset_never_passes_a_record_on_its_way(
        steps in proptest::collection::vec((0_u8..6, 0_usize..3, 0_usize..4), 1..300)
    ) {
        let files = ["0", "1", "2"].map(partition);
        let mut submitted = Submitted::default();
        let mut next = [0_i64; 3];
        // Of each open batch, and of each closed one: by file the span and the positions of all its records.
        type Batch = BTreeMap<usize, (SourceId, Span, Vec<i64>)>;
        let mut open: [Batch; 4] = std::array::from_fn(|_| Batch::new());
        let mut closed: Vec<Batch> = Vec::new();
        let mut known = [-1_i64; 3];
        let acknowledge = |submitted: &mut Submitted, batch: Batch| {
            for (id, span, positions) in batch.into_values() {
                submitted.acknowledge(id, span, offset(*positions.last().unwrap()));
            }
        };
        for (step, file, batch) in steps {
            match step {
                0..=2 => {
                    let id = submitted.source(&files[file]);
                    let positions = match open[batch].entry(file) {
                        Entry::Occupied(known) => {
                            let (known, span, positions) = known.into_mut();
                            prop_assert_eq!(*known, id);
                            submitted.extend(id, span);
                            positions
                        }
                        Entry::Vacant(new) => {
                            let span = submitted.submit(id, 1).unwrap();
                            &mut new.insert((id, span, Vec::new())).2
                        }
                    };
                    positions.push(next[file]);
                    next[file] += 1;
                }
                3 => closed.push(std::mem::take(&mut open[batch])),
                4 if !closed.is_empty() => {
                    let batch = closed.remove((file * 4 + batch) % closed.len());
                    acknowledge(&mut submitted, batch);
                }
                4 => {}
                _ => {
                    let flush = submitted.begin();
                    let is_stored = batch > 0;
                    for (partition, offset) in flush.offsets {
                        let name = partition.get("file").unwrap().to_string();
                        let file: usize = name.parse().unwrap();
                        let at = position(&offset.unwrap());
                        let waiting = open.iter().chain(&closed).filter_map(|one| one.get(&file));
                        for (_, _, positions) in waiting {
                            prop_assert!(positions.iter().all(|waits| *waits > at));
                        }
                        prop_assert!(at > known[file], "an offset went back");
                        if is_stored {
                            known[file] = at;
                        }
                    }
                    submitted.on_flushed(is_stored);
                }
            }
        }
        for batch in open.into_iter().chain(closed) {
            acknowledge(&mut submitted, batch);
        }
        for (name, at) in stored(&mut submitted) {
            known[name.parse::<usize>().unwrap()] = at;
        }
        prop_assert_eq!(known, next.map(|next| next - 1));
        prop_assert!(submitted.sources.is_empty() && submitted.by_hash.is_empty());
        prop_assert_eq!(submitted.pending, 0);
    }
}
