//! When to ask for metadata. No IO, no clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::backoff::Backoff;

/// Decides when the next metadata request is due: at `metadata.max.age.ms`, or sooner on request.
///
/// Complaints come in crowds, so they keep `retry.backoff.ms` of distance from the last answer. Somebody who waits for an
/// answer need not, unless the last one was no good.
#[derive(Debug)]
pub(super) struct RefreshSchedule {
    max_age: Duration,
    retry_backoff: Duration,
    failures: Backoff,
    /// Whether the last answer held all that is wanted.
    is_whole: bool,
    /// Before this nothing is sent.
    not_before: Instant,
    due: Instant,
}

impl RefreshSchedule {
    /// The first request is due at once.
    pub(super) fn new(
        max_age: Duration,
        retry_backoff: Duration,
        retry_backoff_max: Duration,
        now: Instant,
    ) -> Self {
        let failures = Backoff::new(retry_backoff, retry_backoff_max);
        Self {
            max_age,
            retry_backoff,
            failures,
            is_whole: false,
            not_before: now,
            due: now,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.due.max(self.not_before)
    }

    /// Somebody found the metadata wanting.
    pub(super) fn on_request(&mut self, now: Instant) {
        self.due = self.due.min(now);
    }

    /// Somebody waits for the answer.
    pub(super) fn on_wait(&mut self, now: Instant) {
        self.on_request(now);
        if self.is_whole {
            self.not_before = now;
        }
    }

    /// An answer came. An incomplete one is asked for again soon, at a slowing rate.
    pub(super) fn on_answer(&mut self, incomplete: bool, now: Instant, random: f64) {
        self.is_whole = !incomplete;
        if incomplete {
            self.not_before = now + self.failures.next(random);
            self.due = self.not_before;
        } else {
            self.failures.reset();
            self.not_before = now + self.retry_backoff;
            self.due = now + self.max_age;
        }
    }

    /// No broker answered.
    pub(super) fn on_failure(&mut self, now: Instant, random: f64) {
        self.is_whole = false;
        self.not_before = now + self.failures.next(random);
        self.due = self.not_before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(300);

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn schedule(now: Instant) -> RefreshSchedule {
        RefreshSchedule::new(MAX_AGE, millis(100), millis(1_000), now)
    }

    #[test]
    fn first_request_is_due_at_once_and_the_next_at_max_age() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        assert_eq!(schedule.due(), now);
        schedule.on_answer(false, now, 0.5);
        assert_eq!(schedule.due(), now + MAX_AGE);
    }

    #[test]
    fn request_on_demand_keeps_its_distance_from_the_last_one() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.on_answer(false, now, 0.5);
        schedule.on_request(now + millis(10));
        assert_eq!(schedule.due(), now + millis(100));
        schedule.on_answer(false, now + millis(100), 0.5);
        schedule.on_request(now + millis(5_000));
        assert_eq!(schedule.due(), now + millis(5_000));
    }

    #[test]
    fn whoever_waits_is_served_at_once_unless_the_last_answer_was_no_good() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.on_answer(false, now, 0.5);
        schedule.on_wait(now + millis(10));
        assert_eq!(schedule.due(), now + millis(10));
        schedule.on_answer(true, now + millis(10), 0.5);
        schedule.on_wait(now + millis(20));
        assert_eq!(schedule.due(), now + millis(110));
        schedule.on_answer(false, now + millis(110), 0.5);
        schedule.on_failure(now + millis(120), 0.5);
        schedule.on_wait(now + millis(130));
        assert_eq!(schedule.due(), now + millis(220));
    }

    #[test]
    fn failures_and_incomplete_answers_slow_down_until_a_complete_one() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.on_failure(now, 0.5);
        assert_eq!(schedule.due(), now + millis(100));
        schedule.on_answer(true, now, 0.5);
        assert_eq!(schedule.due(), now + millis(200));
        schedule.on_request(now);
        assert_eq!(
            schedule.due(),
            now + millis(200),
            "a request does not undo the backoff"
        );
        schedule.on_answer(false, now, 0.5);
        schedule.on_failure(now, 0.5);
        assert_eq!(schedule.due(), now + millis(100));
    }
}
