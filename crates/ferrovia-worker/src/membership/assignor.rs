//! Who runs which connectors and tasks: what the leader of a group works out in each round of joining.
//!
//! In reading order: a [`Round`] is what the leader knows, a [`Plan`] is what it decides. The [`EagerAssignor`] deals
//! everything out anew; the [`CooperativeAssignor`] remembers, and moves as little as it can.
//!
//! # Source
//! `ConnectAssignor`, `WorkerCoordinator.LeaderState`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::java_order;
use super::protocol::{Assignment, ConnectProtocol, WorkerState};
use crate::status::TaskId;

mod eager;
mod cooperative;

pub use cooperative::{CooperativeAssignor, Generations};
pub use eager::EagerAssignor;

/// A worker that has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id that the broker gave it.
    pub id: Arc<str>,
    /// What it said of itself.
    pub state: WorkerState,
}

/// What the leader knows when it has to decide.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// What the broker picked; plans of the [`EagerAssignor`] are always [`ConnectProtocol::Eager`].
    pub protocol: ConnectProtocol,
    /// The leader's member id.
    pub leader: &'a str,
    /// The config offset that [`readiness`](super::readiness::readiness) gave.
    pub config_offset: i64,
    /// Every connector with the number of its tasks; 0 while its tasks are not all known.
    pub configured: &'a BTreeMap<Arc<str>, u32>,
    /// The members as the broker lists them. One that comes twice counts as it comes last.
    pub members: &'a [Member],
}

/// What the leader decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What every member is told, by member id.
    pub assignments: BTreeMap<Arc<str>, Assignment>,
    /// Which member runs a connector after this round, by connector.
    pub connector_owners: BTreeMap<Arc<str>, Arc<str>>,
    /// Which member runs a task after this round.
    pub task_owners: BTreeMap<TaskId, Arc<str>>,
    /// After how many milliseconds the members join again to go on; 0 if all is settled.
    pub delay_ms: i32,
}

impl Plan {
    /// The plan of a leader that knows less of the configuration than a member: nobody gets anything, all read on up to
    /// the round's config offset and join again.
    ///
    /// # Errors
    /// The leader is no member.
    pub fn mismatch(round: &Round<'_>) -> Result<Self, UnknownLeader> {
        let mut plan = Self {
            assignments: Heading::of(round)?.fill(BTreeMap::new(), 0),
            ..Self::default()
        };
        for assignment in plan.assignments.values_mut() {
            assignment.error = Assignment::CONFIG_MISMATCH;
        }
        Ok(plan)
    }
}

/// The member that is to lead did not join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the leader {0} is none of the members")]
pub struct UnknownLeader(pub String);

/// What one member is told.
#[derive(Debug, Default)]
struct Share {
    assigned: Items,
    revoked: Items,
}

/// Connectors and tasks in an order.
#[derive(Clone, Debug, Default)]
struct Items {
    connectors: Vec<Arc<str>>,
    tasks: Vec<TaskId>,
}

impl Items {
    fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.tasks.is_empty()
    }
}

/// What is the same in every assignment of a round.
#[derive(Debug)]
struct Heading<'a> {
    members: Vec<&'a Member>,
    blank: Assignment,
}

impl<'a> Heading<'a> {
    fn of(round: &Round<'a>) -> Result<Self, UnknownLeader> {
        let members = in_java_order(round.members);
        let leader = members.iter().find(|member| &*member.id == round.leader);
        let leader = leader.ok_or_else(|| UnknownLeader(round.leader.to_owned()))?;
        let blank = Assignment {
            version: round.protocol.version(),
            error: Assignment::NO_ERROR,
            leader: Arc::clone(&leader.id),
            leader_url: Arc::clone(&leader.state.url),
            config_offset: round.config_offset,
            connectors: Vec::new(),
            tasks: Vec::new(),
            revoked_connectors: Vec::new(),
            revoked_tasks: Vec::new(),
            delay_ms: 0,
        };
        Ok(Self { members, blank })
    }

    fn fill(
        &self,
        mut shares: BTreeMap<Arc<str>, Share>,
        delay_ms: i32,
    ) -> BTreeMap<Arc<str>, Assignment> {
        let filled = self.members.iter().map(|member| {
            let share = shares.remove(&member.id).unwrap_or_default();
            let assignment = Assignment {
                connectors: share.assigned.connectors,
                tasks: share.assigned.tasks,
                revoked_connectors: share.revoked.connectors,
                revoked_tasks: share.revoked.tasks,
                delay_ms,
                ..self.blank.clone()
            };
            (Arc::clone(&member.id), assignment)
        });
        filled.collect()
    }
}

/// Every member once, in the order in which Java's leader walks them.
fn in_java_order(members: &[Member]) -> Vec<&Member> {
    let mut places = BTreeMap::new();
    let mut ordered: Vec<&Member> = Vec::new();
    for member in members {
        let place = *places.entry(&member.id).or_insert(ordered.len());
        match ordered.get_mut(place) {
            Some(known) => *known = member,
            None => ordered.push(member),
        }
    }
    java_order::sort_as_grown(&mut ordered, |member| &*member.id);
    ordered
}

#[cfg(test)]
mod tests;
