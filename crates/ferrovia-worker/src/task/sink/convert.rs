//! From a task's configuration to the plan by which its records are converted.

use ferrovia_pipeline::convert::Converter;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;

use crate::config::connector::ConverterSettings;

/// The plan of a task whose connector has chosen these converters.
///
/// # Errors
/// [`ConnectError::Config`] when a class is unknown or a setting unusable.
pub fn compile(key: &ConverterSettings, value: &ConverterSettings) -> Result<Plan, ConnectError> {
    Ok(Plan::new(
        converter("key.converter", key)?,
        converter("value.converter", value)?,
    ))
}

fn converter(key: &str, choice: &ConverterSettings) -> Result<Converter, ConnectError> {
    let class = &choice.class;
    Converter::from_class(class, choice.settings.as_map())?.ok_or_else(|| {
        let problem = format!("Class {class} could not be found.");
        ConnectError::config(format!(
            "Invalid value {class} for configuration {key}: {problem}"
        ))
    })
}
