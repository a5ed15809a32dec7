//! From a connector's settings to the plan by which its records are transformed and converted, and what is made of one
//! record by it.

use ferrovia_pipeline::data::Record;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::source::SourcePlan;

use crate::config::connector::ErrorsConfig;
use crate::config::{ConnectorConfig, WorkerConfig};
use crate::task::converters::Converters;
use crate::task::retry::Retries;

/// The plan of a connector's tasks.
///
/// # Errors
/// [`ConnectError::Config`] when a class is unknown or a setting unusable.
pub fn compile(
    connector: &ConnectorConfig,
    worker: &WorkerConfig,
) -> Result<SourcePlan, ConnectError> {
    let Converters {
        key,
        value,
        headers,
        chain,
    } = Converters::of(connector, worker)?;
    Ok(SourcePlan::new(key, value, headers, chain))
}

/// A plan, and the tries of the record at hand.
#[derive(Debug)]
pub(super) struct Shaper {
    pub(super) plan: SourcePlan,
    pub(super) retries: Retries,
    keeps_spare: bool,
}

impl Shaper {
    /// `shows_records` where the log is to show a record as it was before it was transformed.
    pub(super) fn new(plan: SourcePlan, errors: &ErrorsConfig, shows_records: bool) -> Self {
        let is_needed = shows_records || Retries::are_wanted(errors);
        Self {
            keeps_spare: plan.has_transformations() && is_needed,
            retries: Retries::new(errors),
            plan,
        }
    }

    /// The record as it was, where somebody may want it after it has been transformed.
    pub(super) fn spare<'r>(&self, record: &Record<'r>) -> Option<Record<'r>> {
        self.keeps_spare.then(|| record.clone())
    }
}

/// The time that a record is produced with; `None` for the present.
///
/// # Errors
/// It is negative, but for the -1 that says nothing.
///
/// # Source
/// `org.apache.kafka.connect.util.ConnectUtils.checkAndConvertTimestamp`
pub(super) fn timestamp(given: Option<i64>) -> Result<Option<i64>, ConnectError> {
    match given {
        Some(NO_TIMESTAMP) | None => Ok(None),
        Some(time) if time < 0 => Err(ConnectError::java(
            "org.apache.kafka.common.InvalidRecordException",
            format!("Invalid record timestamp {time}"),
        )),
        some => Ok(some),
    }
}

/// The partition that a record is meant for.
///
/// # Errors
/// It is negative.
///
/// # Source
/// `org.apache.kafka.clients.producer.ProducerRecord`
pub(super) fn partition(given: Option<i32>) -> Result<Option<i32>, ConnectError> {
    match given {
        Some(number) if number < 0 => Err(ConnectError::java(
            "java.lang.IllegalArgumentException",
            format!(
                "Invalid partition: {number}. Partition number should always be non-negative or null."
            ),
        )),
        other => Ok(other),
    }
}

const NO_TIMESTAMP: i64 = -1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_are_refused_in_javas_words() {
        assert_eq!(timestamp(None).unwrap(), None);
        assert_eq!(timestamp(Some(-1)).unwrap(), None);
        assert_eq!(timestamp(Some(0)).unwrap(), Some(0));
        assert_eq!(
            timestamp(Some(-2)).unwrap_err().trace(),
            "org.apache.kafka.common.InvalidRecordException: Invalid record timestamp -2"
        );
        assert_eq!(
            partition(Some(-1)).unwrap_err().to_string(),
            "Invalid partition: -1. Partition number should always be non-negative or null."
        );
    }
}
