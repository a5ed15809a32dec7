//! How connectors and tasks are doing, as users see it.
//!
//! # Source
//! `AbstractStatus`, `ConnectorStatus`, `TaskStatus` and `MemoryStatusBackingStore` of Kafka 4.2.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// One task of one connector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The task's number within it, from 0.
    pub task: u32,
}

impl TaskId {
    /// The task of this number.
    pub fn new(connector: impl Into<Arc<str>>, task: u32) -> Self {
        Self {
            connector: connector.into(),
            task,
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// What a connector or a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No worker has it.
    Unassigned,
    /// It works.
    Running,
    /// It waits for a user to resume it.
    Paused,
    /// It ended with an error.
    Failed,
    /// It is about to be started again.
    Restarting,
    /// A user stopped it; of connectors only.
    Stopped,
    /// It was deleted. Never shown.
    Destroyed,
}

impl State {
    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        let all = [
            Self::Unassigned,
            Self::Running,
            Self::Paused,
            Self::Failed,
            Self::Restarting,
            Self::Stopped,
            Self::Destroyed,
        ];
        all.into_iter().find(|state| state.name() == name)
    }

    /// The state's name in statuses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
            Self::Stopped => "STOPPED",
            Self::Destroyed => "DESTROYED",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The last that was heard of a connector or a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Which worker says so.
    pub worker_id: Arc<str>,
    /// The version of the connector or of its tasks.
    pub version: Option<String>,
    /// Why it failed; empty if it did not.
    pub trace: String,
    /// The generation of the group of workers in which it was said; 0 where the worker is alone.
    pub generation: i32,
}

/// What is known of a connector's use of a topic (KIP-558).
///
/// # Source
/// `TopicStatus`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicUse {
    /// The number of the task that used it first.
    pub task: u32,
    /// When it did, in milliseconds since 1970.
    pub discovered_ms: i64,
}

/// The statuses of all connectors and tasks, in memory: a worker alone loses them when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusStore {
    connectors: BTreeMap<Arc<str>, Status>,
    tasks: BTreeMap<TaskId, Status>,
    topics: BTreeMap<Arc<str>, BTreeMap<Arc<str>, TopicUse>>,
}

impl StatusStore {
    /// Remembers a connector's status.
    pub fn put_connector(&mut self, name: &str, status: Status) {
        self.connectors.insert(name.into(), status);
    }

    /// Remembers a task's status.
    pub fn put_task(&mut self, id: TaskId, status: Status) {
        self.tasks.insert(id, status);
    }

    /// A connector's status, once there is one.
    pub fn connector(&self, name: &str) -> Option<&Status> {
        self.connectors.get(name)
    }

    /// A task's status, once there is one.
    pub fn task(&self, id: &TaskId) -> Option<&Status> {
        self.tasks.get(id)
    }

    /// The statuses of a connector's tasks, by number.
    pub fn tasks(&self, connector: &str) -> impl Iterator<Item = (&TaskId, &Status)> {
        let first = TaskId::new(connector, 0);
        let owner = Arc::clone(&first.connector);
        self.tasks
            .range(first..)
            .take_while(move |(id, _)| id.connector == owner)
    }

    /// The names of all connectors with a status, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.connectors.keys()
    }

    /// The names of all connectors of which a task has a status, by name.
    pub fn connectors_of_tasks(&self) -> impl Iterator<Item = &Arc<str>> {
        let names: BTreeSet<&Arc<str>> = self.tasks.keys().map(|id| &id.connector).collect();
        names.into_iter()
    }

    /// The topics that a connector is known to use, by name.
    pub fn topics(&self, connector: &str) -> impl Iterator<Item = (&Arc<str>, &TopicUse)> {
        self.topics.get(connector).into_iter().flatten()
    }

    /// Remembers that a connector uses a topic.
    pub fn put_topic(&mut self, connector: &str, topic: &str, used: TopicUse) {
        let topics = self.topics.entry(connector.into()).or_default();
        topics.insert(topic.into(), used);
    }

    /// Forgets a connector. Its tasks, and the topics it used, are forgotten one by one: their records may be in other
    /// partitions, and come before this one or after it.
    pub fn remove_connector(&mut self, name: &str) {
        self.connectors.remove(name);
    }

    /// Forgets a task.
    pub fn remove_task(&mut self, id: &TaskId) {
        self.tasks.remove(id);
    }

    /// Forgets that a connector uses a topic.
    pub fn remove_topic(&mut self, connector: &str, topic: &str) {
        if let Some(topics) = self.topics.get_mut(connector) {
            topics.remove(topic);
            if topics.is_empty() {
                self.topics.remove(connector);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_number_and_only_those_of_the_connector() {
        let mut store = StatusStore::default();
        let status = |state| Status {
            state,
            worker_id: "w:1".into(),
            version: None,
            trace: String::new(),
            generation: 0,
        };
        for (connector, task) in [("b", 10), ("a", 0), ("b", 2), ("c", 1), ("b-1", 0)] {
            store.put_task(TaskId::new(connector, task), status(State::Running));
        }
        let tasks: Vec<u32> = store.tasks("b").map(|(id, _)| id.task).collect();
        assert_eq!(tasks, [2, 10]);
        store.remove_task(&TaskId::new("b", 2));
        assert_eq!(store.tasks("b").count(), 1);
    }
}
