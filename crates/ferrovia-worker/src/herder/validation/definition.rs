//! Definitions as validation uses them: what a form shows, and how a value is read and checked.

use ferrovia_pipeline::config::{
    ConfigDef, ConfigDefault, ConfigError, ConfigKey, ConfigValue, Validator,
};

use super::Effective;
use super::checked::{Checked, CheckedKeys};
use super::infos::{KeyInfo, text};
use crate::plugins::{NamedClass, PluginCatalog};

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) info: KeyInfo,
    default: ConfigDefault,
    /// The limit of values, and the key's name in its messages.
    limit: Option<(Validator, String)>,
    /// Whether the value is the class of a plugin.
    is_plugin: bool,
    /// What is wrong beside the value's own form.
    pub(super) faults: Vec<String>,
    pub(super) recommended: Vec<String>,
    pub(super) is_visible: bool,
}

impl Definition {
    /// As a plugin or the framework defines it.
    pub(super) fn new(key: &ConfigKey) -> Self {
        Self::prefixed(key, "")
    }

    /// As a plugin defines it that stands behind a prefix: limits know only the name without.
    pub(super) fn prefixed(key: &ConfigKey, prefix: &str) -> Self {
        Self {
            info: KeyInfo::new(key, prefix),
            default: key.default().clone(),
            limit: key.limit().map(|limit| (*limit, key.name().to_owned())),
            is_plugin: false,
            faults: Vec::new(),
            recommended: Vec::new(),
            is_visible: true,
        }
    }

    /// The value is the class of a plugin.
    pub(super) fn plugin(mut self) -> Self {
        self.is_plugin = true;
        self
    }

    /// Puts a default in place of the defined one.
    pub(super) fn set_default(&mut self, default: Option<ConfigValue>) {
        self.info.default_value = default.as_ref().map(text);
        self.default = default.map_or(ConfigDefault::Null, ConfigDefault::Value);
    }

    fn check(&self, settings: &Effective<'_>, plugins: &PluginCatalog) -> Checked {
        let mut errors = Vec::new();
        let value = match self.read(settings, plugins) {
            Ok(value) => value,
            Err(error) => {
                errors.push(error.to_string());
                None
            }
        };
        errors.extend(self.limit_fault(value.as_ref()));
        errors.extend(self.faults.iter().cloned());
        Checked {
            name: self.info.name.clone(),
            value: value.as_ref().map(text),
            errors,
            recommended: self.recommended.clone(),
            is_visible: self.is_visible,
        }
    }

    fn read(
        &self,
        settings: &Effective<'_>,
        plugins: &PluginCatalog,
    ) -> Result<Option<ConfigValue>, ConfigError> {
        let name = &self.info.name;
        match (settings.get(name), &self.default) {
            (Some(None), _) | (None, ConfigDefault::Null) => Ok(None),
            (Some(Some(text)), _) if self.is_plugin => match plugins.class(text.trim()) {
                Some(NamedClass::Plugin(class)) => Ok(Some(ConfigValue::Class(class.to_owned()))),
                Some(NamedClass::Enclosing(_)) => {
                    Ok(Some(ConfigValue::Class(text.trim().to_owned())))
                }
                None => Err(ConfigError::class_not_found(name, text)),
            },
            (Some(Some(text)), _) => parse(name, self.info.kind, text).map(Some),
            (None, ConfigDefault::Value(value)) => Ok(Some(value.clone())),
            (None, ConfigDefault::Required) => Err(ConfigError::Missing { name: name.clone() }),
        }
    }

    fn limit_fault(&self, value: Option<&ConfigValue>) -> Option<String> {
        let (limit, name) = self.limit.as_ref()?;
        if let (Validator::List { .. }, Some(ConfigValue::List(items))) = (limit, value)
            && has_duplicates(items)
        {
            // When a configuration is used, such items count once; when it is validated, they are refused.
            return Some(format!(
                "Configuration '{name}' values must not be duplicated."
            ));
        }
        limit
            .check(name, value)
            .err()
            .map(|error| error.to_string())
    }
}

/// A text as a value of a type, without limits.
pub(super) fn parse(
    name: &str,
    kind: ferrovia_pipeline::config::ConfigType,
    text: &str,
) -> Result<ConfigValue, ConfigError> {
    let definition = ConfigDef::new().define(ConfigKey::required(name.to_owned(), kind));
    let parsed = definition.parse(&[(name.to_owned(), text.to_owned())].into())?;
    let unknown = || ConfigError::Unknown {
        name: name.to_owned(),
    };
    parsed.value(name).cloned().ok_or_else(unknown)
}

fn has_duplicates(items: &[String]) -> bool {
    let unique: std::collections::BTreeSet<&String> = items.iter().collect();
    unique.len() < items.len()
}

/// Keys in the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions(Vec<Definition>);

impl Definitions {
    /// Adds a key, or puts it in the place of one of the same name.
    pub(super) fn define(&mut self, definition: Definition) {
        match self.find_mut(&definition.info.name) {
            Some(known) => *known = definition,
            None => self.0.push(definition),
        }
    }

    /// Adds the keys of a plugin.
    pub(super) fn define_all(&mut self, keys: &ConfigDef) {
        for key in keys.keys() {
            self.define(Definition::new(key));
        }
    }

    /// Adds those keys that are not there.
    pub(super) fn define_missing(&mut self, others: &Self) {
        for other in &others.0 {
            if self.find_mut(&other.info.name).is_none() {
                self.0.push(other.clone());
            }
        }
    }

    /// A key's definition, to be changed.
    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Definition> {
        self.0.iter_mut().find(|known| known.info.name == name)
    }

    /// Reads and checks all keys.
    pub(super) fn check(&self, settings: &Effective<'_>, plugins: &PluginCatalog) -> CheckedKeys {
        CheckedKeys::new(
            self.0
                .iter()
                .map(|definition| definition.check(settings, plugins)),
        )
    }

    /// What users are told of the keys, in order.
    pub(super) fn into_infos(self) -> Vec<KeyInfo> {
        self.0
            .into_iter()
            .map(|definition| definition.info)
            .collect()
    }
}
