//! Gives out what nobody has: always one more to each of those that have the least.

use std::sync::Arc;

use super::super::super::java_order;
use super::super::Items;
use super::work::Worker;
use crate::status::TaskId;

/// Gives the connectors to the workers with the fewest of them.
pub(super) fn spread_connectors(workers: &mut [Worker], connectors: Vec<Arc<str>>) {
    spread(workers, connectors, |items| &mut items.connectors);
}

/// Gives the tasks to the workers with the fewest of them.
pub(super) fn spread_tasks(workers: &mut [Worker], tasks: Vec<TaskId>) {
    spread(workers, tasks, |items| &mut items.tasks);
}

/// Sorts the workers by how much they have, then by name, and deals out to those at the front that have as little as the
/// first has, again and again.
fn spread<T>(workers: &mut [Worker], items: Vec<T>, of: fn(&mut Items) -> &mut Vec<T>) {
    let mut loads: Vec<_> = workers
        .iter_mut()
        .map(|worker| (&worker.member, of(&mut worker.next)))
        .collect();
    loads.sort_by(|(left, has), (right, have)| {
        has.len()
            .cmp(&have.len())
            .then_with(|| java_order::compare(left, right))
    });
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let least = loads.first().map_or(0, |(_, has)| has.len());
        let front = loads.iter_mut().take_while(|(_, has)| has.len() <= least);
        let mut given = false;
        for ((_, has), item) in front.zip(&mut items) {
            has.push(item);
            given = true;
        }
        if !given {
            // There is no worker.
            return;
        }
    }
}
