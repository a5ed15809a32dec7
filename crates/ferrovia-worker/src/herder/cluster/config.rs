//! Writes to the config topic: in transactions what only a leader writes, where leaders have to hold the right to do so.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::herder::machine::WriteFailure;
use crate::storage::config::ConfigRecord;
use crate::storage::log::{NewRecord, PrivilegedWriter, TopicLog, TopicLogError};

/// The config topic, and the right to write to it.
pub(super) struct ConfigWriter {
    pub(super) log: TopicLog,
    is_fenced: bool,
    /// How often the right was claimed.
    claims: u64,
    /// The claim that is being made.
    pub(super) claiming: Option<AbortHandle>,
    /// The right by the last claim.
    writer: Option<PrivilegedWriter>,
}

/// Why records were not written.
#[derive(Debug)]
pub(in crate::herder) struct WriteError {
    reason: String,
    /// By which claim they were to be written.
    claim: Option<u64>,
}

impl From<String> for WriteError {
    fn from(reason: String) -> Self {
        Self {
            reason,
            claim: None,
        }
    }
}

impl ConfigWriter {
    pub(super) fn new(log: TopicLog) -> Self {
        Self {
            is_fenced: log.has_privileges(),
            log,
            claims: 0,
            claiming: None,
            writer: None,
        }
    }

    /// Claims the right, whose number goes back with the outcome. An earlier claim is given up.
    pub(super) fn claim(
        &mut self,
    ) -> Option<(
        u64,
        impl Future<Output = Result<PrivilegedWriter, TopicLogError>> + Send + 'static + use<>,
    )> {
        let claimed = self.log.claim()?;
        if let Some(before) = self.claiming.take() {
            before.abort();
        }
        self.writer = None;
        self.claims += 1;
        Some((self.claims, claimed))
    }

    /// Keeps the right, unless it was claimed anew since.
    pub(super) fn take(
        &mut self,
        claim: u64,
        outcome: Result<PrivilegedWriter, TopicLogError>,
    ) -> Result<(), String> {
        let writer = outcome.map_err(|error| error.to_string())?;
        if claim == self.claims {
            self.writer = Some(writer);
        }
        Ok(())
    }

    /// Writes records and reads them back.
    pub(super) fn write(
        &self,
        records: &[ConfigRecord],
    ) -> impl Future<Output = Result<(), WriteError>> + Send + 'static + use<> {
        let needs_right = self.is_fenced && records.iter().any(ConfigRecord::is_privileged);
        let records = records.iter();
        let records = records.map(|record| NewRecord::new(record.key(), record.value()));
        let records = records.collect();
        let claim = needs_right.then_some(self.claims);
        let appended: Option<Appended> = match &self.writer {
            _ if !needs_right => Some(Box::pin(self.log.append(records))),
            Some(writer) => Some(Box::pin(writer.append(records))),
            None => None,
        };
        let read = self.log.read_to_later_end();
        async move {
            let until = Instant::now() + WRITE_TIMEOUT;
            let Some(appended) = appended else {
                return Err(WriteError::from(AS_LEADER.to_owned()));
            };
            let failed = |reason| WriteError { reason, claim };
            match timeout_at(until, appended).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if needs_right => {
                    warn!("Failed to perform fencable send to config topic: {error}");
                    return Err(failed(AS_LEADER.to_owned()));
                }
                Ok(Err(error)) => return Err(failed(not_written(&error))),
                Err(_late) => return Err(failed(LATE.to_owned())),
            }
            match timeout_at(until, read).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(WriteError::from(not_written(&error))),
                Err(_late) => Err(WriteError::from(LATE.to_owned())),
            }
        }
    }

    /// What a failed write means. One by the last claim is the end of the right: somebody else may have it, or a
    /// transaction may yet be committed.
    pub(super) fn failure(&mut self, error: WriteError) -> WriteFailure {
        let WriteError { reason, claim } = error;
        let loses_privileges = claim == Some(self.claims) && self.writer.take().is_some();
        WriteFailure {
            reason,
            loses_privileges,
        }
    }
}

fn not_written(error: &TopicLogError) -> String {
    format!("Error writing connector configuration to Kafka: {error}")
}

type Appended = Pin<Box<dyn Future<Output = Result<(), TopicLogError>> + Send>>;

/// How long writing a config record and reading it back may take.
///
/// # Source
/// `KafkaConfigBackingStore.READ_WRITE_TOTAL_TIMEOUT_MS`
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// What users are told after that.
const LATE: &str = "Timed out waiting for future";
/// What users are told of a leader's write that failed.
const AS_LEADER: &str = "Failed to write to config topic; this may be due to a transient error and the request can be safely \
                         retried";

#[cfg(test)]
mod tests;
