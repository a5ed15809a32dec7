//! The keys that every connector has, with the defaults and proposals that depend on the worker and its plugins.
//!
//! # Source
//! `enrichedConfigDef` of `ConnectorConfig`, `SinkConnectorConfig` and `SourceConnectorConfig`, and `PluginsRecommenders` of
//! Kafka 4.2

use ferrovia_pipeline::config::{ConfigDef, ConfigValue};

use super::Effective;
use super::definition::{Definition, Definitions};
use crate::config::{WorkerConfig, connector_definition, source_definition};
use crate::plugins::{NamedClass, Plugin, PluginCatalog, PluginKind, VersionRange};

const CONVERTERS: [(&str, PluginKind); 3] = [
    ("key.converter", PluginKind::Converter),
    ("value.converter", PluginKind::Converter),
    ("header.converter", PluginKind::HeaderConverter),
];

/// The keys of a connector.
pub(super) fn connector(
    plugin: &Plugin,
    settings: &Effective<'_>,
    plugins: &PluginCatalog,
    worker: &WorkerConfig,
) -> Definitions {
    let mut definitions = plain(plugin);
    for key in own(plugin.kind).keys() {
        if settings.get(key.name()).is_some() {
            definitions.define(Definition::new(key));
        }
    }
    connector_version(&mut definitions, settings);
    recommend_versions(&mut definitions, plugin);
    for (key, kind) in CONVERTERS {
        converter(&mut definitions, key, kind, settings, plugins, worker);
    }
    definitions
}

/// The keys that all connectors have, as they are told of a connector in a version that is not there.
pub(super) fn connector_only(plugin: &Plugin, settings: &Effective<'_>) -> Definitions {
    let mut definitions = Definitions::default();
    definitions.define_all(&connector_definition::connector());
    set_version(&mut definitions, plugin);
    connector_version(&mut definitions, settings);
    for (key, _) in CONVERTERS {
        let is_set = settings.text(key).is_some();
        if let Some(version) = definitions.find_mut(&format!("{key}.plugin.version")) {
            version.is_visible = is_set;
        }
        make_plugin(&mut definitions, key);
    }
    definitions
}

/// The keys that Java does not have.
fn own(kind: PluginKind) -> ConfigDef {
    match kind {
        PluginKind::Source => connector_definition::restart_keys()
            .into_iter()
            .fold(ConfigDef::new(), ConfigDef::define),
        _ => connector_definition::own(),
    }
}

/// The keys of a connector without what depends on its settings.
pub(super) fn plain(plugin: &Plugin) -> Definitions {
    let mut definitions = Definitions::default();
    let keys = match plugin.kind {
        PluginKind::Sink => connector_definition::sink(),
        PluginKind::Source => source_definition::source(),
        _ => connector_definition::connector(),
    };
    definitions.define_all(&keys);
    set_version(&mut definitions, plugin);
    definitions
}

fn set_version(definitions: &mut Definitions, plugin: &Plugin) {
    if let Some(version) = definitions.find_mut("connector.plugin.version") {
        version.set_default(Some(ConfigValue::String(plugin.version.to_owned())));
    }
}

fn connector_version(definitions: &mut Definitions, settings: &Effective<'_>) {
    if let Some(version) = definitions.find_mut("connector.plugin.version") {
        version.is_visible = settings.text("connector.class").is_some();
        version.faults = version_fault(settings.text("connector.plugin.version"));
    }
}

fn recommend_versions(definitions: &mut Definitions, plugin: &Plugin) {
    if let Some(version) = definitions.find_mut("connector.plugin.version") {
        version.recommended = vec![plugin.version.to_owned()];
    }
}

/// A converter's class and version: the connector's, or else the worker's.
fn converter(
    definitions: &mut Definitions,
    key: &str,
    kind: PluginKind,
    settings: &Effective<'_>,
    plugins: &PluginCatalog,
    worker: &WorkerConfig,
) {
    let of_worker = match key {
        "key.converter" => &worker.key_converter.class,
        "value.converter" => &worker.value_converter.class,
        _ => &worker.header_converter.class,
    };
    let version_key = format!("{key}.plugin.version");
    let given = settings.text(key);
    let chosen = given.unwrap_or(of_worker).trim();
    let version_of = |name: &str| {
        plugins
            .find(kind, name)
            .map(|plugin| plugin.version.to_owned())
    };
    let default_version = match given {
        Some(class) => version_of(class),
        None => worker
            .originals
            .text(&version_key)
            .map(str::to_owned)
            .or_else(|| version_of(of_worker)),
    };
    make_plugin(definitions, key);
    if let Some(class) = definitions.find_mut(key) {
        let default = plugins
            .find(kind, of_worker)
            .map_or(of_worker.as_str(), |known| known.class);
        class.set_default(Some(ConfigValue::Class(default.to_owned())));
        class.recommended = plugins
            .of_kind(kind)
            .map(|each| each.class.to_owned())
            .collect();
        class.faults = given
            .and_then(|text| class_fault(plugins, kind, text.trim()))
            .into_iter()
            .collect();
    }
    if let Some(version) = definitions.find_mut(&version_key) {
        version.set_default(default_version.map(ConfigValue::String));
        version.recommended = version_of(chosen).into_iter().collect();
        // As for Java, a class that cannot be found is none that could have versions.
        version.is_visible = settings.get(key) != Some(None) && plugins.class(chosen).is_some();
        version.faults = version_fault(settings.text(&version_key));
    }
}

fn make_plugin(definitions: &mut Definitions, key: &str) {
    if let Some(class) = definitions.find_mut(key) {
        *class = class.clone().plugin();
    }
}

fn version_fault(text: Option<&str>) -> Vec<String> {
    VersionRange::parse(text)
        .err()
        .map(|error| error.to_string())
        .into_iter()
        .collect()
}

/// What is wrong with a known class as a plugin of this kind.
///
/// # Source
/// `Utils.ensureConcreteSubclass`
pub(super) fn class_fault(plugins: &PluginCatalog, kind: PluginKind, name: &str) -> Option<String> {
    let interface = kind.interface();
    let other = |class: &str| {
        Some(format!(
            "Class class {class} does not implement the {interface} interface"
        ))
    };
    match plugins.class(name)? {
        NamedClass::Plugin(_) if plugins.find(kind, name).is_some() => None,
        NamedClass::Plugin(class) => other(class),
        NamedClass::Enclosing(inside) => {
            let fits = |class: &&&str| plugins.find(kind, class).is_some();
            let fitting: Vec<&str> = inside.iter().filter(fits).copied().collect();
            if fitting.is_empty() {
                return other(name);
            }
            Some(format!(
                "This class is abstract and cannot be created. Did you mean {}?",
                fitting.join(", ")
            ))
        }
    }
}
