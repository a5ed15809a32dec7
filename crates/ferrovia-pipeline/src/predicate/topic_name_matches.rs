//! `TopicNameMatches`: the whole name of the record's topic matches an expression.

use std::collections::BTreeMap;

use crate::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};
use crate::data::Record;
use crate::error::ConnectError;
use crate::pattern::JavaPattern;
use crate::predicate::Predicate;
use crate::transform::Scope;

pub(super) fn config() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::required("pattern", ConfigType::String)
            .validator(Validator::Rule(check_pattern))
            .importance(Importance::Medium)
            .doc("A Java regular expression for matching against the name of a record's topic."),
    )
}

fn check_pattern(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    Validator::NonEmpty.check(name, value)?;
    JavaPattern::check_setting(name, value)
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<TopicNameMatches, ConnectError> {
    let config = config().parse(settings)?;
    let text = config.string("pattern")?;
    let pattern = JavaPattern::new(text).map_err(|error| {
        let reason = format!("entry must be a Java-compatible regular expression: {error}");
        ConfigError::invalid("pattern", text, reason)
    })?;
    Ok(TopicNameMatches { pattern })
}

#[derive(Debug)]
pub(super) struct TopicNameMatches {
    pattern: JavaPattern,
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &Record<'_>) -> bool {
        self.pattern.matches(&record.topic)
    }

    fn scope(&self) -> Scope {
        Scope::TopicOnly
    }
}
