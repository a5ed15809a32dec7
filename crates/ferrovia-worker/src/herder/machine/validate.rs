//! Whether a connector's settings can be used, with Java's answer where they cannot.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::ConfigError;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

use crate::config::ConnectorConfig;
use crate::config::connector::{no_class_message, sink_faults};
use crate::herder::catalog::ConnectorCatalog;
use crate::herder::request::HerderError;

/// The connector that the settings mean, and the settings typed.
///
/// # Errors
/// [`HerderError::BadRequest`] with everything that is wrong.
pub(super) fn sink(
    settings: BTreeMap<String, String>,
    catalog: &dyn ConnectorCatalog,
) -> Result<(ConnectorPlugin, ConnectorConfig), HerderError> {
    let Some(class) = settings.get("connector.class") else {
        return Err(HerderError::BadRequest(no_class_message(&settings)));
    };
    let plugin = catalog
        .connector(class.trim())
        .ok_or_else(|| unknown(class, catalog))?;
    let mut faults = sink_faults(&settings);
    faults.extend(converter_faults(&settings, catalog));
    let ConnectorFactory::Sink(make) = plugin.factory else {
        return Err(unknown(class, catalog));
    };
    for fault in make().config().validate(&settings) {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    if !faults.is_empty() {
        return Err(invalid(&faults));
    }
    let config = ConnectorConfig::sink(settings).map_err(|fault| invalid(&[fault]))?;
    Ok((plugin, config))
}

fn converter_faults(
    settings: &BTreeMap<String, String>,
    catalog: &dyn ConnectorCatalog,
) -> Vec<ConfigError> {
    let known = |key: &str, class: &str| match key {
        "header.converter" => catalog.is_header_converter(class),
        _ => catalog.is_converter(class),
    };
    let keys = ["key.converter", "value.converter", "header.converter"];
    let set = keys
        .into_iter()
        .filter_map(|key| Some((key, settings.get(key)?.trim())));
    set.filter(|(key, class)| !known(key, class))
        .map(|(key, class)| ConfigError::class_not_found(key, class))
        .collect()
}

fn unknown(class: &str, catalog: &dyn ConnectorCatalog) -> HerderError {
    let known: Vec<String> = catalog.connectors().iter().map(described).collect();
    HerderError::BadRequest(format!(
        "Failed to find any class that implements Connector and which name matches {class}, \
         available connectors are: {}",
        known.join(", ")
    ))
}

/// As Java's `PluginDesc.toString`.
fn described(plugin: &ConnectorPlugin) -> String {
    let ConnectorPlugin { class, version, .. } = plugin;
    let kind = match plugin.factory {
        ConnectorFactory::Sink(_) => "sink",
        _ => "source",
    };
    format!(
        "PluginDesc{{klass=class {class}, name='{class}', version='{version}', \
         encodedVersion={version}, type={kind}, typeName='{kind}', location='classpath'}}"
    )
}

fn invalid(faults: &[ConfigError]) -> HerderError {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    HerderError::BadRequest(format!(
        "Connector configuration is invalid and contains the following {} error(s):\n{}\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{{connectorType}}/config/validate`",
        faults.len(),
        lines.join("\n")
    ))
}
