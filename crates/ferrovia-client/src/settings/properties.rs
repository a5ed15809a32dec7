//! Typed access to a property map, with `ConfigDef`'s types, ranges and words.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SettingsError;

/// A property map that is being read.
pub(super) struct Properties<'a> {
    map: &'a BTreeMap<String, String>,
}

impl<'a> Properties<'a> {
    pub(super) fn new(map: &'a BTreeMap<String, String>) -> Self {
        Self { map }
    }

    /// The trimmed value, if the property is there.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.map.get(name).map(|value| value.trim())
    }

    pub(super) fn int(
        &self,
        name: &'static str,
        default: i32,
        at_least: i32,
    ) -> Result<i32, SettingsError> {
        let Some(value) = self.map.get(name) else {
            return Ok(default);
        };
        let number = value
            .trim()
            .parse::<i32>()
            .map_err(|_| SettingsError::invalid(name, value, "Not a number of type INT"))?;
        if number < at_least {
            Err(too_small(name, number, at_least))
        } else {
            Ok(number)
        }
    }

    pub(super) fn int_between(
        &self,
        name: &'static str,
        default: i32,
        at_least: i32,
        at_most: i32,
    ) -> Result<i32, SettingsError> {
        let number = self.int(name, default, at_least)?;
        if number > at_most {
            let reason = format!("Value must be no more than {at_most}");
            return Err(SettingsError::invalid(name, number, reason));
        }
        Ok(number)
    }

    pub(super) fn long(
        &self,
        name: &'static str,
        default: i64,
        at_least: i64,
    ) -> Result<i64, SettingsError> {
        let Some(value) = self.map.get(name) else {
            return Ok(default);
        };
        let number = value
            .trim()
            .parse::<i64>()
            .map_err(|_| SettingsError::invalid(name, value, "Not a number of type LONG"))?;
        if number < at_least {
            Err(too_small(name, number, at_least))
        } else {
            Ok(number)
        }
    }

    /// A byte count of Java type INT, at least 0.
    pub(super) fn size(&self, name: &'static str, default: u32) -> Result<u32, SettingsError> {
        let default = i32::try_from(default).unwrap_or(i32::MAX);
        Ok(self.int(name, default, 0)?.unsigned_abs())
    }

    /// Milliseconds of Java type INT.
    pub(super) fn millis_int(
        &self,
        name: &'static str,
        default: i32,
        at_least: i32,
    ) -> Result<Duration, SettingsError> {
        let millis = self.int(name, default, at_least)?;
        Ok(Duration::from_millis(u64::from(millis.unsigned_abs())))
    }

    /// Milliseconds of Java type LONG.
    pub(super) fn millis(
        &self,
        name: &'static str,
        default: i64,
        at_least: i64,
    ) -> Result<Duration, SettingsError> {
        Ok(Duration::from_millis(
            self.long(name, default, at_least)?.unsigned_abs(),
        ))
    }

    /// Milliseconds of Java type LONG, of which negative ones mean never.
    pub(super) fn millis_or_never(
        &self,
        name: &'static str,
        default: i64,
    ) -> Result<Option<Duration>, SettingsError> {
        let millis = self.long(name, default, i64::MIN)?;
        Ok(u64::try_from(millis).ok().map(Duration::from_millis))
    }

    /// A socket buffer's size; `None` for -1.
    ///
    /// Java asks for 64 or 128 KiB unless told otherwise. A fixed size turns the kernel's tuning
    /// off and holds a connection far below what large fetches need, so the default here is -1.
    pub(super) fn buffer_bytes(&self, name: &'static str) -> Result<Option<u32>, SettingsError> {
        Ok(u32::try_from(self.int(name, -1, -1)?).ok())
    }

    pub(super) fn boolean(&self, name: &'static str, default: bool) -> Result<bool, SettingsError> {
        let Some(value) = self.map.get(name) else {
            return Ok(default);
        };
        match value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(SettingsError::invalid(
                name,
                value,
                "Expected value to be either true or false",
            )),
        }
    }

    /// A comma-separated list without empty or repeated values. `None` if the property is missing.
    pub(super) fn list(&self, name: &'static str) -> Result<Option<Vec<&'a str>>, SettingsError> {
        let Some(value) = self.text(name) else {
            return Ok(None);
        };
        if value.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut values: Vec<&str> = Vec::new();
        for item in value.split(',').map(str::trim) {
            if item.is_empty() {
                return Err(SettingsError::List {
                    name,
                    reason: "values must not be empty.",
                });
            }
            if values.contains(&item) {
                return Err(SettingsError::List {
                    name,
                    reason: "values must not be duplicated.",
                });
            }
            values.push(item);
        }
        Ok(Some(values))
    }
}

fn too_small(name: &'static str, value: impl ToString, at_least: impl ToString) -> SettingsError {
    let reason = format!("Value must be at least {}", at_least.to_string());
    SettingsError::invalid(name, value, reason)
}
