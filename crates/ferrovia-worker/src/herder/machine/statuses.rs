//! How connectors and tasks are doing, told to all workers.

use std::sync::Arc;

use super::{Action, HerderMachine, Moment};
use crate::herder::request::Outcome;
use crate::status::{State, Status, TaskId, TopicUse};
use crate::storage::status::{StatusRecord, may_write_safely};

impl HerderMachine {
    pub(super) fn tell_connector(&mut self, name: &Arc<str>, state: State, trace: String) {
        let known = self.statuses.statuses().connector(name);
        if self.may_tell(known, state) {
            let status = self.status_now(name, state, trace);
            self.write_status(StatusRecord::Connector {
                name: Arc::clone(name),
                status: Some(status),
            });
        }
    }

    pub(super) fn tell_task(&mut self, id: &TaskId, state: State, trace: String) {
        let known = self.statuses.statuses().task(id);
        if self.may_tell(known, state) {
            let status = self.status_now(&id.connector, state, trace);
            self.write_status(StatusRecord::Task {
                id: id.clone(),
                status: Some(status),
            });
        }
    }

    /// Writes to the status topic. A worker that is alone reads it at once.
    pub(super) fn write_status(&mut self, record: StatusRecord) {
        if self.is_alone() {
            self.statuses.put(record);
        } else {
            self.actions.push(Action::WriteStatus(record));
        }
    }

    /// A task used a topic (KIP-558). It is told once.
    pub(super) fn on_topic_used(&mut self, id: &TaskId, topic: &str, at: Moment) {
        let known = self.statuses.statuses();
        let is_known = known
            .topics(&id.connector)
            .any(|(known, _)| **known == *topic);
        // A task that has not ended yet may outlive its connector.
        let is_orphan = !self.config.snapshot().contains(&id.connector);
        if is_known || is_orphan || !self.rules.tracks_topics {
            return;
        }
        self.write_status(StatusRecord::Topic {
            connector: Arc::clone(&id.connector),
            topic: topic.into(),
            used: Some(TopicUse {
                task: id.task,
                discovered_ms: at.wall_ms,
            }),
        });
    }

    /// What others say must not stand where it is wrong: a worker that gives something up, or buries it, may say so after
    /// the one that has it now has spoken; one that does not know yet that it is deleted may speak after the burial; and
    /// one that was taken for dead may speak last.
    pub(super) fn heed_status(&mut self, record: &StatusRecord) {
        match record {
            StatusRecord::Connector { name, status } => {
                let is_configured = self.config.snapshot().contains(name);
                self.has_orphans |= status.is_some() && !is_configured;
                if is_configured
                    && self.is_outdated(status.as_ref())
                    && let Some((state, trace)) = self.work.connector_state(name)
                {
                    self.tell_connector(name, state, trace);
                }
            }
            StatusRecord::Task { id, status } => {
                let is_configured = self.config.snapshot().has_task(id);
                self.has_orphans |= status.is_some() && !is_configured;
                if is_configured && self.is_outdated(status.as_ref()) {
                    self.tell_task_again(id);
                }
            }
            StatusRecord::Topic { .. } => {}
        }
    }

    /// Whether a status cannot be true of what this worker has: nobody says so of it by now, or somebody did before the
    /// last round. Two workers that both have it do not contradict each other for ever, because one of them is behind.
    fn is_outdated(&self, status: Option<&Status>) -> bool {
        status.is_none_or(|status| {
            let is_old = status.generation < self.group.generation();
            let gives_up = status.state == State::Unassigned;
            (gives_up || is_old) && status.worker_id != self.rules.worker_id
        })
    }

    /// Says again how that is doing which this worker has kept through a round, where another worker has spoken last:
    /// one that had it for as long as this one was taken for dead. Java's workers leave it at that.
    pub(super) fn tell_what_was_kept(&mut self) {
        for name in self.work.connectors() {
            let known = self.statuses.statuses().connector(&name);
            if known.is_some_and(|status| self.is_outdated(Some(status)))
                && let Some((state, trace)) = self.work.connector_state(&name)
            {
                self.tell_connector(&name, state, trace);
            }
        }
        for id in self.work.tasks() {
            let known = self.statuses.statuses().task(&id);
            if known.is_some_and(|status| self.is_outdated(Some(status))) {
                self.tell_task_again(&id);
            }
        }
    }

    fn tell_task_again(&mut self, id: &TaskId) {
        let said = self.work.task_state(id);
        // Two that both say so would never end.
        if let Some((state, trace)) = said.filter(|(state, _)| *state != State::Unassigned) {
            self.tell_task(id, state, trace);
        }
    }

    /// Forgets how those are doing that are not configured any more, when they have ended.
    pub(super) fn bury_orphans(&mut self) {
        if !self.has_orphans || !self.group.is_leader() || !self.is_settled() {
            return;
        }
        self.has_orphans = false;
        let config = self.config.snapshot();
        for orphan in self.statuses.orphans(&config) {
            let is_alive = match &orphan {
                StatusRecord::Connector { name, .. } => {
                    self.work.is_connector_alive(name) || self.work.is_any_task_alive(name)
                }
                StatusRecord::Task { id, .. } => self.work.is_task_alive(id),
                StatusRecord::Topic { .. } => false,
            };
            if is_alive {
                self.has_orphans = true;
                continue;
            }
            if let StatusRecord::Connector { name, .. } = &orphan {
                self.forget_topics(name);
            }
            self.write_status(orphan);
        }
    }

    /// Answers those who wait until nothing of a connector runs any more.
    pub(super) fn tell_of_ends(&mut self) {
        let work = &self.work;
        let (ended, ending) = std::mem::take(&mut self.ending)
            .into_iter()
            .partition(|(_, name)| !work.is_connector_alive(name) && !work.is_any_task_alive(name));
        self.ending = ending;
        for (request, _) in ended {
            self.reply(request, Ok(Outcome::Done));
        }
    }

    /// What a worker says when it gives something up must not hide what the next one has said.
    fn may_tell(&self, known: Option<&Status>, state: State) -> bool {
        let is_careful = matches!(state, State::Unassigned | State::Failed);
        let generation = self.group.generation();
        !is_careful || may_write_safely(known, &self.rules.worker_id, generation)
    }

    fn status_now(&self, connector: &str, state: State, trace: String) -> Status {
        Status {
            state,
            worker_id: Arc::clone(&self.rules.worker_id),
            version: self.version_of(connector),
            trace,
            generation: self.group.generation(),
        }
    }
}
