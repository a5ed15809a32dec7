//! SyncGroup: from a generation to an assignment.
//!
//! # Source
//! `AbstractCoordinator.onLeaderElected`, `SyncGroupResponseHandler`.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{GroupId, SyncGroupRequest, SyncGroupResponse};

use super::coordinator::LOST_IN_ROUND;
use super::join::text;
use super::{Action, Assignment, Call, CohortMember, Moment, RequestFailure, State, Ticket};
use crate::group::GroupError;
use crate::wire::ErrorCode;

impl CohortMember {
    /// The owner's answer to [`Action::AskAssignments`]: what each member gets, by member id. A member that is not
    /// named gets no bytes.
    pub fn on_assignments(
        &mut self,
        ticket: Ticket,
        assignments: Vec<(Arc<str>, Bytes)>,
        at: Moment,
    ) -> Vec<Action> {
        if matches!(self.state, State::Electing(asked) if asked == ticket) {
            self.send_sync(assignments, at);
        }
        self.finish(at)
    }

    pub(super) fn send_sync(&mut self, assignments: Vec<(Arc<str>, Bytes)>, at: Moment) {
        if !self.coordinator.is_known() {
            return self.fall_back(LOST_IN_ROUND);
        }
        let ticket = self.ticket();
        self.state = State::Syncing(ticket, at.now);
        let assignment = |(member_id, bytes): (Arc<str>, Bytes)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(&member_id))
                .with_assignment(bytes)
        };
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member_id))
            .with_group_instance_id(self.settings.instance_id.as_deref().map(text))
            .with_protocol_type(Some(text(&self.settings.protocol_type)))
            .with_protocol_name(Some(text(&self.chosen)))
            .with_assignments(assignments.into_iter().map(assignment).collect());
        self.actions.push(Action::Call(Call::Sync(ticket, request)));
    }

    pub(super) fn sync_answered(
        &mut self,
        ticket: Ticket,
        answer: Result<SyncGroupResponse, RequestFailure>,
        at: Moment,
    ) {
        let State::Syncing(asked, sent_at) = self.state else {
            return;
        };
        if asked != ticket {
            return;
        }
        match answer {
            Ok(response) => match ErrorCode(response.error_code) {
                ErrorCode::NONE => {
                    self.pulse.acknowledge(sent_at);
                    self.synced(response);
                }
                code => self.rebalance_refused(SYNC, code, at),
            },
            Err(RequestFailure::Unusable(reason)) => self.unusable(SYNC, reason),
            Err(RequestFailure::Lost | RequestFailure::Refused(_)) => self.lose_coordinator(at),
        }
    }

    fn synced(&mut self, response: SyncGroupResponse) {
        let kind = response.protocol_type.as_deref();
        let foreign_kind = kind.filter(|kind| **kind != *self.settings.protocol_type);
        let name = response.protocol_name.as_deref();
        let foreign_name = name.filter(|name| **name != *self.chosen);
        if let Some(answered) = foreign_kind.or(foreign_name) {
            let answered = answered.to_owned();
            let group = Arc::clone(&self.settings.group_id);
            return self.fail(GroupError::InconsistentProtocol { group, answered });
        }
        self.state = State::Stable;
        self.holds_assignment = true;
        self.actions.push(Action::Assigned(Assignment {
            generation: self.generation,
            member_id: Arc::clone(&self.member_id),
            leader_id: Arc::clone(&self.leader_id),
            protocol: Arc::clone(&self.chosen),
            bytes: response.assignment,
        }));
    }
}

const SYNC: &str = "SyncGroup";
