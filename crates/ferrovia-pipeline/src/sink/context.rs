//! What a sink task may know and ask of the worker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::ConnectError;
use crate::errors::{BadRecord, ErrorLog, Failure, Stage};
use crate::sink::SinkRecord;
use crate::topic::TopicPartition;

/// A sink task's view of the worker. What the task asks for takes effect when its current call has returned.
///
/// # Source
/// `org.apache.kafka.connect.sink.SinkTaskContext`
#[derive(Debug)]
pub struct SinkContext {
    settings: BTreeMap<String, String>,
    assignment: BTreeSet<TopicPartition>,
    requests: SinkRequests,
    errors: ErrorLog,
    /// Records reported in the `put` at hand.
    reported: u32,
    /// What went wrong, where they are so many that an outage is to blame.
    outage: Option<String>,
}

/// What a task has asked for since the worker last looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SinkRequests {
    /// Where to read on from.
    pub rewinds: BTreeMap<TopicPartition, i64>,
    /// How long to wait before the next delivery.
    pub timeout: Option<Duration>,
    /// Partitions to read no further for now.
    pub pause: BTreeSet<TopicPartition>,
    /// Paused partitions to read again.
    pub resume: BTreeSet<TopicPartition>,
    /// Whether to commit as soon as possible.
    pub commit: bool,
}

impl SinkContext {
    /// The context of a task with these settings and no partitions.
    pub fn new(settings: BTreeMap<String, String>) -> Self {
        Self {
            settings,
            assignment: BTreeSet::new(),
            requests: SinkRequests::default(),
            errors: ErrorLog::default(),
            reported: 0,
            outage: None,
        }
    }

    /// For the worker: what becomes of records that the task reports.
    pub fn report_to(&mut self, errors: ErrorLog) {
        self.errors = errors;
    }

    /// Reports a record that the target refuses, as the task may do for any record of the batch at hand: it goes to the
    /// dead letter topic and the log, as the connector is configured. Answers whether anybody was there to tell; if
    /// not, the task has to decide for itself, as it would without a dead letter topic.
    ///
    /// Where too many records of one `put` are reported (`errors.deadletterqueue.outage.threshold`), none of them is told
    /// of: the worker puts the same batch again later.
    ///
    /// # Errors
    /// Bad records are not tolerated; hand the error on.
    ///
    /// # Source
    /// `org.apache.kafka.connect.sink.ErrantRecordReporter` (KIP-610)
    pub fn report(
        &mut self,
        record: &SinkRecord<'_>,
        error: ConnectError,
    ) -> Result<bool, ConnectError> {
        if !self.errors.is_reported() {
            return Ok(false);
        }
        let failure = Failure {
            stage: Stage::TaskPut,
            class: SINK_TASK,
            error,
        };
        self.reported = self.reported.saturating_add(1);
        if self.errors.policy().is_outage(self.reported) {
            // What was kept for telling is of no use any more, and there may be much of it.
            self.errors.forget();
            self.outage.get_or_insert_with(|| failure.error.to_string());
            return Ok(true);
        }
        let (partition, timestamp_type) = (record.partition, record.timestamp_type);
        self.errors
            .tell(partition, timestamp_type, &record.record, &failure);
        self.errors.judge(failure)?;
        Ok(true)
    }

    /// For the worker: whether a record was reported where bad records are not tolerated, whatever the task made of the
    /// error.
    pub fn has_exceeded_tolerance(&self) -> bool {
        let counts = self.errors.counts();
        counts.skipped < counts.failures
    }

    /// For the worker: takes the records that the task has reported.
    pub fn take_bad_records(&mut self) -> Vec<BadRecord> {
        self.reported = 0;
        self.errors.take()
    }

    /// For the worker: what went wrong, if the task has reported so many records that they count as an outage.
    pub fn take_outage(&mut self) -> Option<String> {
        self.outage.take()
    }

    /// For the worker: the records of the last call come again, so that what was reported of them is forgotten.
    pub fn forget_bad_records(&mut self) {
        self.reported = 0;
        self.errors.forget();
    }

    /// The task's settings, with variables of configuration providers filled in.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The value of one setting.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// The partitions that the task reads now.
    pub fn assignment(&self) -> &BTreeSet<TopicPartition> {
        &self.assignment
    }

    /// Reads `partition` again from `offset`. For tasks that keep offsets in the target system: call it from
    /// [`open`](crate::sink::SinkTask::open).
    pub fn offset(&mut self, partition: TopicPartition, offset: i64) {
        self.requests.rewinds.insert(partition, offset);
    }

    /// Waits this long before the next delivery; holds once. Call it before returning a retriable error.
    pub fn timeout(&mut self, timeout: Duration) {
        self.requests.timeout = Some(timeout);
    }

    /// Stops reading these partitions until [`resume`](Self::resume).
    pub fn pause(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        for partition in partitions {
            self.requests.resume.remove(&partition);
            self.requests.pause.insert(partition);
        }
    }

    /// Reads paused partitions again.
    pub fn resume(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        for partition in partitions {
            self.requests.pause.remove(&partition);
            self.requests.resume.insert(partition);
        }
    }

    /// Asks for a commit before the next interval ends.
    pub fn request_commit(&mut self) {
        self.requests.commit = true;
    }

    /// For the worker: takes what the task has asked for.
    pub fn take_requests(&mut self) -> SinkRequests {
        std::mem::take(&mut self.requests)
    }

    /// For the worker: the task now reads `added` too.
    pub fn assign(&mut self, added: impl IntoIterator<Item = TopicPartition>) {
        self.assignment.extend(added);
    }

    /// For the worker: the task no longer reads `removed`.
    pub fn unassign<'a>(&mut self, removed: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in removed {
            self.assignment.remove(partition);
        }
    }
}

/// The class that a task's own reports name.
const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";
