//! The plugins that come with records themselves: converters, transformations and predicates.

use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::is_plugin_named;
use ferrovia_pipeline::convert::{CONVERTER_CLASSES, HEADER_CONVERTER_CLASSES, config_def};
use ferrovia_pipeline::{predicate, transform};

use super::{Plugin, PluginKind};

/// Their version, which is that of the Kafka Connect they behave like.
pub(super) const VERSION: &str = "4.2.0";

/// All of them.
pub(super) fn plugins() -> Vec<Plugin> {
    let transformations = transform::PLUGINS
        .iter()
        .map(|plugin| Plugin::new(plugin.class, PluginKind::Transformation, plugin.config));
    let predicates = predicate::PLUGINS
        .iter()
        .map(|plugin| Plugin::new(plugin.class, PluginKind::Predicate, plugin.config));
    let converters = CONVERTER_CLASSES
        .into_iter()
        .map(|class| Plugin::named(class, PluginKind::Converter, converter));
    let header_converters = HEADER_CONVERTER_CLASSES
        .into_iter()
        .map(|class| Plugin::named(class, PluginKind::HeaderConverter, converter));
    let plugins = transformations.chain(predicates);
    plugins.chain(converters).chain(header_converters).collect()
}

/// Plugins whose settings are not shown: what they are named for, and what their names end with.
const OTHERS: [(&str, &str, &[&str]); 2] = [
    (
        "org.apache.kafka.common.config.provider.",
        "ConfigProvider",
        &["Directory", "EnvVar", "File"],
    ),
    (
        "org.apache.kafka.connect.connector.policy.",
        "ConnectorClientConfigOverridePolicy",
        &["All", "Allowlist", "None", "Principal"],
    ),
];

/// Whether a name is that of a provider or a policy.
pub(super) fn is_other(name: &str) -> bool {
    let is = |package: &str, ending: &str, alias: &str| {
        is_plugin_named(&format!("{package}{alias}{ending}"), ending, name)
    };
    let mut others = OTHERS.into_iter();
    others.any(|(package, ending, aliases)| aliases.iter().any(|alias| is(package, ending, alias)))
}

fn converter(class: &str) -> ConfigDef {
    config_def(class).unwrap_or_default()
}
