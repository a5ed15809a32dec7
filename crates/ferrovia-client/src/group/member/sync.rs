//! SyncGroup: from a generation to partitions.
//!
//! # Source
//! `AbstractCoordinator.SyncGroupResponseHandler`, `ConsumerCoordinator.onJoinComplete`.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{GroupId, SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::join::text;
use super::{Action, Member, Moment, RequestFailure, State, Ticket};
use crate::TopicPartition;
use crate::group::{Assignor, GroupError, MemberAssignment, PROTOCOL_TYPE, RebalanceProtocol};
use crate::wire::ErrorCode;

impl Member {
    /// The answer to [`Action::SendSync`].
    pub fn on_synced(
        &mut self,
        ticket: Ticket,
        answer: Result<SyncGroupResponse, RequestFailure>,
        at: Moment,
    ) -> Vec<Action> {
        let State::Syncing(asked, sent_at) = self.state else {
            return Vec::new();
        };
        if asked != ticket {
            return Vec::new();
        }
        match answer {
            Ok(response) => match ErrorCode(response.error_code) {
                ErrorCode::NONE => {
                    self.pulse.acknowledge(sent_at);
                    self.synced(&response, at);
                }
                code => self.rebalance_refused(SYNC, code, at),
            },
            Err(RequestFailure::Unusable(reason)) => self.unusable(SYNC, reason),
            Err(RequestFailure::Lost | RequestFailure::Refused(_)) => self.lose_coordinator(at),
        }
        self.finish(at)
    }

    pub(super) fn send_sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>, at: Moment) {
        if !self.coordinator.is_known() {
            self.state = State::Idle;
            self.want_rejoin("the coordinator was lost during the rebalance");
            return;
        }
        let ticket = self.ticket();
        self.rejoin = None;
        self.state = State::Syncing(ticket, at.now);
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member_id))
            .with_group_instance_id(self.settings.instance_id.as_deref().map(text))
            .with_protocol_type(Some(StrBytes::from_static_str(PROTOCOL_TYPE)))
            .with_protocol_name(
                self.chosen
                    .map(|chosen| StrBytes::from_static_str(chosen.name())),
            )
            .with_assignments(assignments);
        self.actions.push(Action::SendSync(ticket, request));
    }

    fn synced(&mut self, response: &SyncGroupResponse, at: Moment) {
        let group = Arc::clone(&self.settings.group_id);
        let foreign_kind = response
            .protocol_type
            .as_deref()
            .filter(|kind| *kind != PROTOCOL_TYPE);
        let chosen = self.chosen.map(Assignor::name);
        let foreign_name = response
            .protocol_name
            .as_deref()
            .filter(|name| Some(*name) != chosen);
        if let Some(answered) = foreign_kind.or(foreign_name) {
            let answered = answered.to_owned();
            return self.fail(GroupError::InconsistentProtocol { group, answered });
        }
        let assignment = match MemberAssignment::decode(&response.assignment) {
            Ok(assignment) => assignment,
            Err(source) => return self.fail(GroupError::MalformedAssignment { group, source }),
        };
        self.state = State::Stable;
        let assigned: BTreeSet<TopicPartition> = assignment.partitions.into_iter().collect();
        if !assigned
            .iter()
            .all(|assigned| self.interest.accepts(&assigned.topic))
        {
            // The subscription changed after this member joined, or the leader is wrong.
            let reason = "received assignment does not match the current subscription";
            return self.rejoin_now(reason.to_owned(), at);
        }
        self.join_backoff.reset();
        let taken_away: BTreeSet<TopicPartition> =
            self.owned.difference(&assigned).cloned().collect();
        if self.protocol == RebalanceProtocol::Eager || taken_away.is_empty() {
            return self.install(assigned);
        }
        let ticket = self.ticket();
        self.state = State::Installing(ticket, assigned);
        self.actions.push(Action::AskRevoke(ticket, taken_away));
    }

    /// Hands the assignment to the owner.
    pub(super) fn install(&mut self, assigned: BTreeSet<TopicPartition>) {
        for partition in &assigned {
            self.interest.adopt(&partition.topic);
        }
        if self.chosen == Some(Assignor::CooperativeSticky) {
            self.sticky_generation = self.generation;
        }
        let added = assigned.difference(&self.owned).cloned().collect();
        self.owned = assigned.clone();
        self.state = State::Stable;
        self.actions.push(Action::PartitionsAssigned {
            all: assigned,
            added,
            epoch: self.epoch(),
        });
    }
}

const SYNC: &str = "SyncGroup";
