//! Values from the files of a folder: a file's name is the key, and its whole text the value.
//!
//! # Source
//! `org.apache.kafka.common.config.provider.DirectoryConfigProvider`

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path};

use ferrovia_pipeline::config::ConfigError;
use tracing::{error, warn};

use super::allowed_paths::AllowedPaths;

/// The largest value: a key or a certificate is a few kilobytes.
const VALUE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn get(
    allowed: &AllowedPaths,
    path: &str,
    keys: &BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut values = BTreeMap::new();
    if path.is_empty() {
        return Ok(values);
    }
    let Some(folder) = allowed.check(path) else {
        warn!("The path {path} is not allowed to be accessed");
        return Ok(values);
    };
    if !folder.is_dir() {
        warn!("The path {path} is not a directory");
        return Ok(values);
    }
    for &key in keys.iter().filter(|key| is_file_name(key)) {
        let file = folder.join(key);
        if file.is_file() {
            let value = read(&file).map_err(|why| {
                error!(
                    "Could not read file {} for property {key}: {why}",
                    file.display()
                );
                let message = format!("Could not read file {} for property {key}", file.display());
                ConfigError::rule("config.providers", message)
            })?;
            values.insert(key.to_owned(), value);
        }
    }
    Ok(values)
}

/// Java lists the folder and compares names, so a key with a path in it names nothing.
fn is_file_name(key: &str) -> bool {
    let mut components = Path::new(key).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(name)), None) if name == key)
}

fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    opened
        .take(VALUE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    match u64::try_from(text.len()) {
        Ok(size) if size <= VALUE_BYTES_MAX => Ok(text),
        _ => Err(format!("it is larger than {VALUE_BYTES_MAX} bytes")),
    }
}
