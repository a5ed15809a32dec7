//! The clock on the owner: one that stops polling must not keep partitions from others.
//!
//! # Source
//! `AbstractCoordinator.handlePollTimeoutExpiry`, KIP-62.

use super::{Action, Member, Moment};

impl Member {
    /// The owner is alive and took records, or tried to.
    pub fn on_poll(&mut self, at: Moment) -> Vec<Action> {
        self.extend_poll(at);
        if self.is_stalled() {
            self.rejoin("the consumer polls again", at);
        }
        self.finish(at)
    }

    pub(super) fn extend_poll(&mut self, at: Moment) {
        let until = at.now.saturating_add(self.settings.max_poll_interval);
        self.poll_until = self.poll_until.max(until);
    }

    /// An owner that took too long is out, until it polls again.
    pub(super) fn check_poll(&mut self, at: Moment) {
        if !self.cohort.is_in_group() || at.now < self.poll_until {
            return;
        }
        let interval = self.settings.max_poll_interval.as_millis();
        let cause =
            format!("the time between two polls exceeded max.poll.interval.ms ({interval} ms)");
        self.lose(&cause);
        let reason = format!("consumer poll timeout has expired: {cause}");
        let actions = self.cohort.step_out(&reason, at);
        self.absorb(actions, at);
    }
}
