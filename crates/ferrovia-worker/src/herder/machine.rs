//! The herder's rules, without doing: which connectors exist, what runs, and what follows from what happens.
//!
//! Events come in by `on_…`, and what is to be done comes out as [`Action`]s, in order. Nothing here waits, calls a
//! connector or reads a clock.
//!
//! # Source
//! `StandaloneHerder` and `AbstractHerder` of Kafka 4.2.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};

use super::request::{
    ConnectorInfo, ConnectorKind, ConnectorOverview, ConnectorStatus, HerderError, TaskInfo,
};
use super::runner::TaskEvent;
use super::validation::Admission;
use crate::config::providers::has_variable;
use crate::config::{InitialState, Settings};
use crate::status::{State, Status, StatusStore, TaskId};

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What the driver is to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make the connector, start it, ask it for the settings of its tasks, and tell
    /// [`on_connector_started`](HerderMachine::on_connector_started).
    StartConnector {
        /// Its name.
        name: Arc<str>,
        /// How to make it.
        plugin: ConnectorPlugin,
        /// Its settings as written.
        settings: Arc<Settings>,
    },
    /// Stop the connector and forget it.
    StopConnector(Arc<str>),
    /// Begin the task.
    StartTask {
        /// Which one.
        id: TaskId,
        /// Its connector's settings as written.
        connector: Arc<Settings>,
        /// Its own settings, with the variables of its connector.
        settings: BTreeMap<String, String>,
    },
    /// End the task in order.
    StopTask(TaskId),
    /// Answer the request that made a connector.
    Reply(RequestId, Result<ConnectorInfo, HerderError>),
    /// All has ended: answer those who wait for that, and end too.
    Finish,
}

/// Where the worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Starting,
    Ready,
    Stopping,
    Finished,
}

/// The tasks that a connector wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTasks {
    /// The settings of each.
    pub configs: Vec<BTreeMap<String, String>>,
    /// How many it may have.
    pub max: usize,
    /// Whether it fails when it wants more.
    pub is_max_enforced: bool,
}

#[derive(Debug)]
struct Connector {
    /// As written: values of variables are looked up by whoever needs them.
    settings: Arc<Settings>,
    plugin: ConnectorPlugin,
    /// The settings of its tasks, by number.
    tasks: Vec<BTreeMap<String, String>>,
    /// The tasks that were begun and have not ended.
    alive: BTreeSet<u32>,
    /// Who waits for it to start.
    creating: Option<RequestId>,
}

/// The state of a worker that is alone.
#[derive(Debug)]
pub struct HerderMachine {
    worker_id: Arc<str>,
    connectors: BTreeMap<Arc<str>, Connector>,
    statuses: StatusStore,
    phase: Phase,
}

impl HerderMachine {
    /// A worker without connectors that is still coming up.
    pub fn new(worker_id: impl Into<Arc<str>>) -> Self {
        Self {
            worker_id: worker_id.into(),
            connectors: BTreeMap::new(),
            statuses: StatusStore::default(),
            phase: Phase::Starting,
        }
    }

    /// All connectors of the command line were made.
    pub fn on_ready(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Ready;
        }
    }

    /// Whether the worker has come up.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Somebody wants a connector, and its settings were checked.
    pub fn on_create(
        &mut self,
        request: RequestId,
        admission: Result<Admission, HerderError>,
    ) -> Vec<Action> {
        match admission.and_then(|admission| self.admit(admission)) {
            Err(error) => vec![Action::Reply(request, Err(error))],
            Ok((name, InitialState::Running)) => self.start(&name, request),
            Ok((name, resting)) => {
                let state = match resting {
                    InitialState::Paused => State::Paused,
                    InitialState::Running | InitialState::Stopped => State::Stopped,
                };
                self.put_connector_status(&name, state, String::new());
                vec![Action::Reply(request, self.info(&name))]
            }
        }
    }

    /// A connector was started and named its tasks, or failed with a trace.
    pub fn on_connector_started(
        &mut self,
        name: &str,
        outcome: Result<WantedTasks, String>,
    ) -> Vec<Action> {
        if self.phase >= Phase::Stopping {
            let reply = self
                .take_creator(name)
                .map(|id| Action::Reply(id, Err(HerderError::Stopping)));
            return reply
                .into_iter()
                .chain([Action::StopConnector(name.into())])
                .collect();
        }
        let outcome = outcome.and_then(|tasks| check_count(name, tasks));
        let creator = self.take_creator(name);
        match outcome {
            Ok(tasks) => {
                self.put_connector_status(name, State::Running, String::new());
                let mut actions = self.start_tasks(name, tasks);
                actions.extend(creator.map(|id| Action::Reply(id, self.info(name))));
                actions
            }
            Err(trace) => {
                let first_line = trace.lines().next().unwrap_or_default().to_owned();
                self.put_connector_status(name, State::Failed, trace);
                let text = format!("Failed to start connector: {name}: {first_line}");
                let reply = |id| Action::Reply(id, Err(HerderError::Failed(text)));
                creator.map(reply).into_iter().collect()
            }
        }
    }

    /// Something happened to a task.
    pub fn on_task_event(&mut self, id: &TaskId, event: TaskEvent) -> Vec<Action> {
        match event {
            TaskEvent::State(state, trace) => {
                self.put_task_status(id, state, trace);
                Vec::new()
            }
            TaskEvent::Ended => self.on_task_ended(id),
        }
    }

    /// The worker shall end: tasks first, then their connectors.
    pub fn on_stop(&mut self) -> Vec<Action> {
        if self.phase >= Phase::Stopping {
            return Vec::new();
        }
        self.phase = Phase::Stopping;
        let alive = self.alive_tasks();
        if alive.is_empty() {
            return self.finish();
        }
        alive.into_iter().map(Action::StopTask).collect()
    }

    /// The time for ending is over. Returns the tasks that are left behind, and what to do.
    pub fn on_stop_deadline(&mut self) -> (Vec<TaskId>, Vec<Action>) {
        (self.alive_tasks(), self.finish())
    }

    /// One connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn info(&self, name: &str) -> Result<ConnectorInfo, HerderError> {
        let (name, connector) = self.find(name)?;
        Ok(connector.info(name))
    }

    /// The tasks of one connector as configured.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, HerderError> {
        let (name, connector) = self.find(name)?;
        let ids = connector.task_ids(name);
        Ok(ids
            .zip(&connector.tasks)
            .map(|(id, task)| TaskInfo {
                id,
                config: task.clone(),
            })
            .collect())
    }

    /// How one connector is doing.
    ///
    /// # Errors
    /// [`HerderError::NotFound`]
    pub fn status(&self, name: &str) -> Result<ConnectorStatus, HerderError> {
        let unknown = || HerderError::NotFound(format!("No status found for connector {name}"));
        let (name, connector) = self.find(name).map_err(|_| unknown())?;
        self.status_of(name, connector).ok_or_else(unknown)
    }

    /// How one task is doing.
    pub fn task_status(&self, id: &TaskId) -> Option<&Status> {
        self.statuses.task(id)
    }

    /// Everything about all connectors, by name.
    pub fn overview(&self) -> Vec<ConnectorOverview> {
        let each = self.connectors.iter();
        each.map(|(name, connector)| ConnectorOverview {
            info: connector.info(name),
            status: self.status_of(name, connector),
        })
        .collect()
    }

    fn find(&self, name: &str) -> Result<(&Arc<str>, &Connector), HerderError> {
        let unknown = || HerderError::NotFound(format!("Connector {name} not found"));
        self.connectors.get_key_value(name).ok_or_else(unknown)
    }

    fn status_of(&self, name: &Arc<str>, connector: &Connector) -> Option<ConnectorStatus> {
        let tasks = self.statuses.tasks(name);
        Some(ConnectorStatus {
            name: Arc::clone(name),
            connector: self.statuses.connector(name)?.clone(),
            tasks: tasks
                .map(|(id, status)| (id.clone(), status.clone()))
                .collect(),
            kind: connector.kind(),
        })
    }

    /// Takes a connector in, unless there is one of its name.
    fn admit(&mut self, admission: Admission) -> Result<(Arc<str>, InitialState), HerderError> {
        if self.phase >= Phase::Stopping {
            return Err(HerderError::Stopping);
        }
        let name = admission.name;
        if self.connectors.contains_key(&name) {
            return Err(HerderError::AlreadyExists(format!(
                "Connector {name} already exists"
            )));
        }
        let connector = Connector {
            settings: Arc::new(admission.settings),
            plugin: admission.plugin,
            tasks: Vec::new(),
            alive: BTreeSet::new(),
            creating: None,
        };
        self.connectors.insert(Arc::clone(&name), connector);
        Ok((name, admission.initial_state))
    }

    fn start(&mut self, name: &Arc<str>, request: RequestId) -> Vec<Action> {
        let Some(connector) = self.connectors.get_mut(name) else {
            return Vec::new();
        };
        connector.creating = Some(request);
        vec![Action::StartConnector {
            name: Arc::clone(name),
            plugin: connector.plugin,
            settings: Arc::clone(&connector.settings),
        }]
    }

    fn start_tasks(&mut self, name: &str, tasks: Vec<BTreeMap<String, String>>) -> Vec<Action> {
        let Some(connector) = self.connectors.get_mut(name) else {
            return Vec::new();
        };
        connector.tasks = tasks
            .into_iter()
            .map(|task| connector.complete(task))
            .collect();
        let name: Arc<str> = name.into();
        let ids: Vec<TaskId> = connector.task_ids(&name).collect();
        connector.alive = ids.iter().map(|id| id.task).collect();
        let start = |(id, settings): (TaskId, &BTreeMap<String, String>)| Action::StartTask {
            id,
            connector: Arc::clone(&connector.settings),
            settings: settings.clone(),
        };
        ids.into_iter().zip(&connector.tasks).map(start).collect()
    }

    fn on_task_ended(&mut self, id: &TaskId) -> Vec<Action> {
        if let Some(connector) = self.connectors.get_mut(&id.connector) {
            connector.alive.remove(&id.task);
        }
        let has_failed = self
            .statuses
            .task(id)
            .is_some_and(|s| s.state == State::Failed);
        if !has_failed {
            self.put_task_status(id, State::Unassigned, String::new());
        }
        let is_last = self.phase == Phase::Stopping && self.alive_tasks().is_empty();
        if is_last { self.finish() } else { Vec::new() }
    }

    fn finish(&mut self) -> Vec<Action> {
        if self.phase == Phase::Finished {
            return Vec::new();
        }
        self.phase = Phase::Finished;
        let stops = self
            .connectors
            .keys()
            .map(|name| Action::StopConnector(Arc::clone(name)));
        stops.chain([Action::Finish]).collect()
    }

    fn alive_tasks(&self) -> Vec<TaskId> {
        let of = |(name, connector): (&Arc<str>, &Connector)| {
            let ids = connector
                .alive
                .iter()
                .map(|&task| TaskId::new(Arc::clone(name), task));
            ids.collect::<Vec<_>>()
        };
        self.connectors.iter().flat_map(of).collect()
    }

    fn take_creator(&mut self, name: &str) -> Option<RequestId> {
        self.connectors
            .get_mut(name)
            .and_then(|connector| connector.creating.take())
    }

    fn put_connector_status(&mut self, name: &str, state: State, trace: String) {
        let version = self.version_of(name);
        let worker_id = Arc::clone(&self.worker_id);
        self.statuses.put_connector(
            name,
            Status {
                state,
                worker_id,
                version,
                trace,
                generation: 0,
            },
        );
    }

    fn put_task_status(&mut self, id: &TaskId, state: State, trace: String) {
        let version = self.version_of(&id.connector);
        let worker_id = Arc::clone(&self.worker_id);
        self.statuses.put_task(
            id.clone(),
            Status {
                state,
                worker_id,
                version,
                trace,
                generation: 0,
            },
        );
    }

    fn version_of(&self, name: &str) -> Option<String> {
        self.connectors
            .get(name)
            .map(|connector| connector.plugin.version.to_owned())
    }
}

impl Connector {
    fn kind(&self) -> ConnectorKind {
        match self.plugin.factory {
            ConnectorFactory::Sink(_) => ConnectorKind::Sink,
            // Kinds that this worker does not know yet cannot be copied from here.
            _ => ConnectorKind::Source,
        }
    }

    fn info(&self, name: &Arc<str>) -> ConnectorInfo {
        ConnectorInfo {
            name: Arc::clone(name),
            config: self.settings.as_map().clone(),
            tasks: self.task_ids(name).collect(),
            kind: self.kind(),
        }
    }

    fn task_ids(&self, name: &Arc<str>) -> impl Iterator<Item = TaskId> + use<> {
        let name = Arc::clone(name);
        (0_u32..)
            .take(self.tasks.len())
            .map(move |task| TaskId::new(Arc::clone(&name), task))
    }

    /// A task's settings with what the worker adds, its class and the topics, and with the connector's variables where
    /// the connector handed on their values.
    ///
    /// # Source
    /// `AbstractHerder.reverseTransform`
    fn complete(&self, mut task: BTreeMap<String, String>) -> BTreeMap<String, String> {
        for (key, text) in self.settings.as_map() {
            if let Some(value) = task.get_mut(key).filter(|_| has_variable(text)) {
                value.clone_from(text);
            }
        }
        task.insert("task.class".to_owned(), self.plugin.task_class.to_owned());
        for key in ["topics", "topics.regex"] {
            if let Some(text) = self.settings.text(key) {
                task.insert(key.to_owned(), text.to_owned());
            }
        }
        task
    }
}

/// KIP-1004: a connector that makes more tasks than it may has a fault.
fn check_count(name: &str, tasks: WantedTasks) -> Result<Vec<BTreeMap<String, String>>, String> {
    let (count, max) = (tasks.configs.len(), tasks.max);
    if count <= max || !tasks.is_max_enforced {
        return Ok(tasks.configs);
    }
    Err(format!(
        "The connector {name} has generated {count} tasks, which is greater than {max}, the maximum \
         number of tasks it is configured to create. This behaviour should be considered a bug and is \
         disallowed."
    ))
}

#[cfg(test)]
mod tests;
