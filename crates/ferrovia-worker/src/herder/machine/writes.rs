//! What follows when something was written to the config topic, or when another answer came.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::fencing::Awaited;
use super::privileges::WriteFailure;
use super::{Action, HerderMachine, Moment, RequestId, Started, Ticket};
use crate::herder::request::{ConnectorInfo, ConnectorStatus, HerderError, Outcome};
use crate::status::TaskId;
use crate::storage::config::{ConfigRecord, TargetState};

/// What follows when an action has ended.
#[derive(Debug)]
pub(super) enum Then {
    /// Settings were checked.
    Save {
        request: RequestId,
        name: Arc<str>,
        target: Option<TargetState>,
        may_replace: bool,
    },
    /// A connector was written.
    Saved {
        request: RequestId,
        name: Arc<str>,
        settings: Arc<BTreeMap<String, String>>,
        is_new: bool,
        /// Whether its tasks wait for that.
        holds_tasks: bool,
    },
    Reply(RequestId),
    /// A worker that is alone answers when nothing of the connector runs any more.
    ReplyWhenEnded(RequestId, Arc<str>),
    /// The connector was written to be stopped; its tasks went before.
    Stopped(RequestId, Arc<str>),
    /// The request to restart was written.
    Restarting(RequestId, Box<ConnectorStatus>),
    /// The tasks' settings were written, and await the commit.
    Commit {
        connector: Arc<str>,
        tasks: u32,
        after: AfterTasks,
    },
    /// The tasks were committed.
    Committed {
        connector: Arc<str>,
        after: AfterTasks,
    },
    /// The leader was asked to write the tasks of this connector.
    Forwarded(Arc<str>),
    /// The config topic is read to catch up with the group.
    CaughtUp,
    /// The work of the last generation has ended, and its statuses are written.
    Yielded,
    /// What was revoked has ended, and its statuses are written.
    Revoked,
    /// Older tasks are being fenced, or a task asks whether it may start.
    Fencing(Awaited),
    /// A session key was written; since when it was tried.
    KeyWritten(Duration),
    /// The right to write as a leader was claimed.
    Claimed,
}

/// What follows when tasks were committed.
#[derive(Debug)]
pub(super) enum AfterTasks {
    /// They are this worker's own connector's.
    Published,
    Reply(RequestId),
    /// The connector is to be stopped.
    Stop(RequestId),
}

/// Tasks that wait to be written. Each has a request that waits for it, or is the one publication of a connector, so no
/// more wait than requests do.
#[derive(Debug)]
pub(super) struct TasksWrite {
    tasks: Vec<BTreeMap<String, String>>,
    after: AfterTasks,
}

impl HerderMachine {
    /// Records were written to the config topic and read back, or were refused for this reason.
    pub fn on_written(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), WriteFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if outcome
            .as_ref()
            .is_err_and(|failure| failure.loses_privileges)
        {
            self.lose_privileges();
        }
        if let Some(then) = self.pending.remove(&ticket) {
            match outcome {
                Ok(()) => self.then(then),
                Err(failure) => self.write_failed(then, &failure.reason, at),
            }
        }
        self.finish(at)
    }

    /// Writes to the config topic. A worker that is alone reads it at once.
    pub(super) fn write(&mut self, records: Vec<ConfigRecord>, then: Then) {
        if !self.is_alone() {
            let ticket = self.ticket(then);
            return self.actions.push(Action::WriteConfig(ticket, records));
        }
        for record in records {
            let offset = self.config.snapshot().offset().max(0);
            let (key, value) = (record.key(), record.value());
            self.take_config(offset, Some(key.as_bytes()), value.as_deref());
        }
        self.then(then);
    }

    /// Writes all tasks of a connector.
    pub(super) fn write_tasks(
        &mut self,
        connector: &Arc<str>,
        tasks: Vec<BTreeMap<String, String>>,
        after: AfterTasks,
    ) -> Result<(), HerderError> {
        self.check_takes_tasks(connector, &tasks)?;
        let waiting = self.writing_tasks.entry(Arc::clone(connector));
        match waiting {
            // Between the settings of tasks and their commit there must not be any others.
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(TasksWrite { tasks, after });
            }
            Entry::Vacant(entry) => {
                entry.insert(VecDeque::new());
                self.stage_tasks(connector, tasks, after);
            }
        }
        Ok(())
    }

    /// Has the tasks of a connector wait that is written to be stopped: another user may have created one of that name,
    /// which runs before this is known. Says whether it does; not where the tasks of an older one are being written.
    pub(super) fn hold_tasks(&mut self, connector: &Arc<str>) -> bool {
        match self.writing_tasks.entry(Arc::clone(connector)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(VecDeque::new());
                true
            }
        }
    }

    /// Writing the tasks of a connector has ended: the next may, unless the connector was stopped meanwhile.
    fn tasks_written(&mut self, connector: &Arc<str>) {
        let Some(waiting) = self.writing_tasks.remove(connector) else {
            return;
        };
        let mut waiting = waiting.into_iter();
        for TasksWrite { tasks, after } in waiting.by_ref() {
            if let Err(error) = self.check_takes_tasks(connector, &tasks) {
                self.tasks_refused(connector, after, error);
                continue;
            }
            let rest = waiting.collect();
            self.writing_tasks.insert(Arc::clone(connector), rest);
            return self.stage_tasks(connector, tasks, after);
        }
    }

    fn check_takes_tasks(
        &self,
        connector: &str,
        tasks: &[BTreeMap<String, String>],
    ) -> Result<(), HerderError> {
        let target = self.config.snapshot().target_state(connector);
        if target != Some(TargetState::Stopped) || tasks.is_empty() {
            return Ok(());
        }
        Err(HerderError::BadRequest(format!(
            "Cannot submit non-empty set of task configs for stopped connector {connector}"
        )))
    }

    fn tasks_refused(&mut self, connector: &str, after: AfterTasks, error: HerderError) {
        match after {
            // It does not run any more.
            AfterTasks::Published => self.forget_publishing(connector),
            AfterTasks::Reply(request) | AfterTasks::Stop(request) => {
                self.reply(request, Err(error));
            }
        }
    }

    fn stage_tasks(
        &mut self,
        connector: &Arc<str>,
        tasks: Vec<BTreeMap<String, String>>,
        after: AfterTasks,
    ) {
        let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let staged = (0..count)
            .zip(tasks)
            .map(|(task, settings)| ConfigRecord::Task {
                id: TaskId::new(Arc::clone(connector), task),
                settings: Arc::new(settings),
            });
        let then = Then::Commit {
            connector: Arc::clone(connector),
            tasks: count,
            after,
        };
        match staged.collect::<Vec<_>>() {
            none if none.is_empty() => self.then(then),
            staged => self.write(staged, then),
        }
    }

    pub(super) fn then(&mut self, then: Then) {
        match then {
            Then::Saved {
                request,
                name,
                settings,
                is_new,
                holds_tasks,
            } => {
                if holds_tasks {
                    self.tasks_written(&name);
                }
                self.saved(request, name, &settings, is_new);
            }
            Then::Reply(request) => self.reply(request, Ok(Outcome::Done)),
            Then::ReplyWhenEnded(request, name) => match self.is_alone() {
                true => self.ending.push((request, name)),
                false => self.reply(request, Ok(Outcome::Done)),
            },
            Then::Restarting(request, plan) => {
                self.reply(request, Ok(Outcome::Restarting(*plan)));
            }
            Then::Commit {
                connector,
                tasks,
                after,
            } => {
                let name = Arc::clone(&connector);
                let commit = ConfigRecord::Commit { name, tasks };
                self.write(vec![commit], Then::Committed { connector, after });
            }
            Then::Committed { connector, after } => self.committed(connector, after),
            Then::Stopped(request, connector) => {
                self.tasks_written(&connector);
                self.then(Then::ReplyWhenEnded(request, connector));
            }
            Then::KeyWritten(_) => self.group.key_written(),
            Then::Fencing(awaited) => self.fencing_goes_on(awaited),
            // These end by events of their own.
            Then::Save { .. }
            | Then::Forwarded(_)
            | Then::CaughtUp
            | Then::Yielded
            | Then::Revoked
            | Then::Claimed => {}
        }
    }

    /// Tasks that wait to be written have to wait for a stop to be written as a whole, or they would come between.
    fn committed(&mut self, connector: Arc<str>, after: AfterTasks) {
        match after {
            AfterTasks::Published => {
                self.tasks_written(&connector);
                self.published(&connector);
            }
            AfterTasks::Reply(request) => {
                self.tasks_written(&connector);
                self.reply(request, Ok(Outcome::Done));
            }
            AfterTasks::Stop(request) => {
                let target = ConfigRecord::Target {
                    name: Arc::clone(&connector),
                    state: Some(TargetState::Stopped),
                };
                self.write(vec![target], Then::Stopped(request, connector));
            }
        }
    }

    fn write_failed(&mut self, then: Then, reason: &str, at: Moment) {
        let error = || HerderError::Failed(reason.to_owned());
        if let Then::Commit { connector, .. }
        | Then::Committed { connector, .. }
        | Then::Stopped(_, connector)
        | Then::Saved {
            name: connector,
            holds_tasks: true,
            ..
        } = &then
        {
            self.tasks_written(connector);
        }
        match then {
            Then::Saved { request, .. }
            | Then::Reply(request)
            | Then::ReplyWhenEnded(request, _)
            | Then::Stopped(request, _)
            | Then::Restarting(request, _)
            | Then::Commit {
                after: AfterTasks::Reply(request) | AfterTasks::Stop(request),
                ..
            }
            | Then::Committed {
                after: AfterTasks::Reply(request) | AfterTasks::Stop(request),
                ..
            } => self.reply(request, Err(error())),
            Then::Commit { connector, .. } | Then::Committed { connector, .. } => {
                self.publishing_failed(&connector, reason, at);
            }
            Then::KeyWritten(since) => self.key_failed(since, reason),
            Then::Fencing(Awaited::Written(name)) => self.round_failed(&name, reason, at),
            Then::Save { .. }
            | Then::Forwarded(_)
            | Then::CaughtUp
            | Then::Yielded
            | Then::Revoked
            | Then::Claimed
            | Then::Fencing(_) => {}
        }
    }

    /// In a cluster whoever gets the connector starts it; a worker that is alone answers when it has.
    fn saved(
        &mut self,
        request: RequestId,
        name: Arc<str>,
        settings: &BTreeMap<String, String>,
        is_new: bool,
    ) {
        let config = self.config.snapshot();
        let is_started = config.target_state(&name) == Some(TargetState::Started);
        if self.is_alone() && is_started {
            let waiting = self.starting.entry(name).or_default();
            return waiting.push((request, Started::Connector { is_new }));
        }
        let info = ConnectorInfo {
            config: settings.clone(),
            tasks: config.tasks(&name),
            kind: self.kind_of(&name),
            name,
        };
        self.reply(request, Ok(Outcome::Connector { info, is_new }));
    }
}
