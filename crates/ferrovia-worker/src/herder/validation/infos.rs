//! What users are told about settings.
//!
//! # Source
//! `ConfigInfos`, `ConfigInfo`, `ConfigKeyInfo` and `ConfigValueInfo` of Kafka 4.2

use ferrovia_pipeline::config::{
    ConfigDefault, ConfigKey, ConfigType, ConfigValue, Importance, Width,
};

/// What a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key.
    pub name: String,
    /// Its type.
    pub kind: ConfigType,
    /// Whether it has no default.
    pub is_required: bool,
    /// Its default as text, if it has one.
    pub default_value: Option<String>,
    /// `HIGH`, `MEDIUM` or `LOW`.
    pub importance: &'static str,
    /// What it does.
    pub documentation: String,
    /// Its group in forms.
    pub group: Option<String>,
    /// Its place in the group; -1 without one.
    pub order_in_group: i32,
    /// `NONE`, `SHORT`, `MEDIUM` or `LONG`.
    pub width: &'static str,
    /// What forms call it.
    pub display_name: String,
    /// Keys whose proposed values depend on this one.
    pub dependents: Vec<String>,
}

impl KeyInfo {
    /// What a definition says of a key with a prefix.
    pub(super) fn new(key: &ConfigKey, prefix: &str) -> Self {
        Self {
            name: format!("{prefix}{}", key.name()),
            kind: key.config_type(),
            is_required: matches!(key.default(), ConfigDefault::Required),
            default_value: match key.default() {
                ConfigDefault::Value(value) => Some(text(value)),
                ConfigDefault::Required | ConfigDefault::Null => None,
            },
            importance: match key.how_important() {
                Importance::High => "HIGH",
                Importance::Medium => "MEDIUM",
                Importance::Low => "LOW",
            },
            documentation: key.documentation().to_owned(),
            group: key.group_name().map(str::to_owned),
            order_in_group: key.order_in_group(),
            width: match key.width() {
                Width::None => "NONE",
                Width::Short => "SHORT",
                Width::Medium => "MEDIUM",
                Width::Long => "LONG",
            },
            display_name: key.shown_as().to_owned(),
            dependents: key.dependent_names().to_vec(),
        }
    }
}

/// What a key is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueInfo {
    /// The key.
    pub name: String,
    /// Its value as text, if it has one. Secrets are hidden.
    pub value: Option<String>,
    /// Values that are proposed.
    pub recommended_values: Vec<String>,
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// Whether a form should show it.
    pub is_visible: bool,
}

/// One key: what it is, where that is known, and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigInfo {
    /// What it is.
    pub definition: Option<KeyInfo>,
    /// What it is set to.
    pub value: Option<ValueInfo>,
}

/// All about the settings of a connector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigInfos {
    /// The connector's class as given.
    pub name: String,
    /// How much is wrong: errors of the connector's and the framework's keys, and wrong keys of clients and converters.
    pub error_count: usize,
    /// The groups of the keys.
    pub groups: Vec<String>,
    /// The keys.
    pub configs: Vec<ConfigInfo>,
}

impl ConfigInfos {
    /// One answer of several.
    pub(super) fn merged(name: &str, parts: impl IntoIterator<Item = Self>) -> Self {
        let mut merged = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for part in parts {
            merged.error_count += part.error_count;
            merged.configs.extend(part.configs);
            for group in part.groups {
                merged.add_group(&group);
            }
        }
        merged
    }

    pub(super) fn add_group(&mut self, group: &str) {
        if !self.groups.iter().any(|known| known == group) {
            self.groups.push(group.to_owned());
        }
    }
}

/// A value as text.
///
/// # Source
/// `ConfigDef.convertToString`
pub(super) fn text(value: &ConfigValue) -> String {
    match value {
        ConfigValue::List(items) => items.join(","),
        other => other.to_string(),
    }
}
