//! Tells of bad records in the log, and says whether they are skipped.
//!
//! # Source
//! `RetryWithToleranceOperator` and `LogReporter.Source` of `org.apache.kafka.connect.runtime.errors`

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::Failure;

use crate::config::connector::ErrorsConfig;
use crate::herder::TaskReports;
use crate::status::TaskId;

/// What is done about the bad records of a task.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    errors: ErrorsConfig,
    task: TaskId,
    /// What takes secrets out of log lines.
    reports: TaskReports,
}

impl Reporter {
    pub(super) fn new(errors: ErrorsConfig, task: TaskId, reports: TaskReports) -> Self {
        Self {
            errors,
            task,
            reports,
        }
    }

    /// Whether the log shows the records themselves.
    pub(super) fn wants_text(&self) -> bool {
        self.errors.log_enable && self.errors.log_include_messages
    }

    /// Whether the log shows records that Kafka refuses, so that they have to be kept in mind until it has taken them.
    pub(super) fn wants_text_of_refused(&self) -> bool {
        self.wants_text() && self.is_tolerant()
    }

    /// Whether bad records are skipped.
    pub(super) fn is_tolerant(&self) -> bool {
        self.errors.is_tolerant
    }

    /// Tells of a record, and whether it is skipped.
    ///
    /// # Errors
    /// Bad records are not tolerated.
    pub(super) fn judge(&self, failure: Failure, text: Option<&str>) -> Result<(), ConnectError> {
        self.tell(&failure, text);
        if self.is_tolerant() {
            return Ok(());
        }
        Err(ConnectError::failed_by(
            "Tolerance exceeded in error handler",
            failure.error,
        ))
    }

    /// Tells of a record.
    pub(super) fn tell(&self, failure: &Failure, text: Option<&str>) {
        if !self.errors.log_enable {
            return;
        }
        let details = match text.filter(|_| self.wants_text()) {
            Some(text) => format!(", where source record is = {}", self.reports.redact(text)),
            None => String::new(),
        };
        tracing::error!(
            trace = self.reports.redact(&failure.error.trace()),
            "Error encountered in task {}. Executing stage '{}' with class '{}'{details}.",
            self.task,
            failure.stage.name(),
            failure.class
        );
    }
}
