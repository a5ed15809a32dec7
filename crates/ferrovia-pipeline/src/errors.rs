//! What becomes of records that cannot be converted, transformed or written: skip or fail, and tell.
//!
//! Nothing is sent from here. Bad records are collected with everything that a dead letter topic or a log line needs,
//! and the worker takes them when the call that found them has returned.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.errors`: `RetryWithToleranceOperator`, `ProcessingContext`, `Stage`

use std::num::NonZeroU32;

use bytes::Bytes;

use crate::batch::{RecordRef, TimestampType};
use crate::error::ConnectError;
use crate::topic::TopicPartition;

/// Where a record was when something went wrong. The names are Java's: they go out in headers and log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A sink task took it.
    TaskPut,
    /// A source task handed it out.
    TaskPoll,
    /// A transformation had it.
    Transformation,
    /// Its key was converted.
    KeyConverter,
    /// Its value was converted.
    ValueConverter,
    /// One of its headers was converted.
    HeaderConverter,
    /// It was sent to Kafka.
    KafkaProduce,
}

impl Stage {
    /// The name of Java's enum constant.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskPut => "TASK_PUT",
            Self::TaskPoll => "TASK_POLL",
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        }
    }
}

/// An error with the place where it happened.
#[derive(Debug)]
pub struct Failure {
    /// Where the record was.
    pub stage: Stage,
    /// The Java class that was at work.
    pub class: &'static str,
    /// What it said.
    pub error: ConnectError,
}

/// A record that something went wrong with, as it was read from Kafka, and what went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Where it was read.
    pub partition: TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch, or -1.
    pub timestamp: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
    /// Where it was.
    pub stage: Stage,
    /// The Java class that was at work.
    pub class: &'static str,
    /// The Java class of the error.
    pub error_class: String,
    /// What the error says.
    pub message: String,
    /// The error and its causes.
    pub trace: String,
}

/// What a connector wants done about bad records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorPolicy {
    /// `errors.tolerance=all`: bad records are skipped.
    pub is_tolerant: bool,
    /// Whether anybody is told of them: a log (`errors.log.enable`) or a dead letter topic.
    pub is_reported: bool,
    /// `errors.deadletterqueue.outage.threshold`: where more than this many records of one `put` are bad, an outage is to
    /// blame and not the records.
    pub outage_threshold: Option<NonZeroU32>,
    /// `errors.retry.timeout` is not 0: a step that says so is tried again.
    pub may_retry: bool,
}

impl ErrorPolicy {
    /// Whether so many bad records tell of an outage. Where none may be skipped, the first one ends the task anyway.
    pub(crate) fn is_outage(&self, bad: u32) -> bool {
        let most = self.outage_threshold.filter(|_| self.is_tolerant);
        most.is_some_and(|most| bad > most.get())
    }
}

/// What has gone wrong, counted since the beginning of the task.
///
/// # Source
/// The attributes of `kafka.connect:type=task-error-metrics`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    /// `total-record-failures`
    pub failures: u64,
    /// `total-record-errors`
    pub errors: u64,
    /// `total-records-skipped`
    pub skipped: u64,
}

/// Collects bad records until the worker takes them.
#[derive(Debug, Default)]
pub struct ErrorLog {
    policy: ErrorPolicy,
    bad: Vec<BadRecord>,
    bytes: usize,
    counts: ErrorCounts,
    /// As it was when the worker took the bad records last.
    taken: Mark,
}

/// A moment in a log, to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    bad: usize,
    bytes: usize,
    counts: ErrorCounts,
}

impl ErrorLog {
    /// A log that does what `policy` says.
    pub fn new(policy: ErrorPolicy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// What it does about bad records.
    pub(crate) fn policy(&self) -> ErrorPolicy {
        self.policy
    }

    /// This moment.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            bad: self.bad.len(),
            bytes: self.bytes,
            counts: self.counts,
        }
    }

    /// Forgets what went wrong since then: those records will come again.
    pub(crate) fn go_back(&mut self, to: Mark) {
        self.bad.truncate(to.bad);
        (self.bytes, self.counts) = (to.bytes, to.counts);
    }

    /// For the worker: forgets what went wrong since the bad records were taken last.
    pub fn forget(&mut self) {
        self.go_back(self.taken);
    }

    /// Whether anybody is told of bad records.
    pub fn is_reported(&self) -> bool {
        self.policy.is_reported
    }

    /// Something went wrong with `record`: it is counted and kept for whoever is told, tolerated or not.
    pub fn tell(
        &mut self,
        partition: &TopicPartition,
        timestamp_type: TimestampType,
        record: &RecordRef<'_>,
        failure: &Failure,
    ) {
        self.counts.failures += 1;
        self.counts.errors += 1;
        self.counts.skipped += u64::from(self.policy.is_tolerant);
        if self.policy.is_reported {
            let bad = BadRecord::new(partition, timestamp_type, record, failure);
            self.bytes += bad.size();
            self.bad.push(bad);
        }
    }

    /// Whether the record of this failure is skipped.
    ///
    /// # Errors
    /// Bad records are not tolerated.
    pub fn judge(&self, failure: Failure) -> Result<(), ConnectError> {
        if self.policy.is_tolerant {
            return Ok(());
        }
        Err(ConnectError::failed_by(
            "Tolerance exceeded in error handler",
            failure.error,
        ))
    }

    /// Whether so much has come together that the worker should take it before more comes.
    pub fn is_full(&self) -> bool {
        self.bytes >= BAD_RECORDS_BYTES_MAX
    }

    /// What has gone wrong so far.
    pub fn counts(&self) -> ErrorCounts {
        self.counts
    }

    /// For the worker: takes the bad records.
    pub fn take(&mut self) -> Vec<BadRecord> {
        self.bytes = 0;
        let bad = std::mem::take(&mut self.bad);
        self.taken = self.mark();
        bad
    }
}

impl BadRecord {
    fn new(
        partition: &TopicPartition,
        timestamp_type: TimestampType,
        record: &RecordRef<'_>,
        failure: &Failure,
    ) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        // A header that cannot be read would have failed its converter before this.
        let headers = record.headers.iter().filter_map(Result::ok);
        Self {
            partition: partition.clone(),
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type,
            key: owned(record.key),
            value: owned(record.value),
            headers: headers
                .map(|one| (Bytes::copy_from_slice(one.key), owned(one.value)))
                .collect(),
            stage: failure.stage,
            class: failure.class,
            error_class: failure.error.class().to_owned(),
            message: failure.error.to_string(),
            trace: failure.error.trace(),
        }
    }

    /// About as many bytes as it takes.
    pub fn size(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers = self
            .headers
            .iter()
            .map(|(key, value)| key.len() + length(value));
        length(&self.key) + length(&self.value) + headers.sum::<usize>() + self.trace.len()
    }
}

/// Bytes of bad records that may come together before the worker takes them. One record may go beyond.
const BAD_RECORDS_BYTES_MAX: usize = 4 << 20;
