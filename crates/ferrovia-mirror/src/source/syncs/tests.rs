//! When syncs are due, and that none is lost where the writer is busy.

use super::*;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn given(syncs: &mut Syncs) -> Vec<(i32, i64, i64)> {
    let mut given = Vec::new();
    syncs.give(|sync| {
        given.push((sync.partition.partition, sync.upstream, sync.downstream));
        Ok(())
    });
    given
}

#[test]
fn sync_is_due_at_first_and_whenever_the_last_is_too_old() {
    let mut syncs = Syncs::new(10);
    let mut due = Vec::new();
    for offset in 0..35 {
        syncs.on_copied(&partition(0), 100 + offset, offset);
        due.extend(given(&mut syncs));
    }
    assert_eq!(due, [(0, 100, 0), (0, 111, 11), (0, 122, 22), (0, 133, 33)]);
    syncs.promote();
    assert_eq!(given(&mut syncs), [(0, 134, 34)]);
    syncs.promote();
    assert_eq!(given(&mut syncs), []);
}

#[test]
fn sync_is_due_behind_a_gap_and_where_the_target_goes_back() {
    let mut syncs = Syncs::new(100);
    let mut copied = |upstream, downstream| {
        syncs.on_copied(&partition(0), upstream, downstream);
        given(&mut syncs)
    };
    assert_eq!(copied(5, 0), [(0, 5, 0)]);
    assert_eq!(copied(6, 1), []);
    assert_eq!(copied(8, 2), [(0, 8, 2)]);
    assert_eq!(copied(9, 3), []);
    assert_eq!(copied(10, 0), [(0, 10, 0)]);
}

/// The syncs of a batch whose records stand one after another.
fn of_batch(syncs: &mut Syncs, upstream: (i64, i64), downstream: i64) -> Vec<(i32, i64, i64)> {
    let mut given = Vec::new();
    let last = downstream + upstream.1 - upstream.0;
    syncs.on_batch(&partition(0), upstream, (downstream, last), |sync| {
        given.push((sync.partition.partition, sync.upstream, sync.downstream));
        Ok(())
    });
    given
}

#[test]
fn batch_has_the_syncs_that_its_records_would_have_alone() {
    for lag_max in [0, 1, 10, 99, 100, 1_000, i64::MAX] {
        let (mut alone, mut together) = (Syncs::new(lag_max), Syncs::new(lag_max));
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        let mut downstream = 0;
        for upstream in [(7, 7), (8, 257), (258, 258), (300, 549), (550, 1_000)] {
            found.extend(of_batch(&mut together, upstream, downstream));
            for offset in upstream.0..=upstream.1 {
                alone.on_copied(&partition(0), offset, downstream);
                wanted.extend(given(&mut alone));
                downstream += 1;
            }
        }
        alone.promote();
        together.promote();
        wanted.extend(given(&mut alone));
        found.extend(given(&mut together));
        assert_eq!(found, wanted, "{lag_max}");
    }
}

#[test]
fn only_the_ends_of_a_batch_with_gaps_are_known() {
    let mut syncs = Syncs::new(10);
    let mut due = Vec::new();
    syncs.on_batch(&partition(0), (5, 500), (50, 149), |sync| {
        due.push((sync.upstream, sync.downstream));
        Ok(())
    });
    assert_eq!(due, [(5, 50), (500, 149)]);
}

#[test]
fn syncs_wait_for_a_busy_writer_and_newer_ones_replace_them() {
    let mut syncs = Syncs::new(0);
    for number in 0..3 {
        syncs.on_copied(&partition(number), 1, 1);
    }
    let mut room = 1;
    let mut taken = Vec::new();
    syncs.give(|sync| {
        if room == 0 {
            return Err(sync);
        }
        room -= 1;
        taken.push(sync.partition.partition);
        Ok(())
    });
    assert_eq!(taken, [0]);
    syncs.on_copied(&partition(2), 2, 2);
    assert_eq!(given(&mut syncs), [(1, 1, 1), (2, 2, 2)]);
}
