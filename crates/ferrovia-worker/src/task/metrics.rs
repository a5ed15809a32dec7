//! What a task has done so far, counted once per batch and readable from any thread.

mod source;

pub use source::{SourceTaskCounts, SourceTaskMetrics};

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::task::activity::Activity;

/// The counters of one sink task.
///
/// # Source
/// The attributes of `kafka.connect:type=sink-task-metrics`
#[derive(Debug, Default)]
pub struct SinkTaskMetrics {
    records_read: AtomicU64,
    records_sent: AtomicU64,
    bytes_read: AtomicU64,
    bytes_sent: AtomicU64,
    commits_completed: AtomicU64,
    commits_failed: AtomicU64,
    lag: AtomicI64,
    activity: Arc<Activity>,
}

/// The counters of a sink task at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkTaskCounts {
    /// `sink-record-read-total`: records read from Kafka, before transformations.
    pub records_read: u64,
    /// `sink-record-send-total`: records that the task has taken.
    pub records_sent: u64,
    /// Bytes of record batches read, as the broker stores them.
    pub bytes_read: u64,
    /// Bytes of the keys and values of the records that the task has taken.
    pub bytes_sent: u64,
    /// `offset-commit-completion-total`: commits that the group has taken.
    pub commits_completed: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// Records that the partitions hold beyond the last one read.
    pub lag: i64,
}

impl std::ops::AddAssign for SinkTaskCounts {
    fn add_assign(&mut self, other: Self) {
        self.records_read += other.records_read;
        self.records_sent += other.records_sent;
        self.bytes_read += other.bytes_read;
        self.bytes_sent += other.bytes_sent;
        self.commits_completed += other.commits_completed;
        self.commits_failed += other.commits_failed;
        self.lag += other.lag;
    }
}

impl SinkTaskMetrics {
    pub(crate) fn on_read(&self, records: u64, bytes: u64, lag: i64) {
        self.records_read.fetch_add(records, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        self.on_lag(lag);
    }

    pub(crate) fn on_lag(&self, lag: i64) {
        self.lag.store(lag, Ordering::Relaxed);
    }

    pub(crate) fn on_sent(&self, records: u64, bytes: u64) {
        self.records_sent.fetch_add(records, Ordering::Relaxed);
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn on_commit(&self, completed: bool) {
        let counter = if completed {
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
    pub fn counts(&self) -> SinkTaskCounts {
        SinkTaskCounts {
            records_read: self.records_read.load(Ordering::Relaxed),
            records_sent: self.records_sent.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            commits_completed: self.commits_completed.load(Ordering::Relaxed),
            commits_failed: self.commits_failed.load(Ordering::Relaxed),
            lag: self.lag.load(Ordering::Relaxed),
        }
    }
}
