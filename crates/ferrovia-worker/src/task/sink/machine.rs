//! The life of a sink task as a machine: what it does next, given what has happened and the time.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.WorkerSinkTask`: the loop's timing is Java's. A commit is due every
//! `offset.flush.interval.ms`; a task is put an empty batch when that time passes without records; a batch that met a
//! retriable error is put again when the task's own timeout or the next commit comes, whichever is first.

use std::time::{Duration, Instant};

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask the task which offsets are safe, and commit them without waiting for the answer.
    Commit,
    /// Give up on the answer to the last commit.
    CommitTimedOut,
    /// Put the batch at hand: new records, the same ones again, or none.
    Put,
    /// Wait for records, an answer, a command, or the deadline.
    Wait,
    /// Commit for the last time, close and stop.
    Stop,
}

/// Whether the batch at hand has been taken by the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    /// Nothing to put.
    None,
    /// Records that were not yet put.
    Fresh,
    /// Records that the task asked to be given again, not before this time.
    Again { at: Instant },
}

/// A commit on its way.
#[derive(Clone, Copy, Debug)]
struct Committing {
    /// Its number: the answer to an older one, given up before, says nothing of this one.
    sequence: u64,
    /// When to give up on its answer.
    until: Instant,
}

/// The life of one running sink task.
#[derive(Debug)]
pub(super) struct SinkMachine {
    commit_interval: Duration,
    commit_timeout: Duration,
    next_commit: Instant,
    committing: Option<Committing>,
    commit_requested: bool,
    batch: Batch,
    /// Whether `put` was called since the last commit fell due.
    has_put: bool,
    paused: bool,
    stopping: bool,
}

impl SinkMachine {
    pub(super) fn new(commit_interval: Duration, commit_timeout: Duration, now: Instant) -> Self {
        Self {
            commit_interval,
            commit_timeout,
            next_commit: now + commit_interval,
            committing: None,
            commit_requested: false,
            batch: Batch::None,
            has_put: false,
            paused: false,
            stopping: false,
        }
    }

    /// What to do now. The driver reports the outcome and asks again.
    pub(super) fn next_step(&mut self, now: Instant) -> Step {
        if self.stopping {
            return Step::Stop;
        }
        if self.committing.is_some_and(|commit| commit.until <= now) {
            self.committing = None;
            return Step::CommitTimedOut;
        }
        if self.batch == Batch::Fresh {
            return Step::Put;
        }
        let is_due = self.next_commit <= now;
        if let Batch::Again { at } = self.batch
            && at <= now
        {
            return Step::Put;
        }
        if is_due && !self.has_put && !self.paused {
            self.has_put = true;
            return Step::Put;
        }
        if self.committing.is_none() && (is_due || self.commit_requested) {
            self.next_commit = now + self.commit_interval;
            self.commit_requested = false;
            self.has_put = false;
            return Step::Commit;
        }
        Step::Wait
    }

    /// Until when to wait at most.
    pub(super) fn deadline(&self) -> Instant {
        let again = match self.batch {
            Batch::Again { at } => Some(at),
            _ => None,
        };
        let next_commit = match self.committing {
            // A commit that falls due while another is under way waits for it.
            Some(commit) => commit.until,
            None => self.next_commit,
        };
        again.map_or(next_commit, |at| at.min(next_commit))
    }

    /// Whether the driver should take more records: not while a batch waits to be put again.
    pub(super) fn wants_records(&self) -> bool {
        self.batch == Batch::None && !self.paused && !self.stopping
    }

    /// Records have come.
    pub(super) fn on_records(&mut self) {
        self.batch = Batch::Fresh;
    }

    /// The task took the batch.
    pub(super) fn on_put(&mut self) {
        self.batch = Batch::None;
        self.has_put = true;
    }

    /// The task wants the batch again, after `timeout` if it named one.
    pub(super) fn on_put_again(&mut self, now: Instant, timeout: Option<Duration>) {
        let commit = if self.next_commit > now {
            self.next_commit
        } else {
            now + self.commit_interval
        };
        // A connector names the timeout: one that no clock can add is later than any commit.
        let at = timeout.and_then(|timeout| now.checked_add(timeout));
        let at = at.map_or(commit, |at| commit.min(at));
        self.batch = Batch::Again { at };
        self.has_put = true;
    }

    /// What was to be put again belongs to partitions that are gone.
    pub(super) fn on_batch_gone(&mut self) {
        self.batch = Batch::None;
    }

    /// The commit of this number is on its way.
    pub(super) fn on_commit_sent(&mut self, sequence: u64, now: Instant) {
        let until = now + self.commit_timeout;
        self.committing = Some(Committing { sequence, until });
    }

    /// The commit of this number has been answered.
    pub(super) fn on_commit_done(&mut self, sequence: u64) {
        self.committing
            .take_if(|commit| commit.sequence == sequence);
    }

    /// The task asks for a commit soon.
    pub(super) fn request_commit(&mut self) {
        self.commit_requested = true;
    }

    /// An operator pauses the task: what was put is committed, and nothing more is read.
    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.commit_requested = true;
    }

    /// An operator resumes the task.
    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    /// Ends after the call at hand.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }
}

#[cfg(test)]
mod tests;
