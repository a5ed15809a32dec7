//! How an assignment becomes work: what is not wanted any more ends, what is new begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{HerderMachine, Moment};
use crate::config::Settings;
use crate::herder::work::{ConnectorWish, TaskWish};
use crate::status::TaskId;
use crate::storage::config::TargetState;

impl HerderMachine {
    /// Has exactly these connectors and tasks run on this worker.
    pub(super) fn follow(&mut self, connectors: &[Arc<str>], tasks: &[TaskId], at: Moment) {
        let wanted: BTreeSet<&TaskId> = tasks.iter().collect();
        let held = self.work.tasks();
        for id in held.iter().filter(|id| !wanted.contains(id)) {
            let work = self.work.stop_task(id, at.now);
            self.do_work(work);
        }
        let wanted: BTreeSet<&Arc<str>> = connectors.iter().collect();
        let had = self.work.connectors();
        for name in had.iter().filter(|name| !wanted.contains(name)) {
            self.publishing.remove(name);
            self.named.forget(name);
            let work = self.work.stop_connector(name, at.now);
            self.do_work(work);
        }
        for name in connectors.iter().filter(|name| !had.contains(*name)) {
            match self.connector_wish(name) {
                Some(wish) => {
                    let work = self.work.start_connector(name, wish, at.now);
                    self.do_work(work);
                }
                None => tracing::warn!("Connector {name} was assigned, but it is not configured"),
            }
        }
        for id in tasks.iter().filter(|id| !held.contains(id)) {
            match self.task_wish(id) {
                Some(wish) => {
                    let work = self.work.start_task(id, wish, at.now);
                    self.do_work(work);
                }
                None => tracing::warn!("Task {id} was assigned, but it is not configured"),
            }
        }
    }

    /// As [`follow`](Self::follow), with everything that is configured.
    pub(super) fn follow_config(&mut self, at: Moment) {
        let config = self.config.snapshot();
        let connectors: Vec<Arc<str>> = config.connectors().cloned().collect();
        let tasks = connectors.iter().flat_map(|name| config.tasks(name));
        let tasks: Vec<TaskId> = tasks.collect();
        self.follow(&connectors, &tasks, at);
    }

    pub(super) fn connector_wish(&self, name: &str) -> Option<ConnectorWish> {
        let config = self.config.snapshot();
        let settings = config.connector_config(name)?;
        Some(ConnectorWish {
            settings: Arc::new(Settings::from(settings.as_ref().clone())),
            target: config.target_state(name).unwrap_or(TargetState::Started),
        })
    }

    pub(super) fn task_wish(&self, id: &TaskId) -> Option<TaskWish> {
        let connector = self.connector_wish(&id.connector)?;
        let config = self.config.snapshot();
        if !config.has_task(id) {
            // Settings of a task that its connector had once are kept.
            return None;
        }
        Some(TaskWish {
            connector: connector.settings,
            settings: Arc::clone(config.task_config(id)?),
            is_paused: connector.target != TargetState::Started,
            generation: config.task_config_generation(&id.connector),
        })
    }
}
