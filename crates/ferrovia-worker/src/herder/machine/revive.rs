//! Failed tasks that are begun again by the worker that has them, where their connector asks for it. Ferrovia's own.
//!
//! A task that fails again and again is begun again ever later, and in the end no more. Its count begins anew when it ran
//! for longer than the longest delay, when somebody else restarts it and it does, and with another worker.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{HerderMachine, Moment};
use crate::config::RestartPolicy;
use crate::herder::work::WorkAction;
use crate::status::{State, TaskId};

/// The tasks that have failed since they last ran for long.
#[derive(Debug, Default)]
pub(super) struct Revivals(BTreeMap<TaskId, Revival>);

#[derive(Debug, Default)]
struct Revival {
    restarts: u32,
    running_since: Option<Duration>,
    due: Option<Duration>,
}

impl Revivals {
    /// The task works.
    fn on_running(&mut self, id: &TaskId, now: Duration) {
        if let Some(revival) = self.0.get_mut(id) {
            revival.running_since = Some(now);
        }
    }

    /// The task failed: how long until it is begun again and the how manieth time that is, or `None` when that was
    /// tried often enough.
    fn on_failed(
        &mut self,
        id: &TaskId,
        policy: &RestartPolicy,
        now: Duration,
    ) -> Option<(Duration, u32)> {
        let revival = self.0.entry(id.clone()).or_default();
        let ran = revival.running_since.take();
        if ran.is_some_and(|since| now.saturating_sub(since) > policy.backoff_max) {
            revival.restarts = 0;
        }
        if revival.restarts >= policy.restarts_max.get() {
            self.0.remove(id);
            return None;
        }
        let delay = policy.backoff(revival.restarts);
        revival.restarts += 1;
        revival.due = Some(now + delay);
        Some((delay, revival.restarts))
    }

    /// The task is begun, whoever wants it.
    pub(super) fn on_begun(&mut self, id: &TaskId) {
        if let Some(revival) = self.0.get_mut(id) {
            revival.due = None;
        }
    }

    /// The tasks whose time has come.
    fn take_due(&mut self, now: Duration) -> Vec<TaskId> {
        let mut due = Vec::new();
        for (id, revival) in &mut self.0 {
            if revival.due.take_if(|due| *due <= now).is_some() {
                due.push(id.clone());
            }
        }
        due
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.0.values().filter_map(|revival| revival.due).min()
    }
}

impl HerderMachine {
    /// Looks at what tasks are said to be.
    pub(super) fn note_failures(&mut self, work: &[WorkAction], at: Moment) {
        for action in work {
            match action {
                WorkAction::TaskIs(id, State::Running, _) => self.revivals.on_running(id, at.now),
                WorkAction::TaskIs(id, State::Failed, _) => self.note_failure(id, at),
                _ => {}
            }
        }
    }

    fn note_failure(&mut self, id: &TaskId, at: Moment) {
        let work = &self.work;
        self.revivals.0.retain(|id, _| work.has_task(id));
        let config = self.config.snapshot();
        let settings = config.connector_config(&id.connector);
        let policy = settings.and_then(|settings| RestartPolicy::of(settings));
        let Some(policy) = policy.filter(|_| work.has_task(id)) else {
            return;
        };
        let most = policy.restarts_max;
        match self.revivals.on_failed(id, &policy, at.now) {
            Some((delay, restart)) => {
                let ms = delay.as_millis();
                tracing::warn!("Task {id} failed; restarting it in {ms} ms ({restart} of {most})");
            }
            None => {
                tracing::error!("Task {id} failed again after {most} restarts; it stays failed");
            }
        }
    }

    /// Begins again what is due.
    pub(super) fn revive(&mut self, at: Moment) {
        for id in self.revivals.take_due(at.now) {
            let is_ours = self.work.has_task(&id);
            if let Some(wish) = self.task_wish(&id).filter(|_| is_ours) {
                tracing::info!("Restarting failed task {id}");
                let work = self.work.restart_task(&id, wish, at.now);
                self.do_work(work);
            }
        }
    }
}
