//! Values that settings do not hold but point to: `${provider:path:key}`.
//!
//! Variables are replaced late, when settings are checked and when a connector or task starts, and only for whoever
//! needs the value: what is stored, shown and logged is the text with its variables. A [`Redactor`] takes values out
//! of texts that were made while they were at hand.
//!
//! # Source
//! `ConfigTransformer`, `AbstractConfig` and `org.apache.kafka.common.config.provider` of Kafka 4.2; KIP-297, KIP-887,
//! KIP-993

mod allowed_paths;
mod directory;
mod environment;
mod file;
mod redactor;
mod variable;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ferrovia_pipeline::config::ConfigError;
use ferrovia_pipeline::connector::is_plugin_named;

use allowed_paths::AllowedPaths;
pub use redactor::Redactor;
use variable::{Piece, Variable, pieces};

/// Different provider paths that one set of settings may point to. A connector has a handful.
pub const PATHS_MAX: usize = 1024;

const PACKAGE: &str = "org.apache.kafka.common.config.provider.";

/// Where values come from.
enum Provider {
    File(AllowedPaths),
    Directory(AllowedPaths),
    Environment(BTreeMap<String, String>),
}

impl Provider {
    /// The provider of a class, with its own settings; `None` for a class that is none.
    fn new(
        class: &str,
        settings: &BTreeMap<String, String>,
        environment: impl FnOnce() -> BTreeMap<String, String>,
    ) -> Result<Option<Self>, ConfigError> {
        let is =
            |simple: &str| is_plugin_named(&format!("{PACKAGE}{simple}"), "ConfigProvider", class);
        let allowed = || AllowedPaths::new(settings.get("allowed.paths").map(String::as_str));
        Ok(Some(if is("FileConfigProvider") {
            Self::File(allowed()?)
        } else if is("DirectoryConfigProvider") {
            Self::Directory(allowed()?)
        } else if is("EnvVarConfigProvider") {
            let pattern = settings.get("allowlist.pattern").map(String::as_str);
            Self::Environment(environment::allowed(environment(), pattern)?)
        } else {
            return Ok(None);
        }))
    }

    /// The values of those keys that the path has.
    fn get(
        &self,
        path: &str,
        keys: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, String>, ConfigError> {
        match self {
            Self::File(allowed) => file::get(allowed, path, keys),
            Self::Directory(allowed) => directory::get(allowed, path, keys),
            Self::Environment(variables) => environment::get(variables, path, keys),
        }
    }
}

/// The providers that a worker is configured with. Cheap to clone.
#[derive(Clone, Default)]
pub struct ConfigProviders(Arc<BTreeMap<String, Provider>>);

impl ConfigProviders {
    /// The providers that a worker's settings name.
    ///
    /// # Errors
    /// A class is none, or a provider's own settings are unusable.
    pub fn from_settings(settings: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        Self::with_environment(settings, || {
            std::env::vars_os().filter_map(as_text).collect()
        })
    }

    /// As [`from_settings`](Self::from_settings), with these environment variables.
    ///
    /// # Errors
    /// As [`from_settings`](Self::from_settings).
    pub fn with_environment(
        settings: &BTreeMap<String, String>,
        environment: impl Fn() -> BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let names = settings
            .get("config.providers")
            .map(String::as_str)
            .unwrap_or_default();
        let mut providers = BTreeMap::new();
        for name in names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let key = format!("config.providers.{name}.class");
            // As in Java, a provider without a class is one that has no value for anything.
            let Some(class) = settings.get(&key).map(|class| class.trim()) else {
                continue;
            };
            let prefix = format!("config.providers.{name}.param.");
            let own = settings
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()))
                })
                .collect();
            let provider = Provider::new(class, &own, &environment)?.ok_or_else(|| {
                let why = "Could not load config provider class or one of its dependencies";
                ConfigError::invalid(key, class, why)
            })?;
            providers.insert(name.to_owned(), provider);
        }
        Ok(Self(Arc::new(providers)))
    }

    /// The settings with their variables replaced. A variable of an unknown provider, or without a value, stays as it
    /// is. Values are not searched for variables again.
    ///
    /// # Errors
    /// A provider cannot be read; its path is named and no value is.
    pub fn resolve(&self, settings: &BTreeMap<String, String>) -> Result<Resolved, ConfigError> {
        let found = self.look_up(settings.values().map(String::as_str))?;
        let mut redactor = Redactor::default();
        let mut resolved = BTreeMap::new();
        let mut replaced = BTreeSet::new();
        for (key, text) in settings {
            let mut value = String::with_capacity(text.len());
            for piece in pieces(text) {
                match piece {
                    Piece::Text(text) => value.push_str(text),
                    Piece::Variable(text, variable) => match found.get(&variable) {
                        Some(secret) => {
                            redactor.hide(secret, text);
                            replaced.insert(key.clone());
                            value.push_str(secret);
                        }
                        None => value.push_str(text),
                    },
                }
            }
            if replaced.contains(key) {
                redactor.hide(&value, text);
            }
            resolved.insert(key.clone(), value);
        }
        Ok(Resolved {
            settings: resolved,
            replaced,
            redactor,
        })
    }

    fn look_up<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<Variable<'a>, String>, ConfigError> {
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for piece in texts.flat_map(pieces) {
            if let Piece::Variable(_, variable) = piece {
                wanted
                    .entry((variable.provider, variable.path))
                    .or_default()
                    .insert(variable.key);
            }
        }
        if wanted.len() > PATHS_MAX {
            let message = format!(
                "settings point to {} paths, and {PATHS_MAX} are allowed",
                wanted.len()
            );
            return Err(ConfigError::rule("config.providers", message));
        }
        let mut found = BTreeMap::new();
        for ((name, path), keys) in wanted {
            let Some(provider) = self.0.get(name) else {
                continue;
            };
            let mut values = provider.get(path, &keys)?;
            for key in keys {
                if let Some(value) = values.remove(key) {
                    found.insert(
                        Variable {
                            provider: name,
                            path,
                            key,
                        },
                        value,
                    );
                }
            }
        }
        Ok(found)
    }
}

impl fmt::Debug for ConfigProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Settings with their values in place of variables. They are secrets: only names are printed.
#[derive(Clone)]
pub struct Resolved {
    /// The settings.
    pub settings: BTreeMap<String, String>,
    /// The keys whose values came from a provider, whole or in part.
    pub replaced: BTreeSet<String>,
    /// Takes these values out of texts.
    pub redactor: Redactor,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("replaced", &self.replaced)
            .finish_non_exhaustive()
    }
}

/// Whether a text has a variable, whatever its provider.
pub fn has_variable(text: &str) -> bool {
    pieces(text).any(|piece| matches!(piece, Piece::Variable(..)))
}

/// A variable that is not text cannot be asked for.
fn as_text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((
        name.into_string().ok()?,
        value.to_string_lossy().into_owned(),
    ))
}

#[cfg(test)]
mod tests;
