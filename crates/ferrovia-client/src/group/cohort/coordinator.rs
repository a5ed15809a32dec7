//! Where the group's coordinator is, as far as this member knows.
//!
//! # Source
//! `AbstractCoordinator.ensureCoordinatorReady`; the limit of time is that of `WorkerCoordinator.poll`.

use std::time::Duration;

use super::{
    Action, Call, CohortMember, CohortSettings, LossCause, Moment, RequestFailure, State, Ticket,
};
use crate::net::backoff::Backoff;

#[derive(Debug)]
pub(super) struct Coordinator {
    place: Place,
    /// Since when there is none.
    lost_at: Duration,
    backoff: Backoff,
}

#[derive(Debug)]
enum Place {
    Unknown { retry_at: Duration },
    Asked(Ticket),
    Known,
}

impl Coordinator {
    pub(super) fn new(settings: &CohortSettings) -> Self {
        Self {
            place: Place::Unknown {
                retry_at: Duration::ZERO,
            },
            lost_at: Duration::ZERO,
            backoff: settings.backoff(),
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self.place, Place::Known)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.place {
            Place::Unknown { retry_at } => Some(retry_at),
            Place::Asked(_) | Place::Known => None,
        }
    }

    /// A request was answered, so the coordinator is what it says it is.
    pub(super) fn answered(&mut self) {
        self.backoff.reset();
    }
}

impl CohortMember {
    /// The connection to the coordinator failed while nothing was under way on it.
    pub fn on_disconnected(&mut self, at: Moment) -> Vec<Action> {
        self.lose_coordinator(at);
        self.finish(at)
    }

    pub(super) fn found(&mut self, ticket: Ticket, found: Result<(), RequestFailure>, at: Moment) {
        let expected = matches!(self.coordinator.place, Place::Asked(asked) if asked == ticket);
        if !expected || self.is_ending() {
            return;
        }
        match found {
            Ok(()) => self.coordinator.place = Place::Known,
            Err(RequestFailure::Refused(code)) if !code.is_retriable() => {
                self.refused("FindCoordinator", code, "");
            }
            Err(RequestFailure::Unusable(reason)) => self.unusable("FindCoordinator", reason),
            Err(RequestFailure::Refused(_) | RequestFailure::Lost) => self.seek_later(at),
        }
    }

    pub(super) fn look_for_coordinator(&mut self, at: Moment) {
        let Place::Unknown { retry_at } = self.coordinator.place else {
            return;
        };
        if self.is_away() || self.is_ending() || at.now < retry_at {
            return;
        }
        let ticket = self.ticket();
        self.coordinator.place = Place::Asked(ticket);
        self.actions
            .push(Action::Call(Call::FindCoordinator(ticket)));
    }

    /// Gives up the coordinator with everything under way on its connection.
    pub(super) fn lose_coordinator(&mut self, at: Moment) {
        if !self.coordinator.is_known() {
            return;
        }
        self.actions.push(Action::Call(Call::ForgetCoordinator));
        self.coordinator.lost_at = at.now;
        self.seek_later(at);
        self.pulse.forget_flight();
        if matches!(self.state, State::Joining(_) | State::Syncing(..)) {
            self.fall_back(LOST_IN_ROUND);
        }
    }

    pub(super) fn discovery_deadline(&self) -> Option<Duration> {
        let timeout = self.settings.discovery_timeout?;
        let waits = self.holds_assignment && !self.coordinator.is_known() && !self.is_ending();
        waits.then(|| self.coordinator.lost_at.saturating_add(timeout))
    }

    /// A worker that is out of touch must not go on with work that others may have been given.
    pub(super) fn check_discovery(&mut self, at: Moment) {
        let (Some(until), Some(timeout)) =
            (self.discovery_deadline(), self.settings.discovery_timeout)
        else {
            return;
        };
        if at.now < until {
            return;
        }
        let cause = LossCause::CoordinatorUnreachable(timeout);
        self.holds_assignment = false;
        // The member id and generation may still be good: heartbeats go on with them once there is a coordinator.
        self.fall_back(&cause.to_string());
        self.actions.push(Action::Lost(cause));
    }

    /// The round failed, or is to begin anew.
    pub(super) fn fall_back(&mut self, reason: &str) {
        self.state = State::Idle;
        self.want_rejoin(reason);
    }

    fn seek_later(&mut self, at: Moment) {
        let wait = self.coordinator.backoff.next(at.random);
        self.coordinator.place = Place::Unknown {
            retry_at: at.now.saturating_add(wait),
        };
    }
}

pub(super) const LOST_IN_ROUND: &str = "the coordinator was lost during the rebalance";
