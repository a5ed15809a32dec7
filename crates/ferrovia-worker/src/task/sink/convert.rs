//! From a connector's settings to the plan by which its records are converted and transformed.

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;

use crate::config::{ConnectorConfig, WorkerConfig};
use crate::task::converters::Converters;

/// The plan of a connector's tasks.
///
/// # Errors
/// [`ConnectError::Config`] when a class is unknown or a setting unusable.
pub fn compile(connector: &ConnectorConfig, worker: &WorkerConfig) -> Result<Plan, ConnectError> {
    let Converters {
        key,
        value,
        headers,
        chain,
    } = Converters::of(connector, worker)?;
    Ok(Plan::new(key, value, headers, chain))
}
