//! The settings that only a source has, typed.
//!
//! # Source
//! `SourceConnectorConfig`, `TopicCreationGroup` and `SourceTask.TransactionBoundary` of Kafka 4.2

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigError, ConfigValue, ParsedConfig};

use super::TopicPattern;
use crate::config::source_definition::{
    DEFAULT_GROUP, EXCLUDE, INCLUDE, OFFSETS_TOPIC, PARTITIONS, REPLICATION_FACTOR, TOPIC_CREATION,
    TOPIC_CREATION_GROUPS, TRANSACTION_BOUNDARY, TRANSACTION_INTERVAL, check_topic_creation,
    topic_creation,
};

/// Groups of topics that one connector may list. Users have a handful.
const GROUPS_MAX: usize = 256;

/// What a source has besides.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// How topics are made that are not there: the groups in the order in which they are asked, the default group last.
    /// `None` where nothing is said of it, or the worker makes no topics.
    pub topic_creation: Option<Vec<TopicCreationGroup>>,
    /// Where transactions end.
    pub transaction_boundary: TransactionBoundary,
    /// How long a transaction takes that ends by time; `None` for the worker's `offset.flush.interval.ms`.
    pub transaction_interval: Option<Duration>,
    /// The connector's own topic for offsets, which a worker that is alone does not heed.
    pub offsets_topic: Option<String>,
}

/// Where a source's transactions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionBoundary {
    /// Behind the records of each poll.
    Poll,
    /// When an interval has passed.
    Interval,
    /// Where the connector says.
    Connector,
}

/// Topics that are made alike.
#[derive(Clone, Debug)]
pub struct TopicCreationGroup {
    /// Its name.
    pub name: String,
    /// The expressions of topics that are in it and that are not; `None` for the default group, which has all.
    topics: Option<(TopicPattern, TopicPattern)>,
    /// How many partitions; `None` for the brokers' default.
    pub partitions: Option<i32>,
    /// How many copies of each; `None` for the brokers' default.
    pub replication_factor: Option<i16>,
    /// The topics' other configurations.
    pub configs: BTreeMap<String, String>,
}

impl SourceConfig {
    pub(super) fn new(
        parsed: &ParsedConfig,
        settings: &BTreeMap<String, String>,
        makes_topics: bool,
    ) -> Result<Self, ConfigError> {
        let interval = match parsed.value(TRANSACTION_INTERVAL) {
            Some(ConfigValue::Long(millis)) => u64::try_from(*millis).ok(),
            _ => None,
        };
        let mentions_topics = settings.keys().any(|key| key.starts_with(TOPIC_CREATION));
        Ok(Self {
            topic_creation: match makes_topics && mentions_topics {
                true => Some(groups(parsed.list(TOPIC_CREATION_GROUPS), settings)?),
                false => None,
            },
            transaction_boundary: match lower_case(parsed, TRANSACTION_BOUNDARY).as_str() {
                "interval" => TransactionBoundary::Interval,
                "connector" => TransactionBoundary::Connector,
                _ => TransactionBoundary::Poll,
            },
            transaction_interval: interval.map(Duration::from_millis),
            offsets_topic: parsed.optional_string(OFFSETS_TOPIC).map(str::to_owned),
        })
    }

    /// The group of which a topic is made; `None` where topics are not made.
    pub fn group_of(&self, topic: &str) -> Option<&TopicCreationGroup> {
        let groups = self.topic_creation.as_ref()?;
        groups.iter().find(|group| group.has(topic))
    }
}

impl TopicCreationGroup {
    /// Whether a topic belongs to it, if it belongs to none before.
    fn has(&self, topic: &str) -> bool {
        match &self.topics {
            None => true,
            Some((include, exclude)) => !exclude.matches(topic) && include.matches(topic),
        }
    }
}

fn lower_case(parsed: &ParsedConfig, name: &str) -> String {
    let text = parsed.optional_string(name).unwrap_or_default();
    text.to_ascii_lowercase()
}

fn groups(
    aliases: &[String],
    settings: &BTreeMap<String, String>,
) -> Result<Vec<TopicCreationGroup>, ConfigError> {
    if aliases.len() > GROUPS_MAX {
        let reason = format!("There may be no more than {GROUPS_MAX} groups");
        let count = aliases.len().to_string();
        return Err(ConfigError::invalid(TOPIC_CREATION_GROUPS, count, reason));
    }
    let default = group(DEFAULT_GROUP, settings, None)?;
    let defaults = (
        default.partitions.unwrap_or(BROKERS_DEFAULT_PARTITIONS),
        default.replication_factor.unwrap_or(BROKERS_DEFAULT_FACTOR),
    );
    let mut groups = Vec::new();
    for alias in aliases {
        if alias == DEFAULT_GROUP {
            tracing::warn!(
                "'{DEFAULT_GROUP}' topic creation group always exists and does not need to be listed explicitly"
            );
        } else {
            groups.push(group(alias, settings, Some(defaults))?);
        }
    }
    groups.push(default);
    Ok(groups)
}

fn group(
    alias: &str,
    settings: &BTreeMap<String, String>,
    defaults: Option<(i32, i16)>,
) -> Result<TopicCreationGroup, ConfigError> {
    let prefix = format!("{TOPIC_CREATION}{alias}.");
    let definitions = topic_creation(alias, defaults);
    let parsed = definitions.parse(settings)?;
    for key in definitions.keys() {
        let within = key
            .name()
            .strip_prefix(&prefix)
            .unwrap_or_else(|| key.name());
        parsed
            .value(key.name())
            .map_or(Ok(()), |value| check_topic_creation(within, value))?;
    }
    let joined = |key: &str| {
        let name = format!("{prefix}{key}");
        let text = parsed.list(&name).join("|");
        TopicPattern::new(&text).map_err(|why| ConfigError::invalid(&name, &text, why))
    };
    let topics = match defaults {
        None => None,
        Some(_) => Some((joined(INCLUDE)?, joined(EXCLUDE)?)),
    };
    let partitions = parsed.int(&format!("{prefix}{PARTITIONS}"))?;
    let copies = parsed.short(&format!("{prefix}{REPLICATION_FACTOR}"))?;
    let own = [INCLUDE, EXCLUDE, PARTITIONS, REPLICATION_FACTOR];
    let of_group = settings.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix(&prefix)?;
        (!own.contains(&key)).then(|| (key.to_owned(), value.clone()))
    });
    Ok(TopicCreationGroup {
        name: alias.to_owned(),
        topics,
        partitions: (partitions != BROKERS_DEFAULT_PARTITIONS).then_some(partitions),
        replication_factor: (copies != BROKERS_DEFAULT_FACTOR).then_some(copies),
        configs: of_group.collect(),
    })
}

const BROKERS_DEFAULT_PARTITIONS: i32 = -1;
const BROKERS_DEFAULT_FACTOR: i16 = -1;

#[cfg(test)]
mod tests;
