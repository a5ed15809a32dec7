//! What to do with work that nobody has any more.
//!
//! A worker that left may only be restarting. Its work waits for it, for the longest delay that is set; if it comes back
//! in time, without work, it becomes a candidate for what was lost and gets it when the wait is over.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::java_order;
use super::super::Items;
use super::CooperativeAssignor;
use super::work::Worker;

impl CooperativeAssignor {
    /// Decides on the lost work, which is sorted: waits, gives it to candidates, or returns it to be spread like new work.
    pub(super) fn handle_lost(
        &mut self,
        lost: Items,
        workers: &mut [Worker],
        now_ms: i64,
    ) -> Items {
        if lost.is_empty() && !self.revoked_in_previous {
            self.reset_delay();
            return Items::default();
        }
        let nobody_left = || {
            let members: BTreeSet<_> = workers.iter().map(|worker| &worker.member).collect();
            self.previous_members.iter().all(|m| members.contains(m))
        };
        if self.scheduled_rebalance_ms.is_none() && nobody_left() {
            // Some worker did not get its last assignment.
            return lost;
        }
        if self.max_delay_ms == 0 {
            return lost;
        }
        match self.scheduled_rebalance_ms {
            Some(scheduled) if now_ms >= scheduled => {
                let left = self.give_to_candidates(lost, workers);
                self.reset_delay();
                self.revoked_in_previous = false;
                left
            }
            scheduled => {
                self.add_candidates(workers);
                let wait = scheduled.map(|scheduled| scheduled.saturating_sub(now_ms));
                self.delay_ms = wait.map_or(self.max_delay_ms, |wait| {
                    i32::try_from(wait)
                        .map_or(self.max_delay_ms, |wait| wait.min(self.max_delay_ms))
                });
                self.schedule(now_ms);
                Items::default()
            }
        }
    }

    /// Remembers when the delay ends.
    pub(super) fn schedule(&mut self, now_ms: i64) {
        self.scheduled_rebalance_ms = Some(now_ms.saturating_add(self.delay_ms.into()));
    }

    fn reset_delay(&mut self) {
        self.candidates.clear();
        self.scheduled_rebalance_ms = None;
        self.delay_ms = 0;
    }

    /// Deals the lost work out to the candidates that are still there; returns it if there are none.
    fn give_to_candidates(&self, lost: Items, workers: &mut [Worker]) -> Items {
        let place = |candidate: &Arc<str>| workers.iter().position(|w| w.member == *candidate);
        let places: Vec<usize> = self.candidates.iter().filter_map(place).collect();
        if places.is_empty() {
            return lost;
        }
        for (connector, place) in lost.connectors.into_iter().zip(places.iter().cycle()) {
            if let Some(worker) = workers.get_mut(*place) {
                worker.next.connectors.push(connector);
            }
        }
        for (task, place) in lost.tasks.into_iter().zip(places.iter().cycle()) {
            if let Some(worker) = workers.get_mut(*place) {
                worker.next.tasks.push(task);
            }
        }
        Items::default()
    }

    /// Whoever has nothing joins the candidates.
    fn add_candidates(&mut self, workers: &[Worker]) {
        let idle = workers.iter().filter(|worker| worker.next.is_empty());
        let mut idle: Vec<&Arc<str>> = idle.map(|worker| &worker.member).collect();
        java_order::sort_as_grown(&mut idle, |member| &***member);
        for member in idle {
            if !self.candidates.contains(member) {
                self.candidates.push(Arc::clone(member));
            }
        }
    }
}
