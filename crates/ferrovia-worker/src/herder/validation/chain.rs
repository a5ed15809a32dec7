//! The keys of transformations and predicates, which depend on the aliases that a connector lists.
//!
//! # Source
//! `ConnectorConfig.enrich` and `EnrichablePlugin` of Kafka 4.2

use ferrovia_pipeline::config::{
    ConfigDef, ConfigDefault, ConfigKey, ConfigType, ConfigValue, Importance, Width,
};

use super::Effective;
use super::definition::{Definition, Definitions, parse};
use super::framework::class_fault;
use crate::plugins::{Plugin, PluginCatalog, PluginKind, VersionRange};

/// Aliases of one kind that one connector may list. Users have a handful.
const ALIASES_MAX: usize = 256;

/// Adds the keys of all transformations and predicates that the settings list.
pub(super) fn enrich(
    definitions: &mut Definitions,
    settings: &Effective<'_>,
    plugins: &PluginCatalog,
) {
    let chains = [
        Chain {
            kind: PluginKind::Transformation,
            list: "transforms",
            group: "Transforms",
            settings,
            plugins,
        },
        Chain {
            kind: PluginKind::Predicate,
            list: "predicates",
            group: "Predicates",
            settings,
            plugins,
        },
    ];
    for chain in chains {
        for alias in chain.aliases() {
            chain.define(definitions, &alias);
        }
    }
}

/// The plugins of one kind that a connector lists.
struct Chain<'a> {
    kind: PluginKind,
    list: &'static str,
    group: &'static str,
    settings: &'a Effective<'a>,
    plugins: &'a PluginCatalog,
}

impl Chain<'_> {
    /// Each alias once.
    fn aliases(&self) -> Vec<String> {
        let listed = self.settings.text(self.list).unwrap_or_default();
        let Ok(ConfigValue::List(listed)) = parse(self.list, ConfigType::List, listed) else {
            return Vec::new();
        };
        let mut aliases: Vec<String> = Vec::new();
        for alias in listed {
            if !aliases.contains(&alias) && aliases.len() < ALIASES_MAX {
                aliases.push(alias);
            }
        }
        aliases
    }

    fn define(&self, definitions: &mut Definitions, alias: &str) {
        let prefix = format!("{}.{alias}.", self.list);
        let group = format!("{}: {alias}", self.group);
        let (type_key, version_key) = (format!("{prefix}type"), format!("{prefix}plugin.version"));
        let class = self.settings.text(&type_key);
        let version = self.settings.text(&version_key);
        let plugin = class.and_then(|class| self.plugins.find(self.kind, class.trim()));
        definitions.define(self.type_definition(&type_key, &prefix, alias, &group));
        definitions.define(self.version_definition(&version_key, alias, &group, plugin));

        let is_usable = self.fault(class, version).is_none();
        if let (true, Some(plugin)) = (is_usable, plugin) {
            let own = self.all_keys(plugin);
            for (order, key) in (2_i32..).zip(sorted(&own)) {
                let mut definition = Definition::prefixed(key, &prefix);
                let own_group = definition.info.group.take();
                definition.info.group =
                    Some(own_group.map_or_else(|| group.clone(), |own| format!("{group}: {own}")));
                definition.info.order_in_group = order;
                definition.info.dependents = key
                    .dependent_names()
                    .iter()
                    .map(|name| format!("{prefix}{name}"))
                    .collect();
                definitions.define(definition);
            }
        }
    }

    fn type_definition(&self, key: &str, prefix: &str, alias: &str, group: &str) -> Definition {
        let interface = self.kind.interface();
        let kind = interface.to_lowercase();
        let mut definition = Definition::new(
            &ConfigKey::required(key.to_owned(), ConfigType::Class)
                .importance(Importance::High)
                .doc(format!("The class of the {kind} '{alias}'."))
                .group(group.to_owned(), 0, Width::Long)
                .display_name(format!("{interface} type for {alias}")),
        )
        .plugin();
        definition.faults = self.type_fault(key, prefix).into_iter().collect();
        definition.recommended = self
            .plugins
            .of_kind(self.kind)
            .map(|plugin| plugin.class.to_owned())
            .collect();
        definition
    }

    fn version_definition(
        &self,
        key: &str,
        alias: &str,
        group: &str,
        plugin: Option<&Plugin>,
    ) -> Definition {
        let interface = self.kind.interface();
        let kind = interface.to_lowercase();
        let mut definition = Definition::new(
            &ConfigKey::optional(key.to_owned(), ConfigType::String)
                .importance(Importance::High)
                .doc(format!("The version of the {kind} '{alias}'."))
                .group(group.to_owned(), 1, Width::Long)
                .display_name(format!("{interface} version for {alias}")),
        );
        let version = plugin.map(|plugin| plugin.version.to_owned());
        definition.set_default(version.clone().map(ConfigValue::String));
        definition.recommended = version.into_iter().collect();
        definition.faults = self
            .version_fault(self.settings.text(key), plugin)
            .into_iter()
            .collect();
        definition
    }

    /// What is wrong with a type: the rule about `negate` comes first, then the class, then its version.
    fn type_fault(&self, key: &str, prefix: &str) -> Option<String> {
        let (negate, predicate) = (format!("{prefix}negate"), format!("{prefix}predicate"));
        let has = |key: &str| self.settings.get(key).is_some();
        if self.kind == PluginKind::Transformation && has(&negate) && !has(&predicate) {
            return Some(format!(
                "Config '{negate}' was provided but there is no config '{predicate}' defining a \
                 predicate to be negated."
            ));
        }
        let class = self.settings.text(key)?;
        self.plugins.class(class.trim())?;
        self.fault(
            Some(class),
            self.settings.text(&format!("{prefix}plugin.version")),
        )
    }

    /// Why a class in a version cannot be used.
    fn fault(&self, class: Option<&str>, version: Option<&str>) -> Option<String> {
        let class = class?.trim();
        let range = match VersionRange::parse(version) {
            Ok(range) => range,
            Err(error) => return Some(error.to_string()),
        };
        let wrong = class_fault(self.plugins, self.kind, class);
        let plugin = self.plugins.find(self.kind, class);
        wrong.or_else(|| {
            self.plugins
                .check_version(plugin?.class, range.as_ref())
                .err()
        })
    }

    fn version_fault(&self, version: Option<&str>, plugin: Option<&Plugin>) -> Option<String> {
        let range = match VersionRange::parse(Some(version?)) {
            Ok(range) => range,
            Err(error) => return Some(error.to_string()),
        };
        self.plugins
            .check_version(plugin?.class, range.as_ref())
            .err()
    }

    /// A plugin's own keys and those that every transformation has, which win.
    fn all_keys(&self, plugin: &Plugin) -> ConfigDef {
        if self.kind != PluginKind::Transformation {
            return plugin.config();
        }
        let implicit = ConfigDef::new()
            .define(
                ConfigKey::optional("predicate", ConfigType::String)
                    .importance(Importance::Medium)
                    .doc("Alias of the predicate that says to which records the transformation applies."),
            )
            .define(
                ConfigKey::with_default("negate", ConfigType::Boolean, false)
                    .importance(Importance::Medium)
                    .doc("Whether it applies to the records that the predicate does not choose."),
            );
        let own = plugin.config();
        let own = own
            .keys()
            .filter(|key| !matches!(key.name(), "predicate" | "negate"));
        own.cloned().fold(implicit, ConfigDef::define)
    }
}

/// Keys in the order in which a form shows them: by group, place, whether they must be set, importance and name.
///
/// # Source
/// `ConfigDef.sortedConfigs`
fn sorted(definitions: &ConfigDef) -> Vec<&ConfigKey> {
    let mut groups: Vec<&str> = Vec::new();
    for group in definitions.keys().filter_map(ConfigKey::group_name) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let rank = |key: &ConfigKey| {
        let group = key
            .group_name()
            .and_then(|group| groups.iter().position(|known| *known == group));
        let has_default = !matches!(key.default(), ConfigDefault::Required);
        let importance = match key.how_important() {
            Importance::High => 0,
            Importance::Medium => 1,
            Importance::Low => 2,
        };
        (
            group,
            key.order_in_group(),
            has_default,
            importance,
            key.name().to_owned(),
        )
    };
    let mut keys: Vec<&ConfigKey> = definitions.keys().collect();
    keys.sort_by_key(|key| rank(key));
    keys
}
