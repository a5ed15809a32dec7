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

#[test]
fn records_of_a_batch_are_no_gap() {
    let mut syncs = Syncs::new(100);
    syncs.on_copied(&partition(0), 5, 50);
    assert_eq!(given(&mut syncs), [(0, 5, 50)]);
    syncs.pass(&partition(0), 54, 99);
    syncs.on_copied(&partition(0), 55, 100);
    assert_eq!(given(&mut syncs), []);
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
