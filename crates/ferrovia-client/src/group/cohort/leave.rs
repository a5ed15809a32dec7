//! LeaveGroup: for good, or until the owner wants back in.
//!
//! A static member never says that it leaves: its assignment waits for it until its session ends (KIP-345).
//!
//! # Source
//! `AbstractCoordinator.maybeLeaveGroup`, KIP-800.

use std::sync::Arc;

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{GroupId, LeaveGroupRequest};

use super::join::{text, truncated};
use super::{Action, Call, CohortMember, Moment, NO_GENERATION, State, Ticket};

impl CohortMember {
    /// The owner is done with its work, and wants out. Ends with [`Action::Stopped`], at the latest after
    /// `request.timeout.ms`.
    pub fn stop(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        if !self.is_ending() {
            match self.send_leave(reason) {
                Some(ticket) => {
                    let until = at.now.saturating_add(self.settings.request_timeout);
                    self.state = State::Leaving(ticket, until);
                }
                None => self.stopped(),
            }
        }
        std::mem::take(&mut self.actions)
    }

    /// Leaves the group until [`Self::rejoin`], as a member that cannot do its part for now. What it had is no longer
    /// its own; as the owner knows, it is not told.
    pub fn step_out(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        if !self.is_ending() && !self.is_away() {
            self.send_leave(reason);
            self.member_id = Arc::from("");
            self.generation = NO_GENERATION;
            self.holds_assignment = false;
            self.pulse.forget_flight();
            self.rejoin = None;
            self.retry_at = at.now;
            self.state = State::Away;
        }
        self.finish(at)
    }

    pub(super) fn left(&mut self, ticket: Ticket) {
        if matches!(self.state, State::Leaving(asked, _) if asked == ticket) {
            self.stopped();
        }
    }

    pub(super) fn check_leave(&mut self, at: Moment) {
        if matches!(self.state, State::Leaving(_, until) if at.now >= until) {
            self.stopped();
        }
    }

    fn send_leave(&mut self, reason: &str) -> Option<Ticket> {
        let is_static = self.settings.instance_id.is_some();
        if is_static || self.member_id.is_empty() || !self.coordinator.is_known() {
            return None;
        }
        let ticket = self.ticket();
        let identity = MemberIdentity::default()
            .with_member_id(text(&self.member_id))
            .with_reason(Some(text(truncated(reason))));
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_members(vec![identity]);
        self.actions
            .push(Action::Call(Call::Leave(ticket, request)));
        Some(ticket)
    }

    fn stopped(&mut self) {
        self.state = State::Done;
        self.actions.push(Action::Stopped);
    }
}
