//! Settings with definitions: what keys there are, of which type, with which default and limits, and how a flat map of
//! strings becomes typed values.
//!
//! Every connector, converter, transformation and the worker itself describe their settings with a [`ConfigDef`], so that
//! one parser gives the same answers, and the same words on error, everywhere.
//!
//! # Source
//! `org.apache.kafka.common.config.ConfigDef`, 4.2; the messages are compared with Java's in the tests.

mod error;
mod key;
mod parse;
mod parsed;
mod validator;
mod value;

pub use error::ConfigError;
pub use key::{ConfigDefault, ConfigKey, Importance, Width};
pub use parsed::ParsedConfig;
pub use validator::Validator;
pub use value::{ConfigType, ConfigValue, Password};

use std::collections::BTreeMap;

/// The definitions of a set of settings, in the order in which they are checked and shown.
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    keys: Vec<ConfigKey>,
}

impl ConfigDef {
    /// No definitions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a definition. One of the same name is replaced in its place, so that a later set can refine an earlier one.
    #[must_use]
    pub fn define(mut self, key: ConfigKey) -> Self {
        match self
            .keys
            .iter_mut()
            .find(|known| known.name() == key.name())
        {
            Some(known) => *known = key,
            None => self.keys.push(key),
        }
        self
    }

    /// All definitions, in order.
    pub fn keys(&self) -> impl Iterator<Item = &ConfigKey> {
        self.keys.iter()
    }

    /// The definition of one key.
    pub fn key(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.iter().find(|key| key.name() == name)
    }

    /// Types and checks `settings`: defined keys get their value or default, others are left aside.
    ///
    /// # Errors
    /// The first key, in order of definition, that is missing, malformed or refused by its validator.
    pub fn parse(&self, settings: &BTreeMap<String, String>) -> Result<ParsedConfig, ConfigError> {
        let mut values = BTreeMap::new();
        for key in &self.keys {
            let text = settings.get(key.name()).map(String::as_str);
            values.insert(key.name().to_owned(), key.parse(text)?);
        }
        Ok(ParsedConfig::new(values))
    }

    /// Everything that is wrong with `settings`, in order of definition. As in Java, a text that cannot be read is also
    /// checked as if it were absent, so that one bad number may be wrong twice.
    pub fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        let text = |key: &ConfigKey| settings.get(key.name()).map(String::as_str);
        self.keys
            .iter()
            .flat_map(|key| key.faults(text(key)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
