//! Typed values by key.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::value::{ConfigValue, Password};

/// Checked settings. What a definition promises is there: a getter fails only for a key that was never defined with
/// that type, or that has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedConfig {
    values: BTreeMap<String, Option<ConfigValue>>,
}

impl ParsedConfig {
    pub(super) fn new(values: BTreeMap<String, Option<ConfigValue>>) -> Self {
        Self { values }
    }

    /// The value of any type; `None` where there is none.
    pub fn value(&self, name: &str) -> Option<&ConfigValue> {
        self.values.get(name).and_then(Option::as_ref)
    }

    /// A boolean.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no boolean of that name was defined.
    pub fn boolean(&self, name: &str) -> Result<bool, ConfigError> {
        match self.value(name) {
            Some(ConfigValue::Boolean(value)) => Ok(*value),
            _ => Err(unknown(name)),
        }
    }

    /// A 16-bit number.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no short of that name was defined.
    pub fn short(&self, name: &str) -> Result<i16, ConfigError> {
        match self.value(name) {
            Some(ConfigValue::Short(value)) => Ok(*value),
            _ => Err(unknown(name)),
        }
    }

    /// A 32-bit number.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no int of that name was defined, or it has no value.
    pub fn int(&self, name: &str) -> Result<i32, ConfigError> {
        self.optional_int(name).ok_or_else(|| unknown(name))
    }

    /// A 32-bit number that may be absent.
    pub fn optional_int(&self, name: &str) -> Option<i32> {
        match self.value(name) {
            Some(ConfigValue::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A 64-bit number.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no long of that name was defined.
    pub fn long(&self, name: &str) -> Result<i64, ConfigError> {
        match self.value(name) {
            Some(ConfigValue::Long(value)) => Ok(*value),
            _ => Err(unknown(name)),
        }
    }

    /// A floating-point number.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no double of that name was defined.
    pub fn double(&self, name: &str) -> Result<f64, ConfigError> {
        match self.value(name) {
            Some(ConfigValue::Double(value)) => Ok(*value),
            _ => Err(unknown(name)),
        }
    }

    /// A text or a class name.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] where no text of that name was defined, or it has no value.
    pub fn string(&self, name: &str) -> Result<&str, ConfigError> {
        self.optional_string(name).ok_or_else(|| unknown(name))
    }

    /// A text or a class name that may be absent.
    pub fn optional_string(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(ConfigValue::String(value) | ConfigValue::Class(value)) => Some(value),
            _ => None,
        }
    }

    /// A list; empty where it is absent.
    pub fn list(&self, name: &str) -> &[String] {
        self.optional_list(name).unwrap_or_default()
    }

    /// A list that may be absent, which is not the same as empty.
    pub fn optional_list(&self, name: &str) -> Option<&[String]> {
        match self.value(name) {
            Some(ConfigValue::List(values)) => Some(values),
            _ => None,
        }
    }

    /// A secret that may be absent.
    pub fn password(&self, name: &str) -> Option<&Password> {
        match self.value(name) {
            Some(ConfigValue::Password(value)) => Some(value),
            _ => None,
        }
    }
}

fn unknown(name: &str) -> ConfigError {
    ConfigError::Unknown {
        name: name.to_owned(),
    }
}
