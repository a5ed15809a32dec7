//! Values that were read and checked, by key.

use std::collections::{BTreeMap, BTreeSet};

use super::GivenSettings;
use super::definition::Definitions;
use super::infos::{ConfigInfo, ConfigInfos, ValueInfo};
use crate::config::java_map::sort_in_java_order;

/// What came of one key.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) name: String,
    /// The value as text, with secrets hidden.
    pub(super) value: Option<String>,
    pub(super) errors: Vec<String>,
    pub(super) recommended: Vec<String>,
    pub(super) is_visible: bool,
}

impl From<Checked> for ValueInfo {
    fn from(checked: Checked) -> Self {
        Self {
            name: checked.name,
            value: checked.value,
            recommended_values: checked.recommended,
            errors: checked.errors,
            is_visible: checked.is_visible,
        }
    }
}

/// What came of all keys, each with its place among them: Java's maps remember it where hash codes collide.
#[derive(Clone, Debug)]
pub(super) struct CheckedKeys(BTreeMap<String, (usize, Checked)>);

impl CheckedKeys {
    pub(super) fn new(checked: impl Iterator<Item = Checked>) -> Self {
        let placed = checked.enumerate();
        Self(
            placed
                .map(|(place, each)| (each.name.clone(), (place, each)))
                .collect(),
        )
    }

    /// Whether a key has a fault.
    pub(super) fn has_errors(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|(_, checked)| !checked.errors.is_empty())
    }

    /// A key's value, if it has one and no fault.
    pub(super) fn sound_value(&self, name: &str) -> Option<&str> {
        let (_, checked) = self.0.get(name)?;
        let is_sound = checked.errors.is_empty();
        checked.value.as_deref().filter(|_| is_sound)
    }

    /// Adds a fault to a key, which need not be defined.
    pub(super) fn add_error(&mut self, name: &str, message: &str) {
        self.entry(name, None).errors.push(message.to_owned());
    }

    /// Lists a key with its value, even if it is not defined.
    pub(super) fn list(&mut self, name: &str, value: Option<&str>) {
        self.entry(name, value);
    }

    /// What came of a key; where it is not known yet, it has this value.
    fn entry(&mut self, name: &str, value: Option<&str>) -> &mut Checked {
        let place = self.0.len();
        let (_, checked) = self.0.entry(name.to_owned()).or_insert_with(|| {
            let checked = Checked {
                name: name.to_owned(),
                value: value.map(str::to_owned),
                errors: Vec::new(),
                recommended: Vec::new(),
                is_visible: true,
            };
            (place, checked)
        });
        checked
    }

    /// Keys without a value are faults, whether they are defined or not.
    pub(super) fn add_null_errors(&mut self, given: &GivenSettings) {
        for (name, _) in given.iter().filter(|(_, value)| value.is_none()) {
            self.add_error(
                name,
                "Null value can not be supplied as the configuration value.",
            );
        }
    }

    /// Proposes values.
    pub(super) fn recommend(&mut self, name: &str, values: Vec<String>) {
        if let Some((_, checked)) = self.0.get_mut(name) {
            checked.recommended = values;
        }
    }

    /// Others take the place of those of the same name.
    pub(super) fn replace(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The values in the order of a Java map, which is how converters' keys are listed.
    pub(super) fn into_java_order(self) -> Vec<Checked> {
        let mut placed: Vec<(usize, Checked)> = self.0.into_values().collect();
        placed.sort_by_key(|(place, _)| *place);
        sort_in_java_order(&mut placed, |(_, checked)| &checked.name);
        placed.into_iter().map(|(_, checked)| checked).collect()
    }

    /// One answer: first the keys that nothing defines, then the others in order of definition.
    pub(super) fn into_infos(self, definitions: Definitions) -> ConfigInfos {
        let mut infos = ConfigInfos::default();
        let keys = definitions.into_infos();
        let known: BTreeSet<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        let mut defined = BTreeMap::new();
        for checked in self.into_java_order() {
            infos.error_count += checked.errors.len();
            if known.contains(checked.name.as_str()) {
                defined.insert(checked.name.clone(), checked);
            } else {
                infos.configs.push(ConfigInfo {
                    definition: None,
                    value: Some(checked.into()),
                });
            }
        }
        for key in keys {
            if let Some(group) = &key.group {
                infos.add_group(group);
            }
            let value = defined.remove(&key.name).map(ValueInfo::from);
            infos.configs.push(ConfigInfo {
                definition: Some(key),
                value,
            });
        }
        infos
    }
}
