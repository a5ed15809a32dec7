//! From a connector's settings to its converters and transformations, for sinks and sources alike.

use ferrovia_pipeline::convert::{Converter, ConverterRole, HeaderConverter};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::transform::TransformationChain;

use crate::config::connector::ConverterSettings;
use crate::config::{ConnectorConfig, WorkerConfig};

/// What stands between a connector's tasks and bytes.
#[derive(Debug)]
pub(super) struct Converters {
    pub(super) key: Converter,
    pub(super) value: Converter,
    pub(super) headers: HeaderConverter,
    pub(super) chain: TransformationChain,
}

impl Converters {
    /// Those of a connector.
    ///
    /// # Errors
    /// [`ConnectError::Config`] when a class is unknown or a setting unusable.
    pub(super) fn of(
        connector: &ConnectorConfig,
        worker: &WorkerConfig,
    ) -> Result<Self, ConnectError> {
        let key = connector.key_converter(worker);
        let value = connector.value_converter(worker);
        let headers = connector.header_converter(worker);
        Ok(Self {
            key: converter("key.converter", &key, ConverterRole::Key)?,
            value: converter("value.converter", &value, ConverterRole::Value)?,
            headers: HeaderConverter::from_class(&headers.class, headers.settings.as_map())?
                .ok_or_else(|| not_found("header.converter", &headers.class))?,
            chain: TransformationChain::from_settings(connector.originals.as_map())?,
        })
    }
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
