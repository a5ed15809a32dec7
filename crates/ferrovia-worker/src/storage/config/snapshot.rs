//! What the config topic comes to at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::status::TaskId;
use crate::storage::config::{SessionKey, TargetState};

/// All connectors and tasks as configured, at one offset of the config topic. It never changes, and clones are cheap.
///
/// Settings hold the variables that users wrote, not their values, but also passwords: debug output has names only.
///
/// # Source
/// `ClusterConfigState`
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigSnapshot {
    pub(super) state: Arc<ConfigState>,
}

/// The maps of a snapshot, and of the fold that it was taken from.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ConfigState {
    pub(super) offset: i64,
    pub(super) session_key: Option<SessionKey>,
    pub(super) connectors: BTreeMap<Arc<str>, Arc<BTreeMap<String, String>>>,
    pub(super) target_states: BTreeMap<Arc<str>, TargetState>,
    pub(super) task_counts: BTreeMap<Arc<str>, u32>,
    pub(super) tasks: BTreeMap<TaskId, Arc<BTreeMap<String, String>>>,
    /// The connectors' settings at the time when their tasks were made of them.
    pub(super) applied: BTreeMap<Arc<str>, Arc<BTreeMap<String, String>>>,
    pub(super) generations: BTreeMap<Arc<str>, u32>,
    pub(super) task_count_records: BTreeMap<Arc<str>, u32>,
    pub(super) pending_fencing: BTreeSet<Arc<str>>,
    pub(super) inconsistent: BTreeSet<Arc<str>>,
}

impl Default for ConfigState {
    fn default() -> Self {
        Self {
            offset: ConfigSnapshot::NO_OFFSET,
            session_key: None,
            connectors: BTreeMap::new(),
            target_states: BTreeMap::new(),
            task_counts: BTreeMap::new(),
            tasks: BTreeMap::new(),
            applied: BTreeMap::new(),
            generations: BTreeMap::new(),
            task_count_records: BTreeMap::new(),
            pending_fencing: BTreeSet::new(),
            inconsistent: BTreeSet::new(),
        }
    }
}

impl ConfigSnapshot {
    /// The offset of a topic that nothing was read of.
    pub const NO_OFFSET: i64 = -1;

    /// A cluster of which nothing is known.
    pub fn empty() -> Self {
        Self {
            state: Arc::default(),
        }
    }

    /// The offset after the last record that counts, by which workers tell whether they know the same.
    pub fn offset(&self) -> i64 {
        self.state.offset
    }

    /// The key that signs what workers ask of each other, once the leader has made one.
    pub fn session_key(&self) -> Option<&SessionKey> {
        self.state.session_key.as_ref()
    }

    /// Whether a connector of this name is configured.
    pub fn contains(&self, connector: &str) -> bool {
        self.state.connectors.contains_key(connector)
    }

    /// The names of all connectors, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.state.connectors.keys()
    }

    /// A connector's settings, variables unresolved.
    pub fn connector_config(&self, connector: &str) -> Option<&Arc<BTreeMap<String, String>>> {
        self.state.connectors.get(connector)
    }

    /// The settings of which the connector's tasks were made, variables unresolved.
    pub fn applied_config(&self, connector: &str) -> Option<&Arc<BTreeMap<String, String>>> {
        self.state.applied.get(connector)
    }

    /// What a connector is meant to do. It may be known before the connector is.
    pub fn target_state(&self, connector: &str) -> Option<TargetState> {
        self.state.target_states.get(connector).copied()
    }

    /// How many tasks a connector has, whether or not their settings are complete.
    pub fn task_count(&self, connector: &str) -> u32 {
        self.state
            .task_counts
            .get(connector)
            .copied()
            .unwrap_or_default()
    }

    /// A connector's tasks, by number; none while it is [inconsistent](Self::is_inconsistent).
    pub fn tasks(&self, connector: &str) -> Vec<TaskId> {
        if self.is_inconsistent(connector) {
            return Vec::new();
        }
        let name = self.state.task_counts.get_key_value(connector);
        name.into_iter()
            .flat_map(|(name, count)| (0..*count).map(|task| TaskId::new(Arc::clone(name), task)))
            .collect()
    }

    /// Whether the task is one of its connector's [tasks](Self::tasks).
    pub fn has_task(&self, id: &TaskId) -> bool {
        !self.is_inconsistent(&id.connector) && id.task < self.task_count(&id.connector)
    }

    /// A task's settings, variables unresolved.
    pub fn task_config(&self, id: &TaskId) -> Option<&Arc<BTreeMap<String, String>>> {
        self.state.tasks.get(id)
    }

    /// Whether a commit came for settings of tasks that are not all there, so that the connector has to make them anew.
    pub fn is_inconsistent(&self, connector: &str) -> bool {
        self.state.inconsistent.contains(connector)
    }

    /// The names of all connectors that are [inconsistent](Self::is_inconsistent).
    pub fn inconsistent_connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.state.inconsistent.iter()
    }

    /// How often this worker has seen the connector's tasks get new settings, from 0. It differs between workers.
    pub fn task_config_generation(&self, connector: &str) -> Option<u32> {
        self.state.generations.get(connector).copied()
    }

    /// How many tasks the connector had when older ones were last fenced out.
    pub fn task_count_record(&self, connector: &str) -> Option<u32> {
        self.state.task_count_records.get(connector).copied()
    }

    /// Whether older tasks of the connector have to be fenced out before its new ones start, where sources are exactly
    /// once.
    pub fn is_fencing_pending(&self, connector: &str) -> bool {
        self.state.pending_fencing.contains(connector)
    }
}

impl Default for ConfigSnapshot {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for ConfigSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = &self.state;
        f.debug_struct("ConfigSnapshot")
            .field("offset", &state.offset)
            .field("session_key", &state.session_key)
            .field("connectors", &state.connectors.keys())
            .field("target_states", &state.target_states)
            .field("task_counts", &state.task_counts)
            .field("inconsistent", &state.inconsistent)
            .finish_non_exhaustive()
    }
}
