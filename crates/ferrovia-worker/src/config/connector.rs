//! The settings of one connector, typed.
//!
//! # Source
//! `ConnectorConfig` and `SinkConnectorConfig` of Kafka 4.2.

mod source;

pub use source::{SourceConfig, TopicCreationGroup, TransactionBoundary};

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigError, ParsedConfig};
use ferrovia_pipeline::pattern::JavaPattern;

use super::connector_definition;
use super::java_map::java_text;
use super::settings::Settings;
use super::source_definition;
use super::worker::{ClientKind, WorkerConfig};

/// A converter and its settings, without the prefix that says whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterSettings {
    /// Its class or an alias of it.
    pub class: String,
    /// What it is configured with.
    pub settings: Settings,
}

/// The topics that a sink reads.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// These.
    Topics(Vec<String>),
    /// All whose names match.
    Pattern(TopicPattern),
}

/// An expression that names of topics match as a whole.
#[derive(Clone, Debug)]
pub struct TopicPattern(Arc<JavaPattern>);

impl TopicPattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn new(text: &str) -> Result<Self, String> {
        let pattern = JavaPattern::new(text).map_err(|error| error.to_string())?;
        Ok(Self(Arc::new(pattern)))
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a topic's whole name matches. An expression that takes too long on a name does not match it.
    pub fn matches(&self, topic: &str) -> bool {
        self.0.matches(topic)
    }
}

/// Where records go that a sink could not process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterConfig {
    /// The topic.
    pub topic: String,
    /// With which replication factor it is created.
    pub replication_factor: i16,
    /// Whether headers tell what went wrong.
    pub context_headers: bool,
    /// Where more records of one `put` are bad than this, an outage is to blame. Ferrovia's own.
    pub outage_threshold: Option<NonZeroU32>,
}

/// What to do about records that cannot be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorsConfig {
    /// For how long a step is tried again; `None` for ever.
    pub retry_timeout: Option<Duration>,
    /// Longest time between two tries.
    pub retry_delay_max: Duration,
    /// Whether a bad record is skipped.
    pub is_tolerant: bool,
    /// Whether each error is logged.
    pub log_enable: bool,
    /// Whether the log tells which record it was.
    pub log_include_messages: bool,
}

/// What a sink has besides.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// What it reads.
    pub subscription: Subscription,
    /// Where bad records go, if anywhere.
    pub dead_letters: Option<DeadLetterConfig>,
}

/// What only connectors of one kind have.
#[derive(Clone, Debug)]
pub enum KindConfig {
    /// One that reads from Kafka.
    Sink(SinkConfig),
    /// One that writes to Kafka.
    Source(SourceConfig),
}

/// The settings of one connector.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// Its name.
    pub name: String,
    /// Its class or an alias of it.
    pub class: String,
    /// Most tasks that it may have; at least 1.
    pub tasks_max: usize,
    /// Whether it fails when it makes more.
    pub tasks_max_enforce: bool,
    /// Aliases of its transformations, in order.
    pub transforms: Vec<String>,
    /// Aliases of its predicates.
    pub predicates: Vec<String>,
    /// What to do about bad records.
    pub errors: ErrorsConfig,
    /// What only a sink or only a source has.
    pub kind: KindConfig,
    /// The settings with the values of their variables.
    pub originals: Settings,
}

impl ConnectorConfig {
    /// Types and checks the settings of a sink.
    ///
    /// # Errors
    /// The first that is missing or unusable, in Java's words.
    pub fn sink(settings: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let own = connector_definition::own();
        let all = own.keys().cloned();
        let all = all.fold(connector_definition::sink(), ConfigDef::define);
        let parsed = all.parse(&settings)?;
        if let Some(fault) = topic_faults(&settings).into_iter().next() {
            return Err(fault);
        }
        let kind = KindConfig::Sink(sink(&parsed)?);
        Self::of_kind(kind, &parsed, settings)
    }

    /// Types and checks the settings of a source. Groups of topics count where the worker makes topics.
    ///
    /// # Errors
    /// The first that is missing or unusable, in Java's words.
    pub fn source(
        settings: BTreeMap<String, String>,
        makes_topics: bool,
    ) -> Result<Self, ConfigError> {
        let restarts = connector_definition::restart_keys().into_iter();
        let all = restarts.fold(source_definition::source(), ConfigDef::define);
        let parsed = all.parse(&settings)?;
        let kind = KindConfig::Source(SourceConfig::new(&parsed, &settings, makes_topics)?);
        Self::of_kind(kind, &parsed, settings)
    }

    fn of_kind(
        kind: KindConfig,
        parsed: &ParsedConfig,
        settings: BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            name: parsed.string("name")?.to_owned(),
            class: parsed.string("connector.class")?.to_owned(),
            tasks_max: usize::try_from(parsed.int("tasks.max")?).unwrap_or(1),
            tasks_max_enforce: parsed.boolean("tasks.max.enforce")?,
            transforms: parsed.list("transforms").to_vec(),
            predicates: parsed.list("predicates").to_vec(),
            errors: errors(parsed)?,
            kind,
            originals: Settings::from(settings),
        })
    }

    /// What only a sink has, if this is one.
    pub fn sink_config(&self) -> Option<&SinkConfig> {
        match &self.kind {
            KindConfig::Sink(sink) => Some(sink),
            KindConfig::Source(_) => None,
        }
    }

    /// What only a source has, if this is one.
    pub fn source_config(&self) -> Option<&SourceConfig> {
        match &self.kind {
            KindConfig::Source(source) => Some(source),
            KindConfig::Sink(_) => None,
        }
    }

    /// The converter of keys: the connector's with only the connector's settings, or else the worker's with the worker's.
    pub fn key_converter(&self, worker: &WorkerConfig) -> ConverterSettings {
        self.converter("key.converter", &worker.key_converter)
    }

    /// The converter of values; see [`key_converter`](Self::key_converter).
    pub fn value_converter(&self, worker: &WorkerConfig) -> ConverterSettings {
        self.converter("value.converter", &worker.value_converter)
    }

    /// The converter of headers; see [`key_converter`](Self::key_converter).
    pub fn header_converter(&self, worker: &WorkerConfig) -> ConverterSettings {
        self.converter("header.converter", &worker.header_converter)
    }

    /// What a client of this connector is configured with: the worker's settings for its kind, then the connector's.
    pub fn client_settings(&self, kind: ClientKind, worker: &WorkerConfig) -> Settings {
        let overrides = self.originals.with_prefix(kind.override_prefix());
        worker.client_settings(kind).overridden_by(overrides)
    }

    /// The consumer group of a sink: `connect-<name>` unless the clients' settings say otherwise.
    pub fn group_id(&self, worker: &WorkerConfig) -> String {
        let consumer = self.client_settings(ClientKind::Consumer, worker);
        consumer
            .text("group.id")
            .map_or_else(|| format!("connect-{}", self.name), str::to_owned)
    }

    fn converter(&self, key: &str, of_worker: &ConverterSettings) -> ConverterSettings {
        match self.originals.text(key) {
            None => of_worker.clone(),
            Some(class) => ConverterSettings {
                class: class.trim().to_owned(),
                settings: self.originals.with_prefix(&format!("{key}.")),
            },
        }
    }
}

/// The one line that says that nothing tells which connector is meant.
pub fn no_class_message(settings: &BTreeMap<String, Option<String>>) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let shown: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    format!(
        "Connector config {} contains no connector type",
        java_text(&shown)
    )
}

/// What is wrong with `topics`, `topics.regex` and the dead letter topic together. A fault of both keys counts twice.
pub fn topic_faults(settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
    let text = |key: &str| settings.get(key).map(String::as_str);
    let is_set = |key: &str| text(key).is_some_and(|text| !text.trim().is_empty());
    let both = |message: &str| {
        vec![
            ConfigError::rule("topics", message),
            ConfigError::rule("topics.regex", message),
        ]
    };
    let mut faults = match (is_set("topics"), is_set("topics.regex")) {
        (true, true) => {
            both("topics and topics.regex are mutually exclusive options, but both are set.")
        }
        (false, false) => both("Must configure one of topics or topics.regex"),
        _ => Vec::new(),
    };
    let dead_letters = text("errors.deadletterqueue.topic.name")
        .unwrap_or_default()
        .trim();
    if !dead_letters.is_empty() {
        faults.extend(dead_letter_faults(
            dead_letters,
            text("topics"),
            text("topics.regex"),
        ));
    }
    faults
}

fn dead_letter_faults(
    dead_letters: &str,
    topics: Option<&str>,
    pattern: Option<&str>,
) -> Vec<ConfigError> {
    let mut faults = Vec::new();
    let mut listed: Vec<&str> = Vec::new();
    for topic in topics.unwrap_or_default().split(',').map(str::trim) {
        if !topic.is_empty() && !listed.contains(&topic) {
            listed.push(topic);
        }
    }
    let topics = listed;
    if topics.contains(&dead_letters) {
        let listed = topics.join(", ");
        faults.push(ConfigError::rule(
            "topics",
            format!(
                "The DLQ topic '{dead_letters}' may not be included in the list of topics \
                 ('topics=[{listed}]') consumed by the connector"
            ),
        ));
    }
    let pattern = pattern.unwrap_or_default();
    if TopicPattern::new(pattern).is_ok_and(|compiled| compiled.matches(dead_letters)) {
        faults.push(ConfigError::rule(
            "topics.regex",
            format!(
                "The DLQ topic '{dead_letters}' may not be matched by the regex for the topics \
                 ('topics.regex={pattern}') consumed by the connector"
            ),
        ));
    }
    faults
}

fn errors(parsed: &ParsedConfig) -> Result<ErrorsConfig, ConfigError> {
    let millis = |number: i64| Duration::from_millis(u64::try_from(number).unwrap_or(0));
    let timeout = parsed.long("errors.retry.timeout")?;
    Ok(ErrorsConfig {
        retry_timeout: (timeout != -1).then(|| millis(timeout)),
        retry_delay_max: millis(parsed.long("errors.retry.delay.max.ms")?),
        is_tolerant: parsed.string("errors.tolerance")? == "all",
        log_enable: parsed.boolean("errors.log.enable")?,
        log_include_messages: parsed.boolean("errors.log.include.messages")?,
    })
}

fn sink(parsed: &ParsedConfig) -> Result<SinkConfig, ConfigError> {
    let topics = parsed.list("topics");
    let subscription = if topics.is_empty() {
        let text = parsed.string("topics.regex")?;
        let pattern = TopicPattern::new(text).map_err(|why| {
            ConfigError::invalid("topics.regex", text, format!("Invalid regex: {why}"))
        })?;
        Subscription::Pattern(pattern)
    } else {
        Subscription::Topics(topics.to_vec())
    };
    let dead_letters = DeadLetterConfig {
        topic: parsed
            .string("errors.deadletterqueue.topic.name")?
            .to_owned(),
        replication_factor: parsed.short("errors.deadletterqueue.topic.replication.factor")?,
        context_headers: parsed.boolean("errors.deadletterqueue.context.headers.enable")?,
        outage_threshold: u32::try_from(parsed.int(connector_definition::OUTAGE_THRESHOLD)?)
            .ok()
            .and_then(NonZeroU32::new),
    };
    let dead_letters = (!dead_letters.topic.is_empty()).then_some(dead_letters);
    Ok(SinkConfig {
        subscription,
        dead_letters,
    })
}

#[cfg(test)]
mod tests;
