//! Values from a properties file.
//!
//! # Source
//! `org.apache.kafka.common.config.provider.FileConfigProvider`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ferrovia_pipeline::config::ConfigError;
use tracing::{error, warn};

use super::allowed_paths::AllowedPaths;
use crate::config::properties;

pub(super) fn get(
    allowed: &AllowedPaths,
    path: &str,
    keys: &BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    if path.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(file) = allowed.check(path) else {
        warn!("The path {path} is not allowed to be accessed");
        return Ok(BTreeMap::new());
    };
    let mut values = load(&file).map_err(|why| {
        error!("Could not read properties from file {path}: {why}");
        ConfigError::rule(
            "config.providers",
            format!("Could not read properties from file {path}"),
        )
    })?;
    values.retain(|key, _| keys.contains(key.as_str()));
    Ok(values)
}

/// The settings of a file, or why it has none. The reason tells nothing of what is in it.
fn load(file: &Path) -> Result<BTreeMap<String, String>, String> {
    let bytes = properties::read_limited(file).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
    properties::parse(&as_latin1(text)).map_err(|fault| format!("line {} is malformed", fault.line))
}

/// The text as a worker's own file would hold it. This provider, alone of all readers of properties, reads UTF-8.
fn as_latin1(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut backslashes = 0_usize;
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => {
                if backslashes % 2 == 1 {
                    // An escaped letter is the letter; here it gets an escape of its own.
                    bytes.pop();
                }
                for unit in character.encode_utf16(&mut [0; 2]) {
                    bytes.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
        backslashes = if character == '\\' {
            backslashes + 1
        } else {
            0
        };
    }
    bytes
}
