//! Where the group's coordinator is, as far as this member knows.

use std::time::Duration;

use super::{Action, Member, MemberSettings, Moment, RequestFailure, State, Ticket};
use crate::net::backoff::Backoff;

#[derive(Debug)]
pub(super) struct Coordinator {
    place: Place,
    backoff: Backoff,
}

#[derive(Debug)]
enum Place {
    Unknown { retry_at: Duration },
    Asked(Ticket),
    Known,
}

impl Coordinator {
    pub(super) fn new(settings: &MemberSettings) -> Self {
        Self {
            place: Place::Unknown {
                retry_at: Duration::ZERO,
            },
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

impl Member {
    /// The coordinator was found and is connected, or was not.
    pub fn on_coordinator(
        &mut self,
        ticket: Ticket,
        found: Result<(), RequestFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if !matches!(self.coordinator.place, Place::Asked(asked) if asked == ticket) {
            return Vec::new();
        }
        match found {
            Ok(()) => self.coordinator.place = Place::Known,
            Err(RequestFailure::Refused(code)) if !code.is_retriable() => {
                self.refused("FindCoordinator", code, "");
            }
            Err(RequestFailure::Unusable(reason)) => self.unusable("FindCoordinator", reason),
            Err(RequestFailure::Refused(_) | RequestFailure::Lost) => self.seek_later(at),
        }
        self.finish(at)
    }

    /// The connection to the coordinator failed while nothing was under way on it.
    pub fn on_disconnected(&mut self, at: Moment) -> Vec<Action> {
        self.lose_coordinator(at);
        self.finish(at)
    }

    pub(super) fn look_for_coordinator(&mut self, at: Moment) {
        let Place::Unknown { retry_at } = self.coordinator.place else {
            return;
        };
        let idle = matches!(
            self.state,
            State::Stalled | State::Leaving(..) | State::Done
        );
        if idle || at.now < retry_at {
            return;
        }
        let ticket = self.ticket();
        self.coordinator.place = Place::Asked(ticket);
        self.actions.push(Action::FindCoordinator(ticket));
    }

    /// Gives up the coordinator with everything under way on its connection.
    pub(super) fn lose_coordinator(&mut self, at: Moment) {
        if !self.coordinator.is_known() {
            return;
        }
        self.actions.push(Action::ForgetCoordinator);
        self.seek_later(at);
        self.pulse.forget_flight();
        if matches!(self.state, State::Joining(_) | State::Syncing(..)) {
            self.state = State::Idle;
            self.want_rejoin("the coordinator was lost during the rebalance");
        }
    }

    fn seek_later(&mut self, at: Moment) {
        let wait = self.coordinator.backoff.next(at.random);
        self.coordinator.place = Place::Unknown {
            retry_at: at.now.saturating_add(wait),
        };
    }
}
