//! The settings of those converters that a connector chooses itself.
//!
//! # Source
//! `AbstractHerder.validateAllConverterConfigs` of Kafka 4.2

use std::collections::BTreeMap;

use super::checked::CheckedKeys;
use super::definition::Definitions;
use super::infos::{ConfigInfo, ConfigInfos, KeyInfo};
use super::{Effective, GivenSettings};
use crate::plugins::{PluginCatalog, PluginKind, VersionRange};

/// What a converter is chosen by, and what it converts.
const CONVERTERS: [(&str, &str, PluginKind); 3] = [
    ("header.converter", "header", PluginKind::HeaderConverter),
    ("key.converter", "key", PluginKind::Converter),
    ("value.converter", "value", PluginKind::Converter),
];

/// One part of the answer for each converter that the connector names. What is wrong with its class or version is added
/// to the connector's own keys.
pub(super) fn infos(
    settings: &Effective<'_>,
    checked: &mut CheckedKeys,
    plugins: &PluginCatalog,
) -> Vec<ConfigInfos> {
    let each = CONVERTERS.into_iter();
    each.filter_map(|(key, role, kind)| of_converter(key, role, kind, settings, checked, plugins))
        .collect()
}

fn of_converter(
    key: &str,
    role: &str,
    kind: PluginKind,
    settings: &Effective<'_>,
    checked: &mut CheckedKeys,
    plugins: &PluginCatalog,
) -> Option<ConfigInfos> {
    let class = settings.text(key)?;
    let version_key = format!("{key}.plugin.version");
    if checked.has_errors(key) || checked.has_errors(&version_key) {
        return None;
    }
    let Some(plugin) = plugins.find(kind, class) else {
        // White space around it: the definition takes it away, and the loader does not.
        checked.add_error(key, &format!("Failed to load class {class}: {class}"));
        return None;
    };
    let range = VersionRange::parse(settings.text(&version_key)).ok()?;
    if let Err(message) = plugins.check_version(plugin.class, range.as_ref()) {
        checked.add_error(key, &message);
        checked.add_error(&version_key, &message);
        return None;
    }
    let prefix = format!("{key}.");
    let (given, values) = own_settings(settings, &prefix, role);
    let own = Effective {
        given: &given,
        values: &values,
    };
    Some(prefixed(&plugin.config(), &own, plugins, &prefix))
}

/// The converter's settings without their prefix, and what it is used for.
fn own_settings(
    settings: &Effective<'_>,
    prefix: &str,
    role: &str,
) -> (GivenSettings, BTreeMap<String, String>) {
    let mut given = GivenSettings::new();
    let mut values = BTreeMap::new();
    for key in settings.given.keys() {
        if let Some(name) = key.strip_prefix(prefix) {
            let value = settings.text(key).map(str::to_owned);
            values.extend(value.clone().map(|value| (name.to_owned(), value)));
            given.insert(name.to_owned(), value);
        }
    }
    if !values.contains_key("converter.type") {
        values.insert("converter.type".to_owned(), role.to_owned());
        given.insert("converter.type".to_owned(), Some(role.to_owned()));
    }
    (given, values)
}

/// Keys count as one fault each, however much is wrong with them.
fn prefixed(
    config: &ferrovia_pipeline::config::ConfigDef,
    settings: &Effective<'_>,
    plugins: &PluginCatalog,
    prefix: &str,
) -> ConfigInfos {
    let mut definitions = Definitions::default();
    definitions.define_all(config);
    let mut infos = ConfigInfos::default();
    for mut checked in definitions.check(settings, plugins).into_java_order() {
        let key = config.key(&checked.name);
        if let Some(group) = key.and_then(|key| key.group_name()) {
            infos.add_group(group);
        }
        infos.error_count += usize::from(!checked.errors.is_empty());
        checked.name.insert_str(0, prefix);
        let definition = key.map(|key| KeyInfo::new(key, prefix));
        infos.configs.push(ConfigInfo {
            definition,
            value: Some(checked.into()),
        });
    }
    infos
}
