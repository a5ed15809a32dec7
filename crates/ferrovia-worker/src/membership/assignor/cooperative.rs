//! Moves as little as it can from round to round.
//!
//! In reading order: `work` compares what is configured, held and remembered; `lost` waits for workers that left;
//! `balance` takes from those that have too much; `spread` gives what nobody has.
//!
//! # Source
//! `IncrementalCooperativeAssignor`, KIP-415.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Heading, Plan, Round, Share, UnknownLeader};
use work::{Work, Worker};

mod work;
mod lost;
mod balance;
mod spread;

/// The generations of the group that a leader has seen; -1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generations {
    /// That of this round.
    pub current: i32,
    /// That of the last round whose answer the leader itself has got.
    pub last_completed: i32,
}

/// Gives out what nobody has, takes from those that have too much, and waits for workers that left before it gives their
/// work away. A worker keeps one for its whole life, and asks it whenever it leads.
///
/// A round that takes work away assigns nothing of it: whoever loses something joins again when it has stopped, and the
/// next round gives it to another.
#[derive(Clone, Debug)]
pub struct CooperativeAssignor {
    max_delay_ms: i32,
    /// What all members together had after the last round, what was lost included.
    previous_assignment: Work,
    /// What was taken away in the last round.
    previous_revocation: Work,
    previous_generation: i32,
    previous_members: BTreeSet<Arc<str>>,
    /// Workers without any work that were there while others were missed; first come, first served.
    candidates: Vec<Arc<str>>,
    /// When the wait for what is lost, or for the next balancing, ends.
    scheduled_rebalance_ms: Option<i64>,
    delay_ms: i32,
    revoked_in_previous: bool,
    successive_revocations: u32,
}

impl CooperativeAssignor {
    /// Waits up to `max_delay` (`scheduled.rebalance.max.delay.ms`) for workers that left.
    #[must_use]
    pub fn new(max_delay: Duration) -> Self {
        Self {
            max_delay_ms: i32::try_from(max_delay.as_millis()).unwrap_or(i32::MAX),
            previous_assignment: Work::default(),
            previous_revocation: Work::default(),
            previous_generation: -1,
            previous_members: BTreeSet::new(),
            candidates: Vec::new(),
            scheduled_rebalance_ms: None,
            delay_ms: 0,
            revoked_in_previous: false,
            successive_revocations: 0,
        }
    }

    /// Who is told what in this round.
    ///
    /// `now_ms` is the time in milliseconds since any fixed moment in the past.
    ///
    /// # Errors
    /// The leader is no member; then nothing is remembered of the round.
    pub fn assign(
        &mut self,
        round: &Round<'_>,
        generations: Generations,
        now_ms: i64,
    ) -> Result<Plan, UnknownLeader> {
        let heading = Heading::of(round)?;
        let mut workers: Vec<Worker> = heading.members.iter().map(|m| Worker::new(m)).collect();
        self.share(round, generations, now_ms, &mut workers);

        let mut plan = Plan {
            delay_ms: self.delay_ms,
            ..Plan::default()
        };
        let mut shares = BTreeMap::new();
        for worker in workers {
            for connector in &worker.next.connectors {
                let owners = &mut plan.connector_owners;
                owners.insert(Arc::clone(connector), Arc::clone(&worker.member));
            }
            for task in &worker.next.tasks {
                plan.task_owners
                    .insert(task.clone(), Arc::clone(&worker.member));
            }
            let share = Share {
                assigned: worker.newly_assigned(),
                revoked: worker.revoked,
            };
            shares.insert(worker.member, share);
        }
        plan.assignments = heading.fill(shares, self.delay_ms);
        Ok(plan)
    }

    /// Workers that are first to get what was lost when the wait for it ends, in turn.
    pub fn candidates(&self) -> impl Iterator<Item = &Arc<str>> {
        self.candidates.iter()
    }

    /// When the wait for lost work or for more balance ends, on the clock of [`CooperativeAssignor::assign`].
    #[must_use]
    pub fn scheduled_rebalance_ms(&self) -> Option<i64> {
        self.scheduled_rebalance_ms
    }

    fn share(
        &mut self,
        round: &Round<'_>,
        generations: Generations,
        now_ms: i64,
        workers: &mut [Worker],
    ) {
        if self.previous_generation != generations.last_completed {
            // The members may never have got the last assignment, or another leader made one since.
            self.previous_assignment = Work::default();
        }
        let configured = Work::configured(round.configured);
        let active = Work::active(workers);
        if self.previous_revocation.meets(&active) {
            // A worker did not stop what it was told to stop.
            self.previous_assignment = active.clone();
        }
        self.previous_revocation = Work::default();

        let deleted = self.previous_assignment.without(&configured);
        let duplicated = Work::duplicated(workers).without(&deleted);
        let lost = self.previous_assignment.without(&active).without(&deleted);
        let created = configured
            .without(&self.previous_assignment)
            .without(&active);
        for worker in workers.iter_mut() {
            worker.revoke_all([&deleted, &duplicated]);
        }

        let mut assigned = created.in_java_order();
        let reassigned = self.handle_lost(lost.in_java_order(), workers, now_ms);
        self.balance(&configured, workers, now_ms);
        assigned.connectors.extend(reassigned.connectors);
        assigned.tasks.extend(reassigned.tasks);
        spread::spread_connectors(workers, assigned.connectors);
        spread::spread_tasks(workers, assigned.tasks);

        self.remember(workers, lost);
        self.previous_generation = generations.current;
    }

    fn remember(&mut self, workers: &[Worker], lost: Work) {
        let mut assignment = Work::default();
        let mut revocation = Work::default();
        for worker in workers {
            assignment.extend(&worker.next);
            revocation.extend(&worker.revoked);
        }
        self.previous_assignment = assignment.without(&revocation).and(lost);
        self.previous_revocation = revocation;
        self.previous_members = workers.iter().map(|w| Arc::clone(&w.member)).collect();
    }
}
