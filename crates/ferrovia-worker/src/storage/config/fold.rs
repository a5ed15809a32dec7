//! Reads the config topic record by record and keeps what it comes to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::status::TaskId;
use crate::storage::config::snapshot::ConfigState;
use crate::storage::config::{
    ConfigRecord, ConfigSnapshot, RecordFault, RestartRequest, SessionKey, TargetState,
};

/// What a record has changed, for the herder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// A connector is new.
    ConnectorAdded(Arc<str>),
    /// A connector has new settings.
    ConnectorChanged(Arc<str>),
    /// A connector is gone.
    ConnectorRemoved(Arc<str>),
    /// A commit gave these tasks new settings; none, where it came without any.
    TasksChanged {
        /// The connector's name.
        connector: Arc<str>,
        /// Its tasks with new settings, by number.
        tasks: Vec<TaskId>,
    },
    /// A connector is meant to do something else.
    TargetChanged(Arc<str>),
    /// There is a new key for signatures.
    SessionKey(SessionKey),
    /// A user asks for a restart.
    Restart(RestartRequest),
    /// A user asks all workers for another log level.
    LoggerLevel {
        /// The logger's name.
        namespace: Arc<str>,
        /// The level's name, as `DEBUG`.
        level: String,
    },
}

/// The config topic so far.
///
/// # Source
/// `KafkaConfigBackingStore.ConsumeCallback`
#[derive(Default)]
pub struct ConfigFold {
    state: Arc<ConfigState>,
    /// Settings of tasks that wait for a commit.
    staged: BTreeMap<Arc<str>, StagedTasks>,
    is_caught_up: bool,
}

/// The settings of one connector's tasks by number.
#[derive(Default)]
struct StagedTasks(BTreeMap<u32, Arc<BTreeMap<String, String>>>);

impl ConfigFold {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The history has been read: what comes from now on happens now, and is told as a change.
    pub fn catch_up(&mut self) {
        self.is_caught_up = true;
    }

    /// Whether the history has been read.
    pub fn is_caught_up(&self) -> bool {
        self.is_caught_up
    }

    /// What the topic comes to at this moment.
    pub fn snapshot(&self) -> ConfigSnapshot {
        ConfigSnapshot {
            state: Arc::clone(&self.state),
        }
    }

    /// Takes the next record. Answers what it has changed, once the history [has been read](Self::catch_up); at most one
    /// change, today.
    ///
    /// A record that cannot be used is logged and skipped.
    pub fn on_record(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Vec<ConfigChange> {
        let record = ConfigRecord::parse(key, value);
        if !matches!(record, Err(RecordFault::NoJson { .. })) {
            self.state_mut().offset = offset.saturating_add(1);
        }
        let change = match record {
            Ok(record) => self.apply(record),
            Err(fault) => {
                let reason: &dyn std::error::Error = &fault;
                tracing::error!(offset, reason, "a record of the config topic is skipped");
                None
            }
        };
        change.filter(|_| self.is_caught_up).into_iter().collect()
    }

    fn apply(&mut self, record: ConfigRecord) -> Option<ConfigChange> {
        match record {
            ConfigRecord::Target { name, state } => self.on_target(name, state),
            ConfigRecord::Connector { name, settings } => Some(self.on_connector(name, settings)),
            ConfigRecord::Task { id, settings } => {
                let staged = self.staged.entry(id.connector).or_default();
                staged.0.insert(id.task, settings);
                None
            }
            ConfigRecord::Commit { name, tasks } => self.on_commit(name, tasks),
            ConfigRecord::TasksFencing { name, tasks } => {
                let state = self.state_mut();
                state.pending_fencing.remove(&name);
                state.task_count_records.insert(name, tasks);
                None
            }
            ConfigRecord::SessionKey(key) => {
                self.state_mut().session_key = Some(key.clone());
                Some(ConfigChange::SessionKey(key))
            }
            ConfigRecord::Restart(request) => Some(ConfigChange::Restart(request)),
            ConfigRecord::LoggerLevel { namespace, level } => {
                Some(ConfigChange::LoggerLevel { namespace, level })
            }
        }
    }

    fn on_target(&mut self, name: Arc<str>, target: Option<TargetState>) -> Option<ConfigChange> {
        let state = self.state_mut();
        let is_configured = state.connectors.contains_key(&name);
        let Some(target) = target else {
            if is_configured {
                state.target_states.insert(name, TargetState::Started);
            } else {
                state.target_states.remove(&name);
            }
            return None;
        };
        let before = state.target_states.insert(Arc::clone(&name), target);
        let is_news = is_configured && before != Some(target);
        is_news.then_some(ConfigChange::TargetChanged(name))
    }

    fn on_connector(
        &mut self,
        name: Arc<str>,
        settings: Option<Arc<BTreeMap<String, String>>>,
    ) -> ConfigChange {
        let Some(settings) = settings else {
            self.remove(&name);
            tracing::info!("Successfully processed removal of connector '{name}'");
            return ConfigChange::ConnectorRemoved(name);
        };
        let state = self.state_mut();
        let before = state.connectors.insert(Arc::clone(&name), settings);
        if let Entry::Vacant(entry) = state.target_states.entry(Arc::clone(&name)) {
            entry.insert(TargetState::Started);
        }
        match before {
            None => ConfigChange::ConnectorAdded(name),
            Some(_) => ConfigChange::ConnectorChanged(name),
        }
    }

    /// The staged settings take effect if all tasks up to `tasks` have some.
    ///
    /// Settings beyond them are taken too: where a connector had more tasks once, compaction may have left those of the
    /// last of them.
    fn on_commit(&mut self, name: Arc<str>, tasks: u32) -> Option<ConfigChange> {
        let Some(settings) = self.state.connectors.get(&name).map(Arc::clone) else {
            // The connector was deleted, and compaction has taken its records and their tombstone.
            self.remove(&name);
            return None;
        };
        let staged = self.staged.get_mut(&name).map(std::mem::take);
        let had_settings = staged.is_some();
        let StagedTasks(staged) = staged.unwrap_or_default();
        // Numbers are distinct and in order, so the first of them are all there if the last of those is in its place.
        let first = staged.keys().copied().zip(0..tasks);
        let is_complete = first.filter(|(task, place)| task == place).count()
            == usize::try_from(tasks).unwrap_or(usize::MAX);
        let mut changed = Vec::new();
        let state = self.state_mut();
        state.task_counts.insert(Arc::clone(&name), tasks);
        state.pending_fencing.insert(Arc::clone(&name));
        if is_complete {
            if had_settings {
                let generation = state.generations.entry(Arc::clone(&name));
                generation
                    .and_modify(|generation| *generation = generation.saturating_add(1))
                    .or_insert(0);
            }
            for (task, settings) in staged {
                let id = TaskId::new(Arc::clone(&name), task);
                state.tasks.insert(id.clone(), settings);
                changed.push(id);
            }
            state.inconsistent.remove(&name);
            state.applied.insert(Arc::clone(&name), settings);
        } else {
            state.inconsistent.insert(Arc::clone(&name));
        }
        Some(ConfigChange::TasksChanged {
            connector: name,
            tasks: changed,
        })
    }

    /// Forgets a connector's settings and tasks. What it is meant to do has a record of its own.
    fn remove(&mut self, name: &Arc<str>) {
        self.staged.remove(name);
        let state = self.state_mut();
        state.connectors.remove(name);
        state.task_counts.remove(name);
        state.applied.remove(name);
        let own = state.tasks.range(TaskId::new(Arc::clone(name), 0)..);
        let own = own.map(|(id, _)| id);
        let own: Vec<TaskId> = own
            .take_while(|id| id.connector == *name)
            .cloned()
            .collect();
        for id in own {
            state.tasks.remove(&id);
        }
    }

    fn state_mut(&mut self) -> &mut ConfigState {
        Arc::make_mut(&mut self.state)
    }
}

impl std::fmt::Debug for ConfigFold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigFold")
            .field("snapshot", &self.snapshot())
            .field("staged", &self.staged.keys())
            .field("is_caught_up", &self.is_caught_up)
            .finish()
    }
}

#[cfg(test)]
mod tests;
