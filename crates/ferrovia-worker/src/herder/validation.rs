//! Whether a connector's settings can be used, and all that users are told about them.
//!
//! Validation reads settings as a task will, with the values of variables in their places, and answers for each key:
//! what it is, what it is set to, which values are proposed and what is wrong. The steps are those of the answer:
//! the framework's keys (`framework`), those of transformations and predicates (`chain`), the connector's own, then
//! what the connector sets for its `clients` and `converters`.
//!
//! # Source
//! `AbstractHerder.validateConnectorConfig` of Kafka 4.2

mod chain;
mod checked;
mod clients;
mod converters;
mod definition;
mod framework;
mod infos;
mod redacted;
mod source;
mod spelling;

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_pipeline::config::ConfigError;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

use self::checked::CheckedKeys;
use self::definition::Definitions;
pub use self::infos::{ConfigInfo, ConfigInfos, KeyInfo, ValueInfo};
use super::catalog::ConnectorCatalog;
use super::request::HerderError;
use crate::config::connector::{no_class_message, topic_faults};
use crate::config::providers::{Redactor, Resolved};
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, InitialState, KindConfig, Settings, WorkerConfig};
use crate::plugins::{Plugin, PluginCatalog, PluginKind, VersionRange};

/// Settings as they came: a key may be there with no value, which is Java's `null`.
pub type GivenSettings = BTreeMap<String, Option<String>>;

/// A connector that may run.
#[derive(Debug)]
pub struct Admission {
    /// Its name.
    pub name: Arc<str>,
    /// How to make it.
    pub plugin: ConnectorPlugin,
    /// Its settings as written, with their variables.
    pub settings: Settings,
    /// The state to begin in.
    pub initial_state: InitialState,
}

/// A connector's settings at the moment of use. They hold secrets.
#[derive(Debug)]
pub struct ResolvedConnector {
    /// The settings, typed.
    pub config: ConnectorConfig,
    /// Takes the values of variables out of texts.
    pub redactor: Redactor,
}

/// Checks settings with a worker's plugins, providers and policy.
pub struct ConnectorValidator {
    connectors: Arc<dyn ConnectorCatalog>,
    plugins: PluginCatalog,
    worker: Arc<WorkerConfig>,
    /// What there is to know of a worker of a cluster.
    cluster: Option<InCluster>,
}

/// What validation has to know of the workers of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCluster {
    /// The group that they are members of: no sink may be.
    pub group: String,
    /// Whether they give sources exactly-once guarantees.
    pub gives_exactly_once: bool,
}

impl std::fmt::Debug for ConnectorValidator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorValidator").finish_non_exhaustive()
    }
}

impl ConnectorValidator {
    /// For a worker with these connectors.
    pub fn new(connectors: Arc<dyn ConnectorCatalog>, worker: Arc<WorkerConfig>) -> Self {
        let plugins = PluginCatalog::new(connectors.as_ref());
        Self {
            connectors,
            plugins,
            worker,
            cluster: None,
        }
    }

    /// The same for a worker of a cluster.
    #[must_use]
    pub fn in_cluster(self, cluster: InCluster) -> Self {
        Self {
            cluster: Some(cluster),
            ..self
        }
    }

    /// The group of a worker that gives sources exactly-once guarantees.
    pub fn exactly_once_group(&self) -> Option<&str> {
        let cluster = self.cluster.as_ref()?;
        cluster.gives_exactly_once.then_some(&*cluster.group)
    }

    /// The worker's plugins.
    pub fn plugins(&self) -> &PluginCatalog {
        &self.plugins
    }

    /// The connectors that this worker has.
    pub fn catalog(&self) -> Arc<dyn ConnectorCatalog> {
        Arc::clone(&self.connectors)
    }

    /// All about the settings of a connector. Reads files where settings point to them, so it may block.
    ///
    /// # Errors
    /// [`HerderError::BadRequest`] where no connector is meant, [`HerderError::Config`] where a provider or a client's
    /// setting cannot be read.
    pub fn validate(&self, given: &GivenSettings) -> Result<ConfigInfos, HerderError> {
        let written: BTreeMap<String, String> = given
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect();
        let resolved = self
            .worker
            .providers
            .resolve(&written)
            .map_err(HerderError::config)?;
        let infos = self.validate_resolved(given, &written, &resolved);
        let redact = |error: HerderError| error.map_text(|text| resolved.redactor.redact(text));
        infos
            .map(|infos| redacted::redact(infos, &written, &resolved))
            .map_err(redact)
    }

    /// Lets a connector in.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and [`HerderError::BadRequest`] with everything that is wrong.
    pub fn admit(
        &self,
        given: &GivenSettings,
        initial_state: InitialState,
    ) -> Result<Admission, HerderError> {
        let infos = self.validate(given)?;
        if infos.error_count > 0 {
            return Err(invalid(&infos));
        }
        // What has no value is refused above.
        let written: BTreeMap<String, String> = given
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect();
        let resolved = self
            .worker
            .providers
            .resolve(&written)
            .map_err(HerderError::config)?;
        // As in Java, groups of topics that cannot be used fail the connector when it starts.
        let config = self
            .typed(resolved.settings, false)
            .map_err(|fault| HerderError::config(resolved.redactor.redact(&fault.to_string())))?;
        let plugin = self.connector(&config.class)?;
        spelling::warn(&config.name, &infos, &written);
        Ok(Admission {
            name: config.name.into(),
            plugin,
            settings: Settings::from(written),
            initial_state,
        })
    }

    /// How to make the connector that users mean by a class or an alias.
    ///
    /// # Errors
    /// [`HerderError::BadRequest`], which names the classes that there are.
    pub fn connector(&self, class: &str) -> Result<ConnectorPlugin, HerderError> {
        self.connectors
            .connector(class)
            .ok_or_else(|| self.unknown(class))
    }

    /// The settings of an admitted connector as its code and its tasks get them. May block.
    ///
    /// # Errors
    /// A provider cannot be read any more, or its values changed for the worse.
    pub fn resolve(
        &self,
        written: &BTreeMap<String, String>,
    ) -> Result<ResolvedConnector, HerderError> {
        let Resolved {
            settings, redactor, ..
        } = self
            .worker
            .providers
            .resolve(written)
            .map_err(HerderError::config)?;
        match self.typed(settings, self.worker.topic_creation_enable) {
            Ok(config) => Ok(ResolvedConnector { config, redactor }),
            Err(fault) => Err(HerderError::config(redactor.redact(&fault.to_string()))),
        }
    }

    fn typed(
        &self,
        settings: BTreeMap<String, String>,
        makes_topics: bool,
    ) -> Result<ConnectorConfig, ConfigError> {
        let class = settings.get("connector.class").map_or("", String::as_str);
        let plugin = self.connectors.connector(class);
        match plugin.map(|plugin| plugin.factory) {
            Some(ConnectorFactory::Source(_)) => ConnectorConfig::source(settings, makes_topics),
            _ => ConnectorConfig::sink(settings),
        }
    }

    /// The settings of a task at its start, and what takes their secrets out of texts. May block.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), and [`HerderError::Failed`] where the policy forbids what the connector overrides.
    pub fn resolve_task(
        &self,
        connector: &BTreeMap<String, String>,
        task: &BTreeMap<String, String>,
    ) -> Result<(ResolvedConnector, BTreeMap<String, String>), HerderError> {
        let connector = self.resolve(connector)?;
        let used = self.clients(&connector.config);
        self.check_policy(&connector.config, used)?;
        let task = self
            .worker
            .providers
            .resolve(task)
            .map_err(HerderError::config)?;
        Ok((connector, task.settings))
    }

    /// The settings of a connector whose offsets are to be read or changed, which takes clients. May block.
    ///
    /// # Errors
    /// As [`resolve_task`](Self::resolve_task).
    pub fn resolve_offsets(
        &self,
        connector: &BTreeMap<String, String>,
    ) -> Result<ResolvedConnector, HerderError> {
        let connector = self.resolve(connector)?;
        let mut used = self.clients(&connector.config);
        // Its group is read by an admin client, of which validation asks nothing where there are no dead letters.
        if matches!(connector.config.kind, KindConfig::Sink(_)) {
            used.insert(0, ClientKind::Admin);
        }
        self.check_policy(&connector.config, used)?;
        Ok(connector)
    }

    fn clients(&self, connector: &ConnectorConfig) -> Vec<ClientKind> {
        let connector = clients::Traits::of_connector(connector);
        clients::clients(connector, self.cluster.as_ref())
    }

    /// Checks once more that the policy allows what is overridden of these clients.
    fn check_policy(
        &self,
        connector: &ConnectorConfig,
        used: Vec<ClientKind>,
    ) -> Result<(), HerderError> {
        let policy = &self.worker.override_policy;
        let mut used = used.into_iter();
        used.try_for_each(|kind| clients::check_client(kind, connector, policy))
            .map_err(HerderError::Failed)
    }

    /// The definitions of a plugin's settings, and for a connector those that all connectors have.
    ///
    /// # Errors
    /// [`HerderError::BadRequest`] for a bad version, [`HerderError::NotFound`] for an unknown plugin.
    pub fn plugin_config(&self, name: &str, version: &str) -> Result<Vec<KeyInfo>, HerderError> {
        let range = VersionRange::parse(Some(version)).map_err(|_| {
            HerderError::BadRequest(format!("Invalid version specification: {version}"))
        })?;
        let unknown = || match self.plugins.is_unlisted(name) {
            true => HerderError::BadRequest(format!(
                "Invalid plugin class {name}. Valid types are sink, source, converter, \
                 header_converter, transformation, predicate."
            )),
            false => HerderError::NotFound(format!("Unknown plugin {name}.")),
        };
        let plugin = self.plugins.named(name).next().ok_or_else(unknown)?;
        self.plugins
            .check_version(plugin.class, range.as_ref())
            .map_err(HerderError::BadRequest)?;
        let mut definitions = Definitions::default();
        definitions.define_all(&plugin.config());
        if matches!(plugin.kind, PluginKind::Sink | PluginKind::Source) {
            definitions.define_missing(&framework::plain(plugin));
        }
        Ok(definitions.into_infos())
    }

    fn validate_resolved(
        &self,
        given: &GivenSettings,
        written: &BTreeMap<String, String>,
        resolved: &Resolved,
    ) -> Result<ConfigInfos, HerderError> {
        let Some(class) = resolved.settings.get("connector.class") else {
            return Err(HerderError::BadRequest(no_class_message(given)));
        };
        let plugin = self.plugin(class)?;
        let version = resolved
            .settings
            .get("connector.plugin.version")
            .map(String::as_str);
        let range = VersionRange::parse(version)
            .map_err(|error| HerderError::BadRequest(error.to_string()))?;
        let settings = Effective {
            given,
            values: &resolved.settings,
        };
        if let Err(message) = self.plugins.check_version(plugin.class, range.as_ref()) {
            return Ok(self.wrong_version(plugin, &settings, &message));
        }
        tracing::debug!(
            "Validating connector {}, version {}",
            written.get("connector.class").map_or("", String::as_str),
            plugin.version
        );
        self.all_infos(class, plugin, &settings)
    }

    fn all_infos(
        &self,
        class: &str,
        plugin: &Plugin,
        settings: &Effective<'_>,
    ) -> Result<ConfigInfos, HerderError> {
        let mut definitions = framework::connector(plugin, settings, &self.plugins, &self.worker);
        chain::enrich(&mut definitions, settings, &self.plugins);
        let mut checked = definitions.check(settings, &self.plugins);
        match plugin.kind {
            PluginKind::Source => self.check_source(plugin, settings, &mut checked),
            _ => self.check_sink(settings, &mut checked),
        }
        checked.add_null_errors(settings.given);
        let of_converters = converters::infos(settings, &mut checked, &self.plugins);
        let connector = clients::Traits::of_settings(plugin.kind, settings);
        let kinds = clients::clients(connector, self.cluster.as_ref());
        let of_clients = clients::infos(kinds, settings, &self.worker.override_policy)?;
        let own = self.connector_infos(plugin, settings, definitions, checked);
        Ok(ConfigInfos::merged(
            class,
            [own].into_iter().chain(of_clients).chain(of_converters),
        ))
    }

    fn check_sink(&self, settings: &Effective<'_>, checked: &mut CheckedKeys) {
        for fault in topic_faults(settings.values) {
            checked.add_error(fault.name(), &fault.to_string());
        }
        if let Some(cluster) = &self.cluster {
            clients::check_group(&cluster.group, settings, checked);
        }
    }

    fn check_source(&self, plugin: &Plugin, settings: &Effective<'_>, checked: &mut CheckedKeys) {
        let known = self.connectors.connector(plugin.class);
        if let Some(cluster) = &self.cluster
            && let Some(ConnectorFactory::Source(make)) = known.map(|known| known.factory)
        {
            source::check(&*make(), cluster, settings.values, checked);
        }
    }

    /// The framework's keys with the connector's own among and behind them.
    fn connector_infos(
        &self,
        plugin: &Plugin,
        settings: &Effective<'_>,
        mut definitions: Definitions,
        mut checked: CheckedKeys,
    ) -> ConfigInfos {
        let mut own = Definitions::default();
        own.define_all(&plugin.config());
        checked.replace(own.check(settings, &self.plugins));
        let known = self.connectors.connector(plugin.class);
        if let Some(ConnectorFactory::Source(make)) = known.map(|known| known.factory) {
            source::add_own_faults(&*make(), settings.values, &mut checked);
        }
        definitions.define_all(&plugin.config());
        checked.into_infos(definitions)
    }

    /// What is told of a connector that is there in another version only.
    fn wrong_version(
        &self,
        plugin: &Plugin,
        settings: &Effective<'_>,
        message: &str,
    ) -> ConfigInfos {
        let definitions = framework::connector_only(plugin, settings);
        let mut checked = definitions.check(settings, &self.plugins);
        checked.add_error("connector.class", message);
        checked.add_error("connector.plugin.version", message);
        checked.recommend("connector.plugin.version", vec![plugin.version.to_owned()]);
        checked.add_null_errors(settings.given);
        let mut infos = checked.into_infos(definitions);
        infos.name = settings
            .text("connector.class")
            .unwrap_or_default()
            .to_owned();
        infos
    }

    fn plugin(&self, class: &str) -> Result<&Plugin, HerderError> {
        let plugin = self.connectors.connector(class);
        let kind = |factory| match factory {
            ConnectorFactory::Sink(_) => Some(PluginKind::Sink),
            ConnectorFactory::Source(_) => Some(PluginKind::Source),
            _ => None,
        };
        plugin
            .and_then(|plugin| self.plugins.find(kind(plugin.factory)?, plugin.class))
            .ok_or_else(|| self.unknown(class))
    }

    fn unknown(&self, class: &str) -> HerderError {
        let connectors = self.plugins.of_kind(PluginKind::Sink);
        let connectors = connectors.chain(self.plugins.of_kind(PluginKind::Source));
        let known: Vec<String> = connectors.map(described).collect();
        HerderError::BadRequest(format!(
            "Failed to find any class that implements Connector and which name matches {class}, \
             available connectors are: {}",
            known.join(", ")
        ))
    }
}

/// Settings with values in place of variables, and which of them came without a value.
pub(super) struct Effective<'a> {
    given: &'a GivenSettings,
    values: &'a BTreeMap<String, String>,
}

impl<'a> Effective<'a> {
    /// A key's value; `Some(None)` for one that is there without.
    fn get(&self, key: &str) -> Option<Option<&'a str>> {
        let value = self.values.get(key).map(String::as_str);
        self.given.contains_key(key).then_some(value)
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.values.get(key).map(String::as_str)
    }
}

/// As Java's `PluginDesc.toString`.
fn described(plugin: &Plugin) -> String {
    let Plugin {
        class,
        version,
        kind,
        ..
    } = plugin;
    let kind = kind.name();
    format!(
        "PluginDesc{{klass=class {class}, name='{class}', version='{version}', \
         encodedVersion={version}, type={kind}, typeName='{kind}', location='classpath'}}"
    )
}

fn invalid(infos: &ConfigInfos) -> HerderError {
    let errors = infos.configs.iter().filter_map(|info| info.value.as_ref());
    let lines: Vec<&str> = errors
        .flat_map(|value| value.errors.iter().map(String::as_str))
        .collect();
    HerderError::BadRequest(format!(
        "Connector configuration is invalid and contains the following {} error(s):\n{}\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{{connectorType}}/config/validate`",
        infos.error_count,
        lines.join("\n")
    ))
}

#[cfg(test)]
mod tests;
