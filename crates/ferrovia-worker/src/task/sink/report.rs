//! Tells of bad records: in the log, and in the dead letter topic.

use ferrovia_pipeline::batch::TimestampType;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::{BadRecord, ErrorPolicy};
use tokio::runtime::Handle;

use crate::config::connector::ErrorsConfig;
use crate::config::connector_definition::OUTAGE_THRESHOLD;
use crate::herder::TaskReports;
use crate::status::TaskId;
use crate::task::retry::Retries;
use crate::task::sink::dead_letters::{DeadLetterSpec, DeadLetters};

/// Who is told of bad records, as the connector is configured.
#[derive(Clone, Debug)]
pub struct ReportSpec {
    /// `errors.*`
    pub errors: ErrorsConfig,
    /// `errors.deadletterqueue.*`, if there is such a topic.
    pub dead_letters: Option<DeadLetterSpec>,
    /// Whose records they are.
    pub task: TaskId,
}

impl ReportSpec {
    /// What converters and transformations need to know of it.
    pub(super) fn policy(&self) -> ErrorPolicy {
        ErrorPolicy {
            may_retry: Retries::are_wanted(&self.errors),
            is_tolerant: self.errors.is_tolerant,
            is_reported: self.errors.log_enable || self.dead_letters.is_some(),
            outage_threshold: self
                .dead_letters
                .as_ref()
                .and_then(|letters| letters.config.outage_threshold),
        }
    }
}

/// Tells of bad records.
#[derive(Debug)]
pub(super) struct Reporters {
    spec: ReportSpec,
    dead_letters: Option<DeadLetters>,
    /// What takes secrets out of log lines.
    reports: TaskReports,
    /// Whether the log knows of an outage.
    is_outage: bool,
}

impl Reporters {
    pub(super) fn new(spec: ReportSpec, reports: TaskReports) -> Self {
        Self {
            spec,
            dead_letters: None,
            reports,
            is_outage: false,
        }
    }

    /// So many records are bad that none of them is told of. One line in the log says so, however long it lasts.
    pub(super) fn on_outage(&mut self, error: &str) {
        if !std::mem::replace(&mut self.is_outage, true) {
            tracing::error!(
                error = self.reports.redact(error),
                "More records failed than {OUTAGE_THRESHOLD} allows. This counts as an outage: none of them becomes a dead \
                 letter, and they are put again until it is over"
            );
        }
    }

    /// A batch was put.
    pub(super) fn on_put(&mut self) {
        if std::mem::take(&mut self.is_outage) {
            tracing::info!("The outage is over: records are put again");
        }
    }

    /// Makes sure that the dead letter topic is there. Its producer works on the control thread.
    ///
    /// # Errors
    /// It is not, and cannot be created.
    pub(super) async fn prepare(&mut self, control: &Handle) -> Result<(), ConnectError> {
        if let Some(letters) = self.spec.dead_letters.clone() {
            let prepared = control.spawn(DeadLetters::prepare(letters)).await;
            let prepared = prepared
                .map_err(|error| ConnectError::failed_by("the worker is stopping", error))?;
            self.dead_letters = Some(prepared?);
        }
        Ok(())
    }

    /// Tells of these records. Dead letters are on their way when this returns.
    ///
    /// # Errors
    /// A dead letter cannot be written.
    pub(super) async fn report(&mut self, bad: &[BadRecord]) -> Result<(), ConnectError> {
        if self.spec.errors.log_enable {
            for record in bad {
                self.log(record);
            }
        }
        match &mut self.dead_letters {
            Some(letters) if !bad.is_empty() => letters.send(bad).await,
            _ => Ok(()),
        }
    }

    /// Waits until every dead letter is safe: no offset may be committed before.
    ///
    /// # Errors
    /// One was not taken.
    pub(super) async fn settle(&mut self) -> Result<(), ConnectError> {
        match &mut self.dead_letters {
            Some(letters) => letters.settle().await,
            None => Ok(()),
        }
    }

    fn log(&self, record: &BadRecord) {
        let details = if self.spec.errors.log_include_messages {
            details(record)
        } else {
            String::new()
        };
        tracing::error!(
            trace = self.reports.redact(&record.trace),
            "Error encountered in task {}. Executing stage '{}' with class '{}'{details}.",
            self.spec.task,
            record.stage.name(),
            record.class
        );
    }
}

/// # Source
/// `org.apache.kafka.connect.runtime.errors.LogReporter.Sink`
fn details(record: &BadRecord) -> String {
    let kind = match record.timestamp_type {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    let timestamp = format!(", timestamp={}, timestampType={kind}", record.timestamp);
    let topic = &record.partition.topic;
    let (partition, offset) = (record.partition.partition, record.offset);
    format!(
        ", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}{timestamp}}}"
    )
}
