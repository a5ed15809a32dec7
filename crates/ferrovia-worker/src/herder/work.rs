//! What runs on this worker, as a machine: each connector and task has one life at a time.
//!
//! The herder says what shall run and in which state; [`Work`] says what is to be done for it, one life after the other:
//! whatever is to be replaced ends first, or its time to end runs out. A [`Run`] tells lives apart, so that late words
//! of one that was given up are not taken for those of the next.
//!
//! # Source
//! `Worker`, `WorkerConnector` and `WorkerTask` of Kafka 4.2

mod connectors;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use self::connectors::Connectors;
use self::tasks::Tasks;
use super::runner::TaskEvent;
use crate::config::Settings;
use crate::status::{State, TaskId};
use crate::storage::config::TargetState;

/// How long a connector may take to stop.
///
/// # Source
/// `Worker.CONNECTOR_GRACEFUL_SHUTDOWN_TIMEOUT_MS`
const CONNECTOR_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// One life of a connector or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(pub u64);

/// What is to be done for the work.
#[derive(Clone, Debug)]
pub enum WorkAction {
    /// Make the connector and start it, then call [`Work::on_connector_started`].
    StartConnector {
        /// Its name.
        name: Arc<str>,
        /// Its life.
        run: Run,
        /// Its settings as written.
        settings: Arc<Settings>,
    },
    /// Ask a started connector for its tasks.
    AskTasks {
        /// Its name.
        name: Arc<str>,
        /// Its life.
        run: Run,
        /// Its settings as written.
        settings: Arc<Settings>,
    },
    /// Stop the connector, then call [`Work::on_connector_stopped`].
    StopConnector(Arc<str>, Run),
    /// Begin the task, and call [`Work::on_task_event`] with what it says.
    StartTask {
        /// Which one.
        id: TaskId,
        /// Its life.
        run: Run,
        /// What it runs with.
        wish: TaskWish,
    },
    /// End the task in order.
    StopTask(TaskId, Run),
    /// Let the task wait.
    PauseTask(TaskId, Run),
    /// Let the task go on.
    ResumeTask(TaskId, Run),
    /// Nobody waits for this connector any more: drop it.
    AbandonConnector(Arc<str>, Run),
    /// Nobody waits for this task any more: drop it.
    AbandonTask(TaskId, Run),
    /// Tell what the connector is doing; the text says why it failed.
    ConnectorIs(Arc<str>, State, String),
    /// Tell what the task is doing; the text says why it failed.
    TaskIs(TaskId, State, String),
}

/// How a connector shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorWish {
    /// Its settings as written.
    pub settings: Arc<Settings>,
    /// Whether it shall work.
    pub target: TargetState,
}

/// How a task shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskWish {
    /// Its connector's settings as written.
    pub connector: Arc<Settings>,
    /// Its own settings, with the variables of its connector.
    pub settings: Arc<BTreeMap<String, String>>,
    /// Whether it shall wait.
    pub is_paused: bool,
    /// Of which of its connector's sets of tasks it is, as this worker counts them.
    pub generation: Option<u32>,
}

/// What follows when a life has ended.
#[derive(Clone, Debug)]
struct Then<W> {
    /// The next life, if there is one.
    wish: Option<W>,
    /// The states to be told in between.
    tell: &'static [State],
}

/// The connectors and tasks of this worker.
#[derive(Debug)]
pub struct Work {
    connectors: Connectors,
    tasks: Tasks,
    runs: u64,
}

impl Work {
    /// Nothing yet. A task has `task_stop_timeout` to end.
    pub fn new(task_stop_timeout: Duration) -> Self {
        Self {
            connectors: Connectors::default(),
            tasks: Tasks::new(task_stop_timeout),
            runs: 0,
        }
    }

    /// Begins a connector, or ends it first where it runs.
    pub fn start_connector(
        &mut self,
        name: &Arc<str>,
        wish: ConnectorWish,
        now: Duration,
    ) -> Vec<WorkAction> {
        let run = self.next_run();
        self.connectors
            .start(name, wish, &[State::Unassigned], run, now)
    }

    /// As [`start_connector`](Self::start_connector), because a user wants it restarted with others: the status says so.
    pub fn restart_connector(
        &mut self,
        name: &Arc<str>,
        wish: ConnectorWish,
        now: Duration,
    ) -> Vec<WorkAction> {
        let run = self.next_run();
        let tell = &[State::Unassigned, State::Restarting];
        self.connectors.start(name, wish, tell, run, now)
    }

    /// A user wants the connector to work, to wait, or to stop. A connector that failed only stops.
    pub fn aim_connector(
        &mut self,
        name: &Arc<str>,
        target: TargetState,
        now: Duration,
    ) -> Vec<WorkAction> {
        let run = self.next_run();
        self.connectors.aim(name, target, run, now)
    }

    /// Ends a connector for good.
    pub fn stop_connector(&mut self, name: &Arc<str>, now: Duration) -> Vec<WorkAction> {
        self.connectors.stop(name, now)
    }

    /// A connector was started, or failed to with a trace.
    pub fn on_connector_started(
        &mut self,
        name: &Arc<str>,
        run: Run,
        outcome: Result<(), String>,
        now: Duration,
    ) -> Vec<WorkAction> {
        self.connectors.on_started(name, run, outcome, now)
    }

    /// A connector was stopped, or failed to with a trace.
    pub fn on_connector_stopped(
        &mut self,
        name: &Arc<str>,
        run: Run,
        outcome: Result<(), String>,
    ) -> Vec<WorkAction> {
        let next = self.next_run();
        self.connectors.on_stopped(name, run, outcome, next)
    }

    /// A connector that runs has a fault.
    pub fn fail_connector(&mut self, name: &Arc<str>, trace: String) -> Vec<WorkAction> {
        self.connectors.fail(name, trace)
    }

    /// Asks a connector for its tasks again. Nothing comes of it where it does not run.
    pub fn ask_tasks(&self, name: &Arc<str>) -> Option<WorkAction> {
        self.connectors.ask_tasks(name)
    }

    /// Begins a task, or ends it first where it runs.
    pub fn start_task(&mut self, id: &TaskId, wish: TaskWish, now: Duration) -> Vec<WorkAction> {
        let run = self.next_run();
        self.tasks.start(id, wish, &[State::Unassigned], run, now)
    }

    /// As [`start_task`](Self::start_task), because a user wants it restarted with others: the status says so.
    pub fn restart_task(&mut self, id: &TaskId, wish: TaskWish, now: Duration) -> Vec<WorkAction> {
        let run = self.next_run();
        let tell = &[State::Unassigned, State::Restarting];
        self.tasks.start(id, wish, tell, run, now)
    }

    /// Lets the connector's tasks wait or go on.
    pub fn aim_tasks(&mut self, connector: &str, is_paused: bool) -> Vec<WorkAction> {
        self.tasks.aim(connector, is_paused)
    }

    /// Ends a task for good.
    pub fn stop_task(&mut self, id: &TaskId, now: Duration) -> Vec<WorkAction> {
        self.tasks.stop(id, now)
    }

    /// A task said something.
    pub fn on_task_event(&mut self, id: &TaskId, run: Run, event: TaskEvent) -> Vec<WorkAction> {
        let next = self.next_run();
        self.tasks.on_event(id, run, event, next)
    }

    /// Gives up what did not end in time. Calling it too often does no harm.
    pub fn on_time(&mut self, now: Duration) -> Vec<WorkAction> {
        let mut actions = Vec::new();
        for name in self.connectors.overdue(now) {
            let next = self.next_run();
            actions.extend(self.connectors.give_up(&name, next));
        }
        for id in self.tasks.overdue(now) {
            let next = self.next_run();
            actions.extend(self.tasks.give_up(&id, next));
        }
        actions
    }

    /// When [`on_time`](Self::on_time) has something to do next.
    pub fn next_deadline(&self) -> Option<Duration> {
        let both = [self.connectors.deadline(), self.tasks.deadline()];
        both.into_iter().flatten().min()
    }

    /// Whether the connector was started and has not ended.
    pub fn is_connector_running(&self, name: &str) -> bool {
        self.connectors.is_running(name)
    }

    /// Whether the connector works in this life.
    pub fn is_connector_in(&self, name: &str, run: Run) -> bool {
        self.connectors.is_in(name, run)
    }

    /// Whether the connector works, or is going to without anybody asking again.
    pub fn will_connector_run(&self, name: &str) -> bool {
        self.connectors.will_run(name)
    }

    /// Whether a task that ends is going to begin again.
    pub fn will_task_begin(&self, id: &TaskId) -> bool {
        self.tasks.will_begin(id)
    }

    /// What a connector that this worker has was last said to be doing, unless that is about to change.
    pub fn connector_state(&self, name: &str) -> Option<(State, String)> {
        self.connectors.state(name)
    }

    /// What a task that this worker has was last said to be doing, unless that is about to change.
    pub fn task_state(&self, id: &TaskId) -> Option<(State, String)> {
        self.tasks.state(id)
    }

    /// The life of a task that runs.
    #[cfg(test)]
    pub(crate) fn run_of(&self, id: &TaskId) -> Run {
        self.tasks.run_of(id)
    }

    /// Whether anything is left of the connector that is not yet ended.
    pub fn is_connector_alive(&self, name: &str) -> bool {
        self.connectors.is_alive(name)
    }

    /// Whether anything is left of the task that is not yet ended.
    pub fn is_task_alive(&self, id: &TaskId) -> bool {
        self.tasks.is_alive(id)
    }

    /// Whether anything is left of a connector's tasks that is not yet ended.
    pub fn is_any_task_alive(&self, connector: &str) -> bool {
        self.tasks.is_any_alive_of(connector)
    }

    /// The connectors that this worker has, in whatever state; not those that end for good.
    pub fn connectors(&self) -> BTreeSet<Arc<str>> {
        self.connectors.held()
    }

    /// Whether the connector is one of [`connectors`](Self::connectors).
    pub fn has_connector(&self, name: &str) -> bool {
        self.connectors.has(name)
    }

    /// The tasks that this worker has, in whatever state; not those that end for good.
    pub fn tasks(&self) -> BTreeSet<TaskId> {
        self.tasks.held()
    }

    /// Whether the task is one of [`tasks`](Self::tasks).
    pub fn has_task(&self, id: &TaskId) -> bool {
        self.tasks.has(id)
    }

    /// Those of [`tasks`](Self::tasks) that are one connector's, by number.
    pub fn tasks_of(&self, connector: &str) -> Vec<TaskId> {
        self.tasks.held_of(connector)
    }

    /// Whether everything has ended.
    pub fn is_over(&self) -> bool {
        !self.connectors.is_any_alive() && !self.tasks.is_any_alive()
    }

    /// Whether something ends for good, and has not ended yet.
    pub fn is_any_leaving(&self) -> bool {
        self.connectors.is_any_leaving() || self.tasks.is_any_leaving()
    }

    fn next_run(&mut self) -> Run {
        self.runs += 1;
        Run(self.runs)
    }
}
