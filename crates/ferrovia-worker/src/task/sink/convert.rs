//! From a connector's settings to the plan by which its records are converted and transformed.

use ferrovia_pipeline::convert::{Converter, ConverterRole, HeaderConverter};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::transform::TransformationChain;

use crate::config::connector::ConverterSettings;
use crate::config::{ConnectorConfig, WorkerConfig};

/// The plan of a connector's tasks.
///
/// # Errors
/// [`ConnectError::Config`] when a class is unknown or a setting unusable.
pub fn compile(connector: &ConnectorConfig, worker: &WorkerConfig) -> Result<Plan, ConnectError> {
    let key = converter(
        "key.converter",
        &connector.key_converter(worker),
        ConverterRole::Key,
    )?;
    let value = converter(
        "value.converter",
        &connector.value_converter(worker),
        ConverterRole::Value,
    )?;
    let headers = connector.header_converter(worker);
    let headers = HeaderConverter::from_class(&headers.class, headers.settings.as_map())?
        .ok_or_else(|| not_found("header.converter", &headers.class))?;
    let chain = TransformationChain::from_settings(connector.originals.as_map())?;
    Ok(Plan::new(key, value, headers, chain))
}

fn converter(
    key: &str,
    choice: &ConverterSettings,
    role: ConverterRole,
) -> Result<Converter, ConnectError> {
    Converter::from_class(&choice.class, choice.settings.as_map(), role)?
        .ok_or_else(|| not_found(key, &choice.class))
}

fn not_found(key: &str, class: &str) -> ConnectError {
    let problem = format!("Class {class} could not be found.");
    ConnectError::config(format!(
        "Invalid value {class} for configuration {key}: {problem}"
    ))
}
