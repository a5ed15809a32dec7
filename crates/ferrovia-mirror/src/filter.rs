//! What is copied: topics, groups, and configurations of topics, each by lists of names and expressions.
//!
//! # Source
//! `DefaultTopicFilter`, `DefaultGroupFilter` and `DefaultConfigPropertyFilter`

use std::collections::BTreeMap;

use ferrovia_pipeline::config::{
    ConfigError, ConfigKey, ConfigType, Importance, ParsedConfig, Validator,
};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::pattern::JavaPattern;

const TOPICS: [&str; 2] = ["topics", "topics.exclude"];
const GROUPS: [&str; 2] = ["groups", "groups.exclude"];
const PROPERTIES_EXCLUDE: &str = "config.properties.exclude";
const USE_DEFAULTS_FROM: &str = "use.defaults.from";

/// Chooses topics.
#[derive(Clone, Debug)]
pub struct TopicFilter(Choice);

impl TopicFilter {
    /// The definition of `topics`.
    pub fn included() -> ConfigKey {
        list(TOPICS[0], &[".*"], "Topics to copy: names and expressions.")
    }

    /// The definition of `topics.exclude`.
    pub fn excluded() -> ConfigKey {
        let doc =
            "Topics not to copy, even where they are among those to copy: names and expressions.";
        list(
            TOPICS[1],
            &["mm2.*\\.internal", ".*\\.replica", "__.*"],
            doc,
        )
    }

    /// The filter that settings ask for.
    ///
    /// # Errors
    /// An expression that cannot be used.
    pub fn of(parsed: &ParsedConfig) -> Result<Self, ConnectError> {
        Choice::of(parsed, TOPICS).map(Self)
    }

    /// Whether this topic is chosen.
    pub fn chooses(&self, topic: &str) -> bool {
        self.0.chooses(topic)
    }
}

/// Chooses groups.
#[derive(Clone, Debug)]
pub struct GroupFilter(Choice);

impl GroupFilter {
    /// The definition of `groups`.
    pub fn included() -> ConfigKey {
        list(GROUPS[0], &[".*"], "Groups to copy: names and expressions.")
    }

    /// The definition of `groups.exclude`.
    pub fn excluded() -> ConfigKey {
        let doc =
            "Groups not to copy, even where they are among those to copy: names and expressions.";
        list(
            GROUPS[1],
            &["console-consumer-.*", "connect-.*", "__.*"],
            doc,
        )
    }

    /// The filter that settings ask for.
    ///
    /// # Errors
    /// An expression that cannot be used.
    pub fn of(parsed: &ParsedConfig) -> Result<Self, ConnectError> {
        Choice::of(parsed, GROUPS).map(Self)
    }

    /// Whether this group is chosen.
    pub fn chooses(&self, group: &str) -> bool {
        self.0.chooses(group)
    }
}

/// Chooses configurations of topics.
#[derive(Clone, Debug)]
pub struct PropertyFilter {
    excluded: Option<JavaPattern>,
    copies_defaults: bool,
}

impl PropertyFilter {
    /// The definition of `config.properties.exclude`.
    pub fn excluded() -> ConfigKey {
        let doc = "Configurations of topics not to copy: names and expressions.";
        let default = [
            "follower\\.replication\\.throttled\\.replicas",
            "leader\\.replication\\.throttled\\.replicas",
            "message\\.timestamp\\.difference\\.max\\.ms",
            "message\\.timestamp\\.type",
            "unclean\\.leader\\.election\\.enable",
            "min\\.insync\\.replicas",
        ];
        list(PROPERTIES_EXCLUDE, &default, doc)
    }

    /// The filter that settings ask for.
    ///
    /// # Errors
    /// An expression that cannot be used.
    pub fn of(
        parsed: &ParsedConfig,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, ConnectError> {
        let defaults = settings.get(USE_DEFAULTS_FROM).map(|text| text.trim());
        Ok(Self {
            excluded: any_of(PROPERTIES_EXCLUDE, parsed.list(PROPERTIES_EXCLUDE))?,
            copies_defaults: defaults == Some("source"),
        })
    }

    /// Whether this configuration is copied where it was set.
    pub fn chooses(&self, property: &str) -> bool {
        !matches(self.excluded.as_ref(), property)
    }

    /// Whether the source's defaults are copied too (`use.defaults.from=source`).
    pub fn copies_defaults(&self) -> bool {
        self.copies_defaults
    }
}

/// Names that one list takes in and another takes out.
#[derive(Clone, Debug)]
struct Choice {
    included: Option<JavaPattern>,
    excluded: Option<JavaPattern>,
}

impl Choice {
    fn of(parsed: &ParsedConfig, keys: [&str; 2]) -> Result<Self, ConnectError> {
        let [include, exclude] = keys;
        Ok(Self {
            included: any_of(include, parsed.list(include))?,
            excluded: any_of(exclude, parsed.list(exclude))?,
        })
    }

    fn chooses(&self, name: &str) -> bool {
        matches(self.included.as_ref(), name) && !matches(self.excluded.as_ref(), name)
    }
}

fn matches(pattern: Option<&JavaPattern>, name: &str) -> bool {
    pattern.is_some_and(|pattern| pattern.matches(name))
}

/// What matches any of these; nothing where there are none, as an empty expression would match everything.
fn any_of(key: &str, expressions: &[String]) -> Result<Option<JavaPattern>, ConnectError> {
    if expressions.is_empty() {
        return Ok(None);
    }
    let joined = expressions.join("|");
    let pattern = JavaPattern::new(&joined);
    let pattern = pattern
        .map_err(|error| ConfigError::invalid(key, &joined, format!("Invalid regex: {error}")))?;
    Ok(Some(pattern))
}

fn list(name: &'static str, default: &[&str], doc: &'static str) -> ConfigKey {
    let default = default.iter().map(|text| (*text).to_owned()).collect();
    ConfigKey::with_default(
        name,
        ConfigType::List,
        ferrovia_pipeline::config::ConfigValue::List(default),
    )
    .validator(Validator::List {
        allow_empty: true,
        allow_null: false,
    })
    .importance(Importance::High)
    .doc(doc)
}

#[cfg(test)]
mod tests;
