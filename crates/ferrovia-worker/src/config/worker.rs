//! The worker's settings, typed: what all other parts of the worker read.
//!
//! # Source
//! `WorkerConfig` and `StandaloneConfig` of Kafka 4.2.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigError, ParsedConfig};

use super::connector::ConverterSettings;
use super::override_policy::OverridePolicy;
use super::providers::{ConfigProviders, Resolved};
pub use super::rest::RestConfig;
use super::settings::Settings;
use super::{distributed_definition, spelling, worker_definition};

mod known;

const PLUGIN_PATH: &str = "plugin.path";

/// Which client a prefixed setting is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Reads the records of sinks.
    Consumer,
    /// Writes the records of sources and dead letters.
    Producer,
    /// Creates topics and changes offsets.
    Admin,
}

impl ClientKind {
    /// What the worker's settings for it begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Consumer => "consumer.",
            Self::Producer => "producer.",
            Self::Admin => "admin.",
        }
    }

    /// What a connector's settings for it begin with.
    pub fn override_prefix(self) -> &'static str {
        match self {
            Self::Consumer => "consumer.override.",
            Self::Producer => "producer.override.",
            Self::Admin => "admin.override.",
        }
    }
}

/// The settings that both kinds of worker have.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Brokers as `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// The converter of keys for connectors without one.
    pub key_converter: ConverterSettings,
    /// The converter of values for connectors without one.
    pub value_converter: ConverterSettings,
    /// The converter of headers for connectors without one.
    pub header_converter: ConverterSettings,
    /// What all tasks together have to stop.
    pub task_shutdown_graceful_timeout: Duration,
    /// Between commits of offsets.
    pub offset_flush_interval: Duration,
    /// Until a commit of offsets is given up.
    pub offset_flush_timeout: Duration,
    /// Whether sources may create topics.
    pub topic_creation_enable: bool,
    /// Whether the topics of connectors are tracked.
    pub topic_tracking_enable: bool,
    /// Whether tracked topics may be reset.
    pub topic_tracking_allow_reset: bool,
    /// The REST server's.
    pub rest: RestConfig,
    /// Threads that run tasks; at least 1.
    pub threads: usize,
    /// Bytes for records on their way, shared by all tasks.
    pub memory_bytes: usize,
    /// After which time without progress a task is warned of; `None` for never.
    pub task_progress_warn: Option<Duration>,
    /// Every checked setting by its name, for those that have no field.
    pub parsed: ParsedConfig,
    /// Where the values of variables come from.
    pub providers: ConfigProviders,
    /// Which client settings connectors may override.
    pub override_policy: OverridePolicy,
    /// The settings with the values of their variables.
    pub originals: Settings,
    kind: WorkerKind,
}

/// Which settings a worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerKind {
    /// It is alone.
    Standalone,
    /// It is one of a cluster.
    Distributed,
}

impl WorkerKind {
    fn definitions(self) -> ConfigDef {
        match self {
            Self::Standalone => worker_definition::standalone(),
            Self::Distributed => distributed_definition::distributed(),
        }
    }
}

impl WorkerConfig {
    /// What the worker sets for the clients of one kind that work for connectors, without the prefix.
    ///
    /// Only the admin client takes the worker's settings that have no prefix, which is a trap that users of Kafka
    /// Connect know: security settings have to be repeated with each prefix.
    pub fn client_settings(&self, kind: ClientKind) -> Settings {
        let prefixed = self.originals.with_prefix(kind.prefix());
        match kind {
            ClientKind::Consumer | ClientKind::Producer => prefixed,
            ClientKind::Admin => self.unprefixed().overridden_by(prefixed),
        }
    }

    /// The keys that nothing reads, by name. Mostly they are misspelt.
    pub fn unknown_keys(&self) -> Vec<&str> {
        let definitions = self.kind.definitions();
        let keys = self.originals.as_map().keys().map(String::as_str);
        keys.filter(|key| definitions.key(key).is_none() && !known::is_known(key, self.kind))
            .collect()
    }

    /// Unknown keys that look like known ones, each with the one it was probably meant to be.
    pub fn misspelt_keys(&self) -> Vec<(&str, String)> {
        let definitions = self.kind.definitions();
        let known = || {
            definitions
                .keys()
                .map(|key| key.name())
                .chain(known::client_keys())
        };
        let meant = |key| Some((key, spelling::suggestion(key, known())?.to_owned()));
        self.unknown_keys().into_iter().filter_map(meant).collect()
    }

    fn unprefixed(&self) -> Settings {
        let kinds = [
            ClientKind::Consumer,
            ClientKind::Producer,
            ClientKind::Admin,
        ];
        let entries = self.originals.as_map().iter();
        let plain = entries.filter(|(key, _)| !kinds.iter().any(|k| key.starts_with(k.prefix())));
        Settings::from(
            plain
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
        )
    }

    /// Types and checks the settings of one kind of worker, after the values of variables have taken their places; `rest`
    /// does what that kind has of its own. No value of a variable is told in an error.
    pub(super) fn resolve<T>(
        settings: &BTreeMap<String, String>,
        kind: WorkerKind,
        rest: impl FnOnce(Self) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let providers = ConfigProviders::from_settings(settings)?;
        let Resolved {
            settings: mut resolved,
            redactor,
            ..
        } = providers.resolve(settings)?;
        // Java reads it before there are providers.
        if let Some(path) = settings.get(PLUGIN_PATH) {
            resolved.insert(PLUGIN_PATH.to_owned(), path.clone());
        }
        let parsed = kind.definitions().parse(&resolved);
        let worker =
            parsed.and_then(|parsed| Self::new(parsed, Settings::from(resolved), providers, kind));
        worker.and_then(rest).map_err(|error| {
            ConfigError::rule(error.name().to_owned(), redactor.redact(&error.to_string()))
        })
    }

    fn new(
        parsed: ParsedConfig,
        originals: Settings,
        providers: ConfigProviders,
        kind: WorkerKind,
    ) -> Result<Self, ConfigError> {
        let converter = |key: &str| -> Result<ConverterSettings, ConfigError> {
            Ok(ConverterSettings {
                class: parsed.string(key)?.to_owned(),
                settings: originals.with_prefix(&format!("{key}.")),
            })
        };
        Ok(Self {
            override_policy: OverridePolicy::new(&parsed)?,
            providers,
            bootstrap_servers: parsed.list("bootstrap.servers").to_vec(),
            key_converter: converter("key.converter")?,
            value_converter: converter("value.converter")?,
            header_converter: converter("header.converter")?,
            task_shutdown_graceful_timeout: millis(&parsed, "task.shutdown.graceful.timeout.ms")?,
            offset_flush_interval: millis(&parsed, "offset.flush.interval.ms")?,
            offset_flush_timeout: millis(&parsed, "offset.flush.timeout.ms")?,
            topic_creation_enable: parsed.boolean("topic.creation.enable")?,
            topic_tracking_enable: parsed.boolean("topic.tracking.enable")?,
            topic_tracking_allow_reset: parsed.boolean("topic.tracking.allow.reset")?,
            rest: RestConfig::new(&parsed, &originals)?,
            threads: threads(&parsed),
            memory_bytes: usize::try_from(parsed.long("worker.memory.bytes")?)
                .unwrap_or(usize::MAX),
            task_progress_warn: Some(millis(&parsed, "task.progress.warn.ms")?)
                .filter(|after| !after.is_zero()),
            parsed,
            originals,
            kind,
        })
    }
}

/// The settings of a worker that keeps everything to itself.
#[derive(Clone, Debug)]
pub struct StandaloneConfig {
    /// What both kinds of worker have.
    pub worker: WorkerConfig,
    /// Where the offsets of sources are kept.
    pub offset_file: PathBuf,
}

impl StandaloneConfig {
    /// Types and checks settings, after the values of variables have taken their places.
    ///
    /// # Errors
    /// The first setting that is missing or unusable, in Java's words, or a provider that cannot be read. No value of a
    /// variable is told.
    pub fn from_settings(settings: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        WorkerConfig::resolve(&settings, WorkerKind::Standalone, |worker| {
            let offset_file = worker.parsed.string("offset.storage.file.filename")?.into();
            Ok(Self {
                worker,
                offset_file,
            })
        })
    }
}

/// Java takes a negative time as over at once, and so does this.
fn millis(parsed: &ParsedConfig, key: &str) -> Result<Duration, ConfigError> {
    Ok(Duration::from_millis(
        u64::try_from(parsed.long(key)?).unwrap_or(0),
    ))
}

fn threads(parsed: &ParsedConfig) -> usize {
    let configured = parsed
        .optional_int("worker.threads")
        .and_then(|n| usize::try_from(n).ok());
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    configured.unwrap_or_else(cores)
}

#[cfg(test)]
mod tests;
