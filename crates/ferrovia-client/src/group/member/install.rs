//! From the bytes that the leader wrote to partitions that the owner may read.
//!
//! # Source
//! `ConsumerCoordinator.onJoinComplete`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Action, Duty, Member, Moment};
use crate::TopicPartition;
use crate::group::cohort::Assignment;
use crate::group::{Assignor, GroupError, MemberAssignment, RebalanceProtocol};

impl Member {
    pub(super) fn assigned(&mut self, assignment: &Assignment, at: Moment) {
        self.chosen = self.assignor_named(&assignment.protocol);
        let partitions = match MemberAssignment::decode(&assignment.bytes) {
            Ok(assignment) => assignment.partitions,
            Err(source) => {
                let group = Arc::clone(&self.settings.group_id);
                return self.fail(GroupError::MalformedAssignment { group, source });
            }
        };
        let assigned: BTreeSet<TopicPartition> = partitions.into_iter().collect();
        if !assigned
            .iter()
            .all(|assigned| self.interest.accepts(&assigned.topic))
        {
            // The subscription changed after this member joined, or the leader is wrong.
            let reason = "received assignment does not match the current subscription";
            let actions = self.cohort.refuse_assignment(reason, at);
            return self.absorb(actions, at);
        }
        let taken_away: BTreeSet<TopicPartition> =
            self.owned.difference(&assigned).cloned().collect();
        if self.protocol == RebalanceProtocol::Eager || taken_away.is_empty() {
            return self.install(assigned);
        }
        let ticket = self.cohort.ticket();
        self.duty = Duty::Installing(ticket, assigned);
        self.actions.push(Action::AskRevoke(ticket, taken_away));
    }

    /// Hands the assignment to the owner.
    pub(super) fn install(&mut self, assigned: BTreeSet<TopicPartition>) {
        for partition in &assigned {
            self.interest.adopt(&partition.topic);
        }
        let epoch = self.epoch();
        if self.chosen == Some(Assignor::CooperativeSticky) {
            self.sticky_generation = epoch.generation;
        }
        let added = assigned.difference(&self.owned).cloned().collect();
        self.owned = assigned.clone();
        self.duty = Duty::None;
        self.actions.push(Action::PartitionsAssigned {
            all: assigned,
            added,
            epoch,
        });
    }
}
