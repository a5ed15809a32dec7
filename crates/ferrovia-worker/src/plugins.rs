//! Which plugins there are, of every kind, and how users may call them.
//!
//! A worker's plugins are those of its [`ConnectorCatalog`] and the converters, transformations and predicates that
//! records' own crate brings. Validation, the plugin endpoints and the check of a worker's converters read this list.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.isolation`: `Plugins`, `PluginDesc`, `PluginType` and `PluginUtils` of Kafka 4.2

mod built_in;
mod version;

use std::collections::BTreeMap;
use std::fmt;

use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

pub use version::{VersionRange, VersionSpecError};

use crate::herder::ConnectorCatalog;

/// What a plugin does. In the order in which plugins are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginKind {
    /// A connector that reads from Kafka.
    Sink,
    /// A connector that writes to Kafka.
    Source,
    /// Changes a record.
    Transformation,
    /// Says whether a transformation applies to a record.
    Predicate,
    /// Reads and writes keys and values.
    Converter,
    /// Reads and writes headers.
    HeaderConverter,
}

impl PluginKind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }

    /// The Java interface of its plugins, without the package.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Sink | Self::Source => "Connector",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
        }
    }
}

/// Where a plugin's definitions come from.
#[derive(Clone, Copy)]
enum Definitions {
    Of(fn() -> ConfigDef),
    Named(fn(&str) -> ConfigDef),
    Made(ConnectorFactory),
}

/// A plugin that this worker has.
#[derive(Clone, Copy)]
pub struct Plugin {
    /// The class that users configure.
    pub class: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it does.
    pub kind: PluginKind,
    definitions: Definitions,
}

impl Plugin {
    /// A plugin whose settings `config` defines.
    pub fn new(class: &'static str, kind: PluginKind, config: fn() -> ConfigDef) -> Self {
        Self::with(class, kind, Definitions::Of(config))
    }

    /// A plugin whose settings are those that `config` defines for its class.
    pub fn named(class: &'static str, kind: PluginKind, config: fn(&str) -> ConfigDef) -> Self {
        Self::with(class, kind, Definitions::Named(config))
    }

    /// The definitions of its settings, without a prefix.
    pub fn config(&self) -> ConfigDef {
        match self.definitions {
            Definitions::Of(config) => config(),
            Definitions::Named(config) => config(self.class),
            Definitions::Made(ConnectorFactory::Sink(make)) => make().config(),
            Definitions::Made(ConnectorFactory::Source(make)) => make().config(),
            Definitions::Made(_) => ConfigDef::new(),
        }
    }

    fn with(class: &'static str, kind: PluginKind, definitions: Definitions) -> Self {
        Self {
            class,
            version: built_in::VERSION,
            kind,
            definitions,
        }
    }
}

impl From<&ConnectorPlugin> for Plugin {
    fn from(plugin: &ConnectorPlugin) -> Self {
        let kind = match plugin.factory {
            ConnectorFactory::Sink(_) => PluginKind::Sink,
            _ => PluginKind::Source,
        };
        Self {
            class: plugin.class,
            version: plugin.version,
            kind,
            definitions: Definitions::Made(plugin.factory),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.class, self.version, self.kind.name())
    }
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedClass {
    /// The class of a plugin.
    Plugin(&'static str),
    /// The class that encloses plugins and is none itself, with those.
    Enclosing(Vec<&'static str>),
}

/// All plugins of a worker.
#[derive(Clone, Debug)]
pub struct PluginCatalog {
    /// By kind, then by class.
    plugins: Vec<Plugin>,
    /// Short names; `None` for one that several classes have.
    aliases: BTreeMap<String, Option<&'static str>>,
}

impl PluginCatalog {
    /// The plugins of a worker with these connectors.
    pub fn new(connectors: &dyn ConnectorCatalog) -> Self {
        Self::of(connectors.connectors().iter().map(Plugin::from))
    }

    /// The plugins of every worker.
    pub fn built_in() -> Self {
        Self::of([])
    }

    fn of(others: impl IntoIterator<Item = Plugin>) -> Self {
        let mut plugins = built_in::plugins();
        plugins.extend(others);
        plugins.sort_by_key(|plugin| (plugin.kind, plugin.class));
        let mut aliases = BTreeMap::new();
        for plugin in &plugins {
            for alias in short_names(plugin) {
                let known = aliases.entry(alias).or_insert(Some(plugin.class));
                if *known != Some(plugin.class) {
                    *known = None;
                }
            }
        }
        Self { plugins, aliases }
    }

    /// All plugins, by kind and then by class.
    pub fn all(&self) -> &[Plugin] {
        &self.plugins
    }

    /// The plugins of one kind, by class.
    pub fn of_kind(&self, kind: PluginKind) -> impl Iterator<Item = &Plugin> {
        self.plugins
            .iter()
            .filter(move |plugin| plugin.kind == kind)
    }

    /// The plugin of one kind that users mean by a class or an alias.
    pub fn find(&self, kind: PluginKind, name: &str) -> Option<&Plugin> {
        let class = self.full_name(name);
        self.of_kind(kind).find(|plugin| plugin.class == class)
    }

    /// The plugins of any kind that users mean by a class or an alias. One class may be of several kinds.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Plugin> {
        let class = self.full_name(name);
        self.plugins
            .iter()
            .filter(move |plugin| plugin.class == class)
    }

    /// Whether a name is that of a plugin of another kind than those that are listed.
    pub fn is_unlisted(&self, name: &str) -> bool {
        built_in::is_other(name)
    }

    /// The class that users mean by a name.
    pub fn class(&self, name: &str) -> Option<NamedClass> {
        if let Some(plugin) = self.named(name).next() {
            return Some(NamedClass::Plugin(plugin.class));
        }
        let is_inside = |class: &&str| {
            class
                .rsplit_once('$')
                .is_some_and(|(outer, _)| outer == name)
        };
        let mut inside: Vec<&'static str> = self
            .plugins
            .iter()
            .map(|plugin| plugin.class)
            .filter(is_inside)
            .collect();
        inside.dedup();
        (!inside.is_empty()).then_some(NamedClass::Enclosing(inside))
    }

    /// Checks that a plugin's version is in a range; without one, every version is.
    ///
    /// # Errors
    /// Java's message.
    pub fn check_version(&self, class: &str, range: Option<&VersionRange>) -> Result<(), String> {
        let Some(range) = range else { return Ok(()) };
        let available: Vec<&str> = self.named(class).map(|plugin| plugin.version).collect();
        if available.iter().any(|version| range.contains(version)) {
            return Ok(());
        }
        Err(format!(
            "Plugin {class} not found that matches the version range {range}, available versions: [{}]",
            available.join(", ")
        ))
    }

    fn full_name<'a>(&self, name: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.aliases.get(name).copied().flatten().unwrap_or(name)
    }
}

/// The class without its package and enclosing class, and that without the ending that plugins of its kind have.
fn short_names(plugin: &Plugin) -> [String; 2] {
    let simple = plugin
        .class
        .rsplit(['.', '$'])
        .next()
        .unwrap_or(plugin.class);
    let pruned = match simple.rfind(plugin.kind.interface()) {
        Some(at) if at > 0 => simple.get(..at).unwrap_or(simple),
        _ => simple,
    };
    [simple.to_owned(), pruned.to_owned()]
}

#[cfg(test)]
mod tests;
