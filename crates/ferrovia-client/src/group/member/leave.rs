//! LeaveGroup: on the owner's wish, or because the owner does not poll any more.
//!
//! A static member never says that it leaves: its partitions wait for it until its session ends (KIP-345).
//!
//! # Source
//! `AbstractCoordinator.maybeLeaveGroup` and `handlePollTimeoutExpiry`, KIP-800.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{GroupId, LeaveGroupRequest, LeaveGroupResponse};

use super::join::{text, truncated};
use super::{Action, Member, Moment, RequestFailure, State, Ticket};
use crate::group::GroupError;

impl Member {
    /// The owner is done with its partitions and offsets, and wants out. Ends with [`Action::Stopped`], at the
    /// latest after `request.timeout.ms`.
    pub fn on_stop(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        if matches!(self.state, State::Leaving(..) | State::Done) {
            return Vec::new();
        }
        self.owned.clear();
        match self.send_leave(reason) {
            Some(ticket) => {
                let until = at.now.saturating_add(self.settings.request_timeout);
                self.state = State::Leaving(ticket, until);
            }
            None => self.stopped(),
        }
        std::mem::take(&mut self.actions)
    }

    /// Brokers refuse to tell about topics that this member subscribes to by name: it can do its work no longer.
    pub fn on_topics_denied(&mut self, topics: Vec<String>) -> Vec<Action> {
        if !matches!(self.state, State::Leaving(..) | State::Done) {
            self.fail(GroupError::TopicAuthorization { topics });
        }
        std::mem::take(&mut self.actions)
    }

    /// The answer to [`Action::SendLeave`]. Whatever it says, the member is out.
    pub fn on_left(
        &mut self,
        ticket: Ticket,
        _answer: Result<LeaveGroupResponse, RequestFailure>,
    ) -> Vec<Action> {
        if matches!(self.state, State::Leaving(asked, _) if asked == ticket) {
            self.stopped();
        }
        std::mem::take(&mut self.actions)
    }

    pub(super) fn check_leave(&mut self, at: Moment) {
        if matches!(self.state, State::Leaving(_, until) if at.now >= until) {
            self.stopped();
        }
    }

    /// The owner took too long: others get its partitions, until it polls again.
    pub(super) fn stall(&mut self) {
        let interval = self.settings.max_poll_interval.as_millis();
        let cause =
            format!("the time between two polls exceeded max.poll.interval.ms ({interval} ms)");
        self.send_leave(&format!("consumer poll timeout has expired: {cause}"));
        self.reset(false, &cause);
        self.rejoin = Some(cause);
        self.state = State::Stalled;
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
        self.actions.push(Action::SendLeave(ticket, request));
        Some(ticket)
    }

    fn stopped(&mut self) {
        self.state = State::Done;
        self.actions.push(Action::Stopped);
    }
}
