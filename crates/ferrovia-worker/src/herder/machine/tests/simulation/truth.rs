//! What the config topic says, by a reading of its own, and what users were promised: an answer that all went well must
//! have its records in the topic.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::World;
use crate::config::InitialState;
use crate::herder::request::Change;
use crate::herder::validation::GivenSettings;
use crate::status::TaskId;
use crate::storage::config::{ConfigSnapshot, TargetState};

type Texts = BTreeMap<String, String>;

/// The config topic so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    connectors: BTreeMap<String, Known>,
    /// A target may be written before its connector.
    targets: BTreeMap<String, String>,
    /// Settings of tasks without a commit.
    staged: BTreeMap<String, BTreeMap<u32, Texts>>,
    /// The offset behind the last record that decides who has what.
    pub(super) news: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    settings: Texts,
    /// `None` where a commit had not all its tasks.
    tasks: Option<Vec<Texts>>,
}

impl Truth {
    /// Takes in the record at this offset.
    pub(super) fn take(&mut self, offset: usize, key: &str, value: Option<&[u8]>) {
        let value: Value =
            value.map_or(Value::Null, |value| serde_json::from_slice(value).unwrap());
        let properties =
            |value: &Value| serde_json::from_value(value["properties"].clone()).unwrap();
        let next = i64::try_from(offset).unwrap() + 1;
        if let Some(name) = key.strip_prefix("connector-") {
            if value.is_null() || !self.connectors.contains_key(name) {
                self.news = Some(next);
            }
            if value.is_null() {
                self.connectors.remove(name);
                self.staged.remove(name);
            } else {
                let known = self
                    .connectors
                    .entry(name.to_owned())
                    .or_insert_with(|| Known {
                        tasks: Some(Vec::new()),
                        ..Known::default()
                    });
                known.settings = properties(&value);
                let target = self.targets.entry(name.to_owned());
                target.or_insert_with(|| "STARTED".to_owned());
            }
        } else if let Some(name) = key.strip_prefix("target-state-") {
            match value["state.v2"].as_str() {
                Some(state) => drop(self.targets.insert(name.to_owned(), state.to_owned())),
                None if self.connectors.contains_key(name) => {
                    self.targets.insert(name.to_owned(), "STARTED".to_owned());
                }
                None => drop(self.targets.remove(name)),
            }
        } else if let Some((name, task)) =
            key.strip_prefix("task-").and_then(|id| id.rsplit_once('-'))
        {
            let staged = self.staged.entry(name.to_owned()).or_default();
            staged.insert(task.parse().unwrap(), properties(&value));
        } else if let Some(name) = key.strip_prefix("commit-") {
            let staged = self.staged.remove(name).unwrap_or_default();
            if let Some(known) = self.connectors.get_mut(name) {
                self.news = Some(next);
                let count = u32::try_from(value["tasks"].as_u64().unwrap()).unwrap();
                known.tasks = (0..count).map(|task| staged.get(&task).cloned()).collect();
            }
        }
    }

    /// Whether a worker knows just this.
    pub(super) fn check(&self, config: &ConfigSnapshot) -> Result<(), String> {
        let configured: BTreeSet<&str> = config.connectors().map(|name| &**name).collect();
        let known: BTreeSet<&str> = self.connectors.keys().map(String::as_str).collect();
        if configured != known {
            return Err(format!(
                "{configured:?} are known, and {known:?} were written"
            ));
        }
        for (name, known) in &self.connectors {
            let differs = |what: &str| Err(format!("{name} has other {what} than were written"));
            if config.connector_config(name).map(AsRef::as_ref) != Some(&known.settings) {
                return differs("settings");
            }
            let target = config.target_state(name).map(TargetState::name);
            if target != self.targets.get(name).map(String::as_str) {
                return differs("targets");
            }
            let ids = config.tasks(name);
            let tasks = ids
                .iter()
                .map(|id| config.task_config(id).map(AsRef::as_ref));
            let are_known = match &known.tasks {
                Some(known) => tasks.eq(known.iter().map(Some)),
                None => config.is_inconsistent(name),
            };
            if !are_known {
                return differs("tasks");
            }
        }
        Ok(())
    }
}

impl World {
    /// How often what a request wants restarted has been begun by now.
    pub(super) fn starts_of(&self, change: &Change) -> Option<(String, u32)> {
        let what = match change {
            Change::Restart(name)
            | Change::RestartMany {
                name,
                only_failed: false,
                ..
            } => name.clone(),
            Change::RestartTask { connector, task } => format!("{connector}-{task}"),
            _ => return None,
        };
        let starts = self.starts.get(&what).copied().unwrap_or_default();
        Some((what, starts))
    }

    /// Whatever users were told to be restarted has been begun since, if it is still to run: it may have been paused or
    /// deleted meanwhile, and then it begins with what comes after that.
    pub(super) fn check_restarts(&self, config: &ConfigSnapshot) -> Result<(), String> {
        let runs = |name: &str| config.target_state(name) == Some(TargetState::Started);
        for (what, before) in &self.restarts {
            let is_to_run = match what.rsplit_once('-') {
                None => config.contains(what) && runs(what),
                Some((name, task)) => {
                    let id = TaskId::new(name, task.parse().unwrap());
                    config.has_task(&id) && runs(name)
                }
            };
            if is_to_run && self.starts.get(what).is_none_or(|starts| starts <= before) {
                return Err(format!("{what} was not restarted"));
            }
        }
        Ok(())
    }

    /// A request was answered with success: what it asked for was written since.
    pub(super) fn check_kept(&self, change: &Change, since: usize) {
        let has = |key: String, is_it: &dyn Fn(&Value) -> bool| {
            let records = self.topics.config[since..].iter();
            let mut values = records
                .filter(|(known, _)| *known == key)
                .map(|(_, value)| {
                    let value = value.as_deref();
                    value.map_or(Value::Null, |value| serde_json::from_slice(value).unwrap())
                });
            values.any(|value| is_it(&value))
        };
        let aims = |name: &str, state: &str| {
            has(format!("target-state-{name}"), &|value| {
                value["state.v2"] == state
            })
        };
        let saves = |name: &str, settings: &GivenSettings| {
            has(format!("connector-{name}"), &|value| {
                settings
                    .iter()
                    .all(|(key, text)| value["properties"][key].as_str() == text.as_deref())
            })
        };
        let commits = |name: &str, count: usize| {
            has(format!("commit-{name}"), &|value| value["tasks"] == count)
        };
        let is_kept = match change {
            Change::Create {
                name,
                settings,
                initial_state,
            } => {
                let state = match initial_state {
                    Some(InitialState::Paused) => Some("PAUSED"),
                    Some(InitialState::Stopped) => Some("STOPPED"),
                    Some(InitialState::Running) | None => None,
                };
                saves(name, settings) && state.is_none_or(|state| aims(name, state))
            }
            Change::Put { name, settings } => saves(name, settings),
            Change::Patch { name, patch } => saves(name, patch),
            Change::Delete(name) => {
                let is_gone = |kind| has(format!("{kind}-{name}"), &Value::is_null);
                is_gone("connector") && is_gone("target-state")
            }
            Change::Pause(name) => aims(name, "PAUSED"),
            Change::Resume(name) => aims(name, "STARTED"),
            Change::Stop(name) => commits(name, 0) && aims(name, "STOPPED"),
            Change::RestartMany { name, .. } => {
                has(format!("restart-connector-{name}"), &|value| {
                    !value.is_null()
                })
            }
            Change::PutTasks { name, tasks, .. } => commits(name, tasks.len()),
            _ => true,
        };
        assert!(
            is_kept,
            "seed {}: at {:?} nothing came of {change:?}",
            self.seed, self.now
        );
    }
}
