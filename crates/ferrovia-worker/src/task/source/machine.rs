//! The life of a source task as a machine: what it does next, given what has happened and the time.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.AbstractWorkerSourceTask` for the loop, `SourceTaskOffsetCommitter` for the commits:
//! each begins `offset.flush.interval.ms` after the end of the one before, whatever the task does meanwhile.

use std::time::{Duration, Instant};

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Begin to store offsets, without waiting for the end.
    Commit,
    /// Give up on the offsets that are being stored.
    CommitTimedOut,
    /// Ask the task for records.
    Poll,
    /// Go on with the records at hand.
    GoOn,
    /// Wait for an acknowledgement, a command, or the deadline.
    Wait,
    /// Take no more records, not even the rest of those at hand.
    Stop,
}

/// What becomes of the records of the last poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Records {
    /// All are on their way.
    Gone,
    /// They wait for something to happen.
    Held,
    /// They wait until this time.
    HeldUntil(Instant),
}

/// The times that a task keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// `offset.flush.interval.ms`
    pub(super) commit_interval: Duration,
    /// `offset.flush.timeout.ms`
    pub(super) commit_timeout: Duration,
    /// How long a task that is to end may take for the records at hand.
    pub(super) stop_grace: Duration,
    /// Whether a commit ends a transaction: it comes between two polls, and whoever begins it waits for its end.
    pub(super) ends_transactions: bool,
}

/// The life of one running source task.
#[derive(Debug)]
pub(super) struct SourceMachine {
    timing: Timing,
    next_commit: Instant,
    /// Until when to wait for the offsets that are being stored.
    committing: Option<Instant>,
    records: Records,
    /// The task wants no poll before this time.
    quiet_until: Option<Instant>,
    paused: bool,
    /// Since somebody wants the task to stop: until when it may send the records at hand.
    stop_by: Option<Instant>,
}

impl SourceMachine {
    pub(super) fn new(timing: Timing, now: Instant) -> Self {
        Self {
            next_commit: now + timing.commit_interval,
            timing,
            committing: None,
            records: Records::Gone,
            quiet_until: None,
            paused: false,
            stop_by: None,
        }
    }

    /// What to do now. The driver reports the outcome and asks again.
    pub(super) fn next_step(&mut self, now: Instant) -> Step {
        match self.committing {
            Some(until) if until <= now => {
                self.on_commit_done(now);
                return Step::CommitTimedOut;
            }
            None if self.timing.ends_transactions => {
                let is_between_polls = self.records == Records::Gone && self.stop_by.is_none();
                if is_between_polls && self.next_commit <= now {
                    return Step::Commit;
                }
            }
            None if self.next_commit <= now && self.stop_by.is_none() => {
                self.committing = Some(now + self.timing.commit_timeout);
                return Step::Commit;
            }
            _ => {}
        }
        let has_to_stop = self.stop_by.is_some_and(|by| by <= now);
        match self.records {
            _ if has_to_stop => Step::Stop,
            Records::Held => Step::Wait,
            // What is to be tried again is left alone by a task that stops.
            Records::HeldUntil(_) if self.stop_by.is_some() => Step::Stop,
            Records::HeldUntil(at) if at <= now => Step::GoOn,
            Records::HeldUntil(_) => Step::Wait,
            Records::Gone if self.stop_by.is_some() => Step::Stop,
            Records::Gone if self.paused => Step::Wait,
            Records::Gone if self.quiet_until.is_some_and(|until| now < until) => Step::Wait,
            Records::Gone => Step::Poll,
        }
    }

    /// Until when to wait at most; `None` where only an event helps.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let commit = match (self.committing, self.stop_by) {
            (Some(until), _) => Some(until),
            (None, None) if self.may_commit() => Some(self.next_commit),
            (None, _) => None,
        };
        let records = match self.records {
            Records::HeldUntil(at) => Some(at),
            Records::Gone if !self.paused => self.quiet_until,
            _ => None,
        };
        [commit, records, self.stop_by].into_iter().flatten().min()
    }

    fn may_commit(&self) -> bool {
        !self.timing.ends_transactions || self.records == Records::Gone
    }

    /// Whether it is time to commit.
    pub(super) fn is_commit_due(&self, now: Instant) -> bool {
        self.next_commit <= now
    }

    /// It is time to commit.
    pub(super) fn commit_soon(&mut self, now: Instant) {
        self.next_commit = now;
    }

    /// The task was polled; it wants no other poll for so long, which is any time that a connector comes up with.
    pub(super) fn on_polled(&mut self, now: Instant, wait: Option<Duration>) {
        self.quiet_until = wait.map(|wait| now + wait.min(QUIET_MAX));
    }

    /// The task has something to say before the time that it asked for.
    pub(super) fn on_woken(&mut self) {
        self.quiet_until = None;
    }

    /// Records are at hand, and wait for room or for a topic.
    pub(super) fn hold(&mut self) {
        self.records = Records::Held;
    }

    /// The record at hand is tried again after this time.
    pub(super) fn hold_for(&mut self, now: Instant, delay: Duration) {
        self.records = Records::HeldUntil(now + delay);
    }

    /// All records are on their way.
    pub(super) fn on_sent(&mut self) {
        self.records = Records::Gone;
    }

    /// Offsets were stored, or not.
    pub(super) fn on_commit_done(&mut self, now: Instant) {
        self.committing = None;
        self.next_commit = now + self.timing.commit_interval;
    }

    /// An operator lets the task wait: it is polled no more.
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// An operator lets the task go on.
    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    /// Whether an operator lets the task wait.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// The task is to end: it is polled no more, and what is at hand is sent if that takes no longer than a commit may.
    pub(super) fn stop(&mut self, now: Instant) {
        let by = now + self.timing.stop_grace;
        self.stop_by.get_or_insert(by);
    }

    /// Whether the task is to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop_by.is_some()
    }

    /// The task ends by this time.
    pub(super) fn end_by(&mut self, by: Instant) {
        self.stop_by = Some(by);
    }
}

/// A task that wants to be left alone for longer is polled nevertheless: a year, which any clock can add.
const QUIET_MAX: Duration = Duration::from_secs(365 * 86_400);

#[cfg(test)]
mod tests;
