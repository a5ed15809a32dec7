//! `RegexRouter`: renames topics by an expression.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::Record;
use crate::error::ConnectError;
use crate::pattern::JavaPattern;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("regex", ConfigType::String)
                .validator(Validator::Rule(JavaPattern::check_setting))
                .importance(Importance::High)
                .doc("Regular expression to use for matching."),
        )
        .define(
            ConfigKey::required("replacement", ConfigType::String)
                .importance(Importance::High)
                .doc("Replacement string."),
        )
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<RegexRouter, ConnectError> {
    let config = config().parse(settings)?;
    let class = "java.util.regex.PatternSyntaxException";
    let pattern = JavaPattern::new(config.string("regex")?)
        .map_err(|error| ConnectError::java(class, error.to_string()))?;
    Ok(RegexRouter {
        pattern,
        replacement: config.string("replacement")?.to_owned(),
        latest: None,
    })
}

#[derive(Debug)]
pub(super) struct RegexRouter {
    pattern: JavaPattern,
    replacement: String,
    /// The topic of the record before and where it was routed to: nearly always that of the next one, too.
    latest: Option<(String, String)>,
}

impl Transformation for RegexRouter {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let topic = &*record.topic;
        match &self.latest {
            Some((known, routed)) if known == topic => {
                if routed != topic {
                    record.topic = routed.clone().into();
                }
            }
            _ => {
                let routed = if self.pattern.matches(topic) {
                    self.pattern.replace_first(topic, &self.replacement)?
                } else {
                    topic.to_owned()
                };
                self.latest = Some((topic.to_owned(), routed.clone()));
                record.topic = routed.into();
            }
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::TopicOnly
    }
}
