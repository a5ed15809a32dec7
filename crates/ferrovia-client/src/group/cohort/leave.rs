//! LeaveGroup: for good, or until the owner wants back in.
//!
//! A static member never says that it leaves: its assignment waits for it until its session ends (KIP-345).
//!
//! # Source
//! `AbstractCoordinator.maybeLeaveGroup`, KIP-800.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{GroupId, JoinGroupResponse, LeaveGroupRequest};

use super::join::{text, truncated};
use super::{Action, Call, CohortMember, Moment, NO_GENERATION, RequestFailure, State, Ticket};

impl CohortMember {
    /// The owner is done with its work, and wants out. Ends with [`Action::Stopped`], at the latest after
    /// `request.timeout.ms`. While its first join is under way, the member waits for the id that the answer brings: the
    /// coordinator counts on whomever it gave one.
    pub fn stop(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        if !self.is_ending() {
            let until = at.now.saturating_add(self.settings.request_timeout);
            match self.state {
                State::Joining(join) if self.is_nameless() => {
                    let reason = reason.to_owned();
                    self.state = State::Withdrawing {
                        join,
                        reason,
                        until,
                    };
                }
                _ => self.leave_until(until, reason),
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

    /// The first join of a member that is stopped was answered. Whatever else the answer says, the id in it is one that
    /// the group would wait for until the session ends.
    pub(super) fn withdraw(&mut self, answer: Result<JoinGroupResponse, RequestFailure>) {
        let State::Withdrawing { reason, until, .. } = &mut self.state else {
            return;
        };
        let (reason, until) = (std::mem::take(reason), *until);
        if let Ok(response) = answer {
            self.member_id = Arc::from(&*response.member_id);
        }
        self.leave_until(until, &reason);
    }

    pub(super) fn left(&mut self, ticket: Ticket) {
        if matches!(self.state, State::Leaving(asked, _) if asked == ticket) {
            self.stopped();
        }
    }

    pub(super) fn check_leave(&mut self, at: Moment) {
        match self.state {
            State::Withdrawing { until, .. } | State::Leaving(_, until) if at.now >= until => {
                self.stopped();
            }
            _ => {}
        }
    }

    /// Whether only the coordinator could say who this member is; a static one it finds again.
    fn is_nameless(&self) -> bool {
        self.member_id.is_empty() && self.settings.instance_id.is_none()
    }

    fn leave_until(&mut self, until: Duration, reason: &str) {
        match self.send_leave(reason) {
            Some(ticket) => self.state = State::Leaving(ticket, until),
            None => self.stopped(),
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
