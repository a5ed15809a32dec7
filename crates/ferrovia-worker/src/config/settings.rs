//! A flat map of settings as users write it, which never shows its values in logs.

use std::collections::BTreeMap;
use std::fmt;

/// Keys and values as configured. Values may be secrets, so debug output has keys only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of one key, as written.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All keys and values, by key.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// The settings whose keys begin with `prefix`, without it.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        let stripped = |(key, value): (&String, &String)| {
            key.strip_prefix(prefix)
                .map(|rest| (rest.to_owned(), value.clone()))
        };
        Self(self.0.iter().filter_map(stripped).collect())
    }

    /// These settings, with those of `other` added or put in their place.
    #[must_use]
    pub fn overridden_by(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl From<BTreeMap<String, String>> for Settings {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
