//! What can be wrong with a setting, in Java's words.

use crate::error::ConnectError;

/// A setting that cannot be used. The text is the one that Java's `ConfigException` carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key without a default is absent.
    #[error("Missing required configuration \"{name}\" which has no default value.")]
    Missing {
        /// The key.
        name: String,
    },
    /// A value is of the wrong form or outside its limits.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    Invalid {
        /// The key.
        name: String,
        /// The value as given, `null` where there is none, `[hidden]` for a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rule is broken whose text says everything by itself.
    #[error("{message}")]
    Rule {
        /// The key.
        name: String,
        /// The whole text.
        message: String,
    },
    /// A key was asked for that no definition knows.
    #[error("Unknown configuration '{name}'")]
    Unknown {
        /// The key.
        name: String,
    },
}

impl ConfigError {
    /// A value that is refused for `reason`.
    pub fn invalid(
        name: impl Into<String>,
        value: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            name: name.into(),
            value: value.into(),
            reason: reason.into(),
        }
    }

    /// A broken rule with its own text.
    pub fn rule(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Rule {
            name: name.into(),
            message: message.into(),
        }
    }

    /// A class that is neither built in nor installed.
    pub fn class_not_found(name: impl Into<String>, class: &str) -> Self {
        Self::invalid(name, class, format!("Class {class} could not be found."))
    }

    /// The key that is at fault.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name }
            | Self::Invalid { name, .. }
            | Self::Rule { name, .. }
            | Self::Unknown { name } => name,
        }
    }
}

impl From<ConfigError> for ConnectError {
    fn from(error: ConfigError) -> Self {
        Self::config(error.to_string())
    }
}
