//! Heartbeats, and the clock that ends a membership on which the coordinator is silent.
//!
//! The session is measured from the moment an acknowledged heartbeat was sent, so it ends here before it ends
//! at the coordinator, and nobody else can be given work while this member still believes it has it.
//!
//! # Source
//! `Heartbeat.java`, `AbstractCoordinator.HeartbeatThread` and `HeartbeatResponseHandler`, KIP-62. There is no clock
//! on the owner here: whether it is alive is for the owner's own kind to know.

use std::time::Duration;

use kafka_protocol::messages::{GroupId, HeartbeatRequest, HeartbeatResponse};

use super::join::text;
use super::{
    Action, Call, CohortMember, CohortSettings, LossCause, Moment, NO_GENERATION, RequestFailure,
    State, Ticket,
};
use crate::net::backoff::Backoff;
use crate::wire::ErrorCode;

#[derive(Debug)]
pub(super) struct Pulse {
    next_at: Duration,
    in_flight: Option<(Ticket, Duration)>,
    acknowledged_at: Duration,
    backoff: Backoff,
}

impl Pulse {
    pub(super) fn new(settings: &CohortSettings) -> Self {
        Self {
            next_at: Duration::ZERO,
            in_flight: None,
            acknowledged_at: Duration::ZERO,
            backoff: settings.backoff(),
        }
    }

    /// The coordinator has let the member in: all clocks start.
    pub(super) fn start(&mut self, settings: &CohortSettings, now: Duration) {
        self.in_flight = None;
        self.next_at = now.saturating_add(settings.heartbeat_interval);
        self.acknowledged_at = now;
        self.backoff.reset();
    }

    pub(super) fn acknowledge(&mut self, sent_at: Duration) {
        self.acknowledged_at = self.acknowledged_at.max(sent_at);
        self.backoff.reset();
    }

    pub(super) fn forget_flight(&mut self) {
        self.in_flight = None;
    }
}

impl CohortMember {
    pub(super) fn heartbeat_answered(
        &mut self,
        ticket: Ticket,
        answer: Result<HeartbeatResponse, RequestFailure>,
        at: Moment,
    ) {
        let Some((_, sent_at)) = self.pulse.in_flight.filter(|(asked, _)| *asked == ticket) else {
            return;
        };
        self.pulse.in_flight = None;
        if self.is_ending() {
            // Whatever it says: who is on the way out has nothing to join again, and the leave may have come before it.
            return;
        }
        match answer.map(|response| ErrorCode(response.error_code)) {
            Ok(ErrorCode::NONE) => {
                self.coordinator.answered();
                self.pulse.acknowledge(sent_at);
                if self.is_settled() {
                    // A round counts as good when the group lived with it for a while and so did the owner.
                    self.join_backoff.reset();
                }
            }
            // The coordinator counts the heartbeat all the same: the member has until the rebalance times out.
            Ok(ErrorCode::REBALANCE_IN_PROGRESS) => {
                self.pulse.acknowledge(sent_at);
                if self.is_stable() {
                    self.want_rejoin("group is already rebalancing");
                }
            }
            Ok(code) => self.heartbeat_refused(code, at),
            Err(RequestFailure::Unusable(reason)) => self.unusable(HEARTBEAT, reason),
            Err(RequestFailure::Lost | RequestFailure::Refused(_)) => {
                self.beat_later(at);
                self.lose_coordinator(at);
            }
        }
    }

    /// The earliest of the clocks that run while the member is in the group.
    pub(super) fn pulse_deadline(&self) -> Option<Duration> {
        if !self.is_in_group() {
            return None;
        }
        let beat = (self.coordinator.is_known() && self.pulse.in_flight.is_none())
            .then_some(self.pulse.next_at);
        let end = self.session_end();
        Some(beat.map_or(end, |beat| beat.min(end)))
    }

    pub(super) fn check_pulse(&mut self, at: Moment) {
        if !self.is_in_group() {
            return;
        }
        if at.now >= self.session_end() {
            self.lose_coordinator(at);
            self.reset(LossCause::SessionOver(self.settings.session_timeout));
        } else if at.now >= self.pulse.next_at
            && self.coordinator.is_known()
            && self.pulse.in_flight.is_none()
        {
            self.send_heartbeat(at);
        }
    }

    /// Whether the coordinator expects heartbeats; while a join is under way it does not.
    pub(in crate::group) fn is_in_group(&self) -> bool {
        let silent = matches!(
            self.state,
            State::Joining(_)
                | State::Away
                | State::Withdrawing { .. }
                | State::Leaving(..)
                | State::Done
        );
        !silent && self.generation != NO_GENERATION
    }

    fn session_end(&self) -> Duration {
        self.pulse
            .acknowledged_at
            .saturating_add(self.settings.session_timeout)
    }

    fn send_heartbeat(&mut self, at: Moment) {
        let ticket = self.ticket();
        self.pulse.in_flight = Some((ticket, at.now));
        self.pulse.next_at = at.now.saturating_add(self.settings.heartbeat_interval);
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member_id))
            .with_group_instance_id(self.settings.instance_id.as_deref().map(text));
        self.actions
            .push(Action::Call(Call::Heartbeat(ticket, request)));
    }

    fn heartbeat_refused(&mut self, code: ErrorCode, at: Moment) {
        match code {
            ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
                self.beat_later(at);
                self.lose_coordinator(at);
            }
            ErrorCode::UNKNOWN_MEMBER_ID => {
                self.reset(LossCause::UnknownMember);
                self.rejoin_now(
                    "encountered UNKNOWN_MEMBER_ID from HEARTBEAT response".to_owned(),
                    at,
                );
            }
            // The member id is still valid, so the group need not wait for this member to time out.
            ErrorCode::ILLEGAL_GENERATION => {
                self.reset(LossCause::OtherGeneration);
                self.rejoin_now(
                    "encountered ILLEGAL_GENERATION from HEARTBEAT response".to_owned(),
                    at,
                );
            }
            code if code.is_retriable() => self.beat_later(at),
            code => self.refused(HEARTBEAT, code, ""),
        }
    }

    fn beat_later(&mut self, at: Moment) {
        self.pulse.next_at = at.now.saturating_add(self.pulse.backoff.next(at.random));
    }
}

const HEARTBEAT: &str = "Heartbeat";
