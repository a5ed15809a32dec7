//! What a source task has done so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::task::activity::Activity;

/// The counters of one source task.
///
/// # Source
/// The attributes of `kafka.connect:type=source-task-metrics`
#[derive(Debug, Default)]
pub struct SourceTaskMetrics {
    polled: AtomicU64,
    written: AtomicU64,
    skipped: AtomicU64,
    polls: AtomicU64,
    poll_micros: AtomicU64,
    poll_micros_max: AtomicU64,
    commits_completed: AtomicU64,
    commits_failed: AtomicU64,
    activity: Arc<Activity>,
}

/// The counters of a source task at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceTaskCounts {
    /// `source-record-poll-total`: records that the task has handed out, before transformations.
    pub polled: u64,
    /// `source-record-write-total`: records that Kafka has.
    pub written: u64,
    /// Records that a transformation dropped, or that were skipped because their errors are tolerated.
    pub skipped: u64,
    /// Polls that returned records.
    pub polls: u64,
    /// How long they took together: with `polls` it gives `poll-batch-avg-time-ms`.
    pub poll_time: Duration,
    /// `poll-batch-max-time-ms`
    pub poll_time_max: Duration,
    /// Commits of offsets that went well, those of nothing new included.
    pub commits_completed: u64,
    /// Commits of offsets that failed.
    pub commits_failed: u64,
}

impl SourceTaskCounts {
    /// `source-record-active-count`: records that were handed out and are not yet in Kafka.
    pub fn active(&self) -> u64 {
        self.polled
            .saturating_sub(self.written.saturating_add(self.skipped))
    }
}

impl SourceTaskMetrics {
    pub(crate) fn on_polled(&self, records: usize, took: Duration) {
        self.polled.fetch_add(records as u64, Ordering::Relaxed);
        self.polls.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.poll_micros.fetch_add(micros, Ordering::Relaxed);
        self.poll_micros_max.fetch_max(micros, Ordering::Relaxed);
    }

    pub(crate) fn on_written(&self, records: u64) {
        self.written.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn on_skipped(&self, records: u64) {
        self.skipped.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn on_commit(&self, is_completed: bool) {
        let counter = if is_completed {
            &self.commits_completed
        } else {
            &self.commits_failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// The counters now.
    pub fn counts(&self) -> SourceTaskCounts {
        let micros = |counter: &AtomicU64| Duration::from_micros(counter.load(Ordering::Relaxed));
        // What came in is read last, so that there is never less of it than has gone out.
        let (written, skipped) = (
            self.written.load(Ordering::Relaxed),
            self.skipped.load(Ordering::Relaxed),
        );
        SourceTaskCounts {
            written,
            skipped,
            polled: self.polled.load(Ordering::Relaxed),
            polls: self.polls.load(Ordering::Relaxed),
            poll_time: micros(&self.poll_micros),
            poll_time_max: micros(&self.poll_micros_max),
            commits_completed: self.commits_completed.load(Ordering::Relaxed),
            commits_failed: self.commits_failed.load(Ordering::Relaxed),
        }
    }
}
