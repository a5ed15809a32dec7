//! From a task's configuration to the plan by which its records are converted.

use ferrovia_pipeline::convert::{Converter, ConverterRole};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;

use crate::config::connector::ConverterSettings;

/// The plan of a task whose connector has chosen these converters.
///
/// # Errors
/// [`ConnectError::Config`] when a class is unknown or a setting unusable.
pub fn compile(key: &ConverterSettings, value: &ConverterSettings) -> Result<Plan, ConnectError> {
    Ok(Plan::new(
        converter("key.converter", key, ConverterRole::Key)?,
        converter("value.converter", value, ConverterRole::Value)?,
    ))
}

fn converter(
    key: &str,
    choice: &ConverterSettings,
    role: ConverterRole,
) -> Result<Converter, ConnectError> {
    let class = &choice.class;
    let refused = |problem: &str| {
        ConnectError::config(format!(
            "Invalid value {class} for configuration {key}: {problem}"
        ))
    };
    let converter = Converter::from_class(class, choice.settings.as_map(), role)?
        .ok_or_else(|| refused(&format!("Class {class} could not be found.")))?;
    // Records are shown to sinks as views of their bytes, which other converters do not have.
    if converter.view(None).is_none() {
        return Err(refused("sink tasks cannot use this converter yet."));
    }
    Ok(converter)
}
