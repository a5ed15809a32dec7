//! Deals everything out anew at each round.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::java_order;
use super::super::protocol::ConnectProtocol;
use super::{Heading, Plan, Round, Share, UnknownLeader};
use crate::status::TaskId;

/// Deals all connectors out to the members in turn, then all tasks, going on where the connectors ended.
///
/// Connectors come first because many of them have a single task: dealt out together, every other member of two would
/// get only connectors and the rest all of the work.
///
/// # Source
/// `EagerAssignor`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EagerAssignor;

impl EagerAssignor {
    /// Who runs what from now on.
    ///
    /// # Errors
    /// The leader is no member.
    pub fn assign(&self, round: &Round<'_>) -> Result<Plan, UnknownLeader> {
        let heading = Heading::of(&Round {
            protocol: ConnectProtocol::Eager,
            ..*round
        })?;
        let mut members: Vec<&Arc<str>> = heading.members.iter().map(|member| &member.id).collect();
        members.sort_by(|left, right| java_order::compare(left, right));
        let mut turns = members.into_iter().cycle();
        let mut connectors: Vec<_> = round.configured.iter().collect();
        connectors.sort_by(|(left, _), (right, _)| java_order::compare(left, right));

        let mut plan = Plan::default();
        let mut shares: BTreeMap<Arc<str>, Share> = BTreeMap::new();
        // A zip asks its first side first, so the members stand second: no turn is lost when the connectors end.
        for ((connector, _), member) in connectors.iter().zip(turns.by_ref()) {
            let share = shares.entry(Arc::clone(member)).or_default();
            share.assigned.connectors.push(Arc::clone(connector));
            let owners = &mut plan.connector_owners;
            owners.insert(Arc::clone(connector), Arc::clone(member));
        }
        let tasks = connectors.into_iter().flat_map(|(connector, count)| {
            (0..*count).map(|task| TaskId::new(Arc::clone(connector), task))
        });
        for (task, member) in tasks.zip(turns) {
            let share = shares.entry(Arc::clone(member)).or_default();
            share.assigned.tasks.push(task.clone());
            plan.task_owners.insert(task, Arc::clone(member));
        }
        plan.assignments = heading.fill(shares, 0);
        Ok(plan)
    }
}
