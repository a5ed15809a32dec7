//! Values from environment variables.
//!
//! # Source
//! `org.apache.kafka.common.config.provider.EnvVarConfigProvider`, KIP-887

use std::collections::{BTreeMap, BTreeSet};

use ferrovia_pipeline::config::ConfigError;
use tracing::error;

use crate::config::connector::TopicPattern;

/// The variables whose whole names match; all of them without a pattern.
pub(super) fn allowed(
    mut variables: BTreeMap<String, String>,
    pattern: Option<&str>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    if let Some(pattern) = pattern {
        let compiled = TopicPattern::new(pattern).map_err(|why| {
            ConfigError::invalid(
                "allowlist.pattern",
                pattern,
                format!("Invalid regex: {why}"),
            )
        })?;
        variables.retain(|name, _| compiled.matches(name));
    }
    Ok(variables)
}

pub(super) fn get(
    variables: &BTreeMap<String, String>,
    path: &str,
    keys: &BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    if !path.is_empty() {
        let message =
            format!("Path is not supported for EnvVarConfigProvider, invalid value '{path}'");
        error!("{message}");
        return Err(ConfigError::rule("config.providers", message));
    }
    let asked = |key: &&str| Some(((*key).to_owned(), variables.get(*key)?.clone()));
    Ok(keys.iter().filter_map(asked).collect())
}
