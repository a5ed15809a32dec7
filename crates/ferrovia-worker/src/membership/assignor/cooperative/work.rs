//! Connectors and tasks as sets, and a worker with what it had, keeps and loses in a round.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::java_order::{self, JavaHash};
use super::super::{Items, Member};
use crate::status::TaskId;

/// A set of connectors and tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) connectors: BTreeSet<Arc<str>>,
    pub(super) tasks: BTreeSet<TaskId>,
}

impl Work {
    pub(super) fn configured(connectors: &BTreeMap<Arc<str>, u32>) -> Self {
        let tasks = connectors.iter().flat_map(|(connector, count)| {
            (0..*count).map(|task| TaskId::new(Arc::clone(connector), task))
        });
        Self {
            connectors: connectors.keys().cloned().collect(),
            tasks: tasks.collect(),
        }
    }

    /// What any worker has.
    pub(super) fn active(workers: &[Worker]) -> Self {
        let mut active = Self::default();
        for worker in workers {
            active.extend(&worker.next);
        }
        active
    }

    /// What more than one worker has.
    pub(super) fn duplicated(workers: &[Worker]) -> Self {
        let (mut once, mut twice) = (Self::default(), Self::default());
        for worker in workers {
            let connectors = worker.next.connectors.iter();
            let known = connectors.filter(|c| !once.connectors.insert(Arc::clone(c)));
            twice.connectors.extend(known.cloned());
            let tasks = worker.next.tasks.iter();
            let known = tasks.filter(|task| !once.tasks.insert((*task).clone()));
            twice.tasks.extend(known.cloned());
        }
        twice
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self {
            connectors: &self.connectors - &other.connectors,
            tasks: &self.tasks - &other.tasks,
        }
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.connectors.extend(other.connectors);
        self.tasks.extend(other.tasks);
        self
    }

    /// Whether something is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        !self.connectors.is_disjoint(&other.connectors) || !self.tasks.is_disjoint(&other.tasks)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.tasks.is_empty()
    }

    pub(super) fn extend(&mut self, items: &Items) {
        self.connectors.extend(items.connectors.iter().cloned());
        self.tasks.extend(items.tasks.iter().cloned());
    }

    /// As Java sorts them, which is by UTF-16 units.
    pub(super) fn in_java_order(&self) -> Items {
        let mut items = Items {
            connectors: self.connectors.iter().cloned().collect(),
            tasks: self.tasks.iter().cloned().collect(),
        };
        items
            .connectors
            .sort_by(|left, right| java_order::compare(left, right));
        items.tasks.sort_by(java_order::compare_tasks);
        items
    }
}

/// A worker during a round.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) member: Arc<str>,
    /// What it had when it joined.
    before: Work,
    /// What it has after the round.
    pub(super) next: Items,
    /// What it has to stop.
    pub(super) revoked: Items,
}

impl Worker {
    pub(super) fn new(member: &Member) -> Self {
        let mut before = Work::default();
        let mut next = Items::default();
        if let Some(assignment) = &member.state.assignment {
            let connectors = assignment.connectors.iter();
            let distinct = connectors.filter(|c| before.connectors.insert(Arc::clone(c)));
            next.connectors.extend(distinct.cloned());
            let tasks = assignment.tasks.iter();
            let distinct = tasks.filter(|task| before.tasks.insert((*task).clone()));
            next.tasks.extend(distinct.cloned());
        }
        Self {
            member: Arc::clone(&member.id),
            before,
            next,
            revoked: Items::default(),
        }
    }

    /// Takes away what is in one of the sets, which have nothing in common, in the order in which Java lists it.
    pub(super) fn revoke_all(&mut self, sets: [&Work; 2]) {
        let held = &self.next;
        let mut revoked = Items::default();
        for set in sets {
            let connectors = common(&held.connectors, &set.connectors, |connector| &**connector);
            revoked.connectors.extend(connectors);
            revoked
                .tasks
                .extend(common(&held.tasks, &set.tasks, |task| task));
        }
        self.revoke(revoked);
    }

    /// Takes away something that the worker has.
    pub(super) fn revoke(&mut self, items: Items) {
        let gone: BTreeSet<_> = items.connectors.iter().collect();
        self.next.connectors.retain(|c| !gone.contains(c));
        let gone: BTreeSet<_> = items.tasks.iter().collect();
        self.next.tasks.retain(|task| !gone.contains(task));
        self.revoked.connectors.extend(items.connectors);
        self.revoked.tasks.extend(items.tasks);
    }

    /// What it has after the round and had not before.
    pub(super) fn newly_assigned(&self) -> Items {
        let connectors = self.next.connectors.iter();
        let tasks = self.next.tasks.iter();
        Items {
            connectors: connectors
                .filter(|connector| !self.before.connectors.contains(*connector))
                .cloned()
                .collect(),
            tasks: tasks
                .filter(|task| !self.before.tasks.contains(*task))
                .cloned()
                .collect(),
        }
    }
}

/// What of `held` is in `set`. Java copies `held` into a hash set first, so the order is that of a table for all of it.
fn common<T: Ord + Clone, K: JavaHash + ?Sized>(
    held: &[T],
    set: &BTreeSet<T>,
    key: impl Fn(&T) -> &K,
) -> Vec<T> {
    let common = held.iter().filter(|item| set.contains(*item));
    let mut common: Vec<T> = common.cloned().collect();
    java_order::sort_as_copied(&mut common, held.len(), key);
    common
}
