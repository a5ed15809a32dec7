//! The lives of tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Run, TaskWish, Then, WorkAction};
use crate::herder::runner::TaskEvent;
use crate::status::{State, TaskId};

/// What runs by which id.
#[derive(Debug)]
pub(super) struct Tasks {
    lives: BTreeMap<TaskId, Life>,
    /// Those that are stopping, by the end of their time, so that a quiet hundred costs nothing.
    stopping: BTreeSet<(Duration, TaskId)>,
    stop_timeout: Duration,
}

#[derive(Debug)]
enum Life {
    Running {
        run: Run,
        is_paused: bool,
        /// What it said last.
        said: Option<(State, String)>,
    },
    /// It failed, or ended by itself.
    Ended {
        /// What it said last.
        said: (State, String),
    },
    Stopping {
        run: Run,
        has_failed: bool,
        until: Duration,
        then: Then<TaskWish>,
    },
}

/// It shall end and not be begun again.
const FOR_GOOD: Then<TaskWish> = Then {
    wish: None,
    tell: &[State::Unassigned],
};

impl Life {
    /// Whether it ends for good.
    fn is_leaving(&self) -> bool {
        matches!(self, Self::Stopping { then, .. } if then.wish.is_none())
    }
}

impl Tasks {
    pub(super) fn new(stop_timeout: Duration) -> Self {
        Self {
            lives: BTreeMap::new(),
            stopping: BTreeSet::new(),
            stop_timeout,
        }
    }

    pub(super) fn start(
        &mut self,
        id: &TaskId,
        wish: TaskWish,
        tell: &'static [State],
        run: Run,
        now: Duration,
    ) -> Vec<WorkAction> {
        let then = Then {
            wish: Some(wish),
            tell,
        };
        match self.lives.get(id) {
            Some(Life::Running { .. } | Life::Stopping { .. }) => self.end(id, then, now),
            // It said how it ended when it did.
            Some(Life::Ended { .. }) => {
                let tell = then.tell.get(1..).unwrap_or_default();
                self.begin(id, Then { tell, ..then }, run)
            }
            None => self.begin(id, Then { tell: &[], ..then }, run),
        }
    }

    pub(super) fn aim(&mut self, connector: &str, paused: bool) -> Vec<WorkAction> {
        let mut actions = Vec::new();
        let first = TaskId::new(connector, 0);
        let own = self.lives.range_mut(first..);
        for (id, life) in own.take_while(|(id, _)| &*id.connector == connector) {
            match life {
                Life::Running { run, is_paused, .. } if *is_paused != paused => {
                    *is_paused = paused;
                    actions.push(match paused {
                        true => WorkAction::PauseTask(id.clone(), *run),
                        false => WorkAction::ResumeTask(id.clone(), *run),
                    });
                }
                Life::Stopping { then, .. } => {
                    if let Some(wish) = &mut then.wish {
                        wish.is_paused = paused;
                    }
                }
                Life::Running { .. } | Life::Ended { .. } => {}
            }
        }
        actions
    }

    pub(super) fn stop(&mut self, id: &TaskId, now: Duration) -> Vec<WorkAction> {
        self.end(id, FOR_GOOD, now)
    }

    pub(super) fn on_event(
        &mut self,
        id: &TaskId,
        run: Run,
        event: TaskEvent,
        next: Run,
    ) -> Vec<WorkAction> {
        let Some(life) = self.lives.get_mut(id) else {
            return Vec::new();
        };
        let current = match life {
            Life::Running { run, .. } | Life::Stopping { run, .. } => *run,
            Life::Ended { .. } => return Vec::new(),
        };
        if current != run {
            return Vec::new();
        }
        match event {
            TaskEvent::State(state, trace) => {
                match life {
                    Life::Running { said, .. } => *said = Some((state, trace.clone())),
                    Life::Stopping { has_failed, .. } => *has_failed = state == State::Failed,
                    Life::Ended { .. } => {}
                }
                vec![is(id, state, trace)]
            }
            // Told to the herder itself.
            TaskEvent::UsedTopic(_) | TaskEvent::Asks(_) => Vec::new(),
            TaskEvent::Ended => self.on_ended(id, next),
        }
    }

    pub(super) fn overdue(&self, now: Duration) -> Vec<TaskId> {
        let late = self.stopping.iter().take_while(|(until, _)| *until <= now);
        late.map(|(_, id)| id.clone()).collect()
    }

    /// The task counts as ended; what it still says is not heard.
    pub(super) fn give_up(&mut self, id: &TaskId, next: Run) -> Vec<WorkAction> {
        match self.lives.remove(id) {
            Some(Life::Stopping {
                run, until, then, ..
            }) => {
                self.stopping.remove(&(until, id.clone()));
                let abandon = WorkAction::AbandonTask(id.clone(), run);
                let begun = self.begin(id, then, next);
                [abandon].into_iter().chain(begun).collect()
            }
            other => {
                self.lives.extend(other.map(|life| (id.clone(), life)));
                Vec::new()
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.stopping.first().map(|(until, _)| *until)
    }

    pub(super) fn is_alive(&self, id: &TaskId) -> bool {
        !matches!(self.lives.get(id), None | Some(Life::Ended { .. }))
    }

    pub(super) fn will_begin(&self, id: &TaskId) -> bool {
        matches!(self.lives.get(id), Some(Life::Stopping { then, .. }) if then.wish.is_some())
    }

    pub(super) fn state(&self, id: &TaskId) -> Option<(State, String)> {
        match self.lives.get(id)? {
            Life::Running { said, .. } => said.clone(),
            Life::Ended { said } => Some(said.clone()),
            Life::Stopping { .. } => None,
        }
    }

    #[cfg(test)]
    pub(super) fn run_of(&self, id: &TaskId) -> Run {
        match self.lives.get(id) {
            Some(Life::Running { run, .. } | Life::Stopping { run, .. }) => *run,
            _ => Run(0),
        }
    }

    pub(super) fn is_any_alive(&self) -> bool {
        let mut lives = self.lives.values();
        lives.any(|life| !matches!(life, Life::Ended { .. }))
    }

    pub(super) fn is_any_alive_of(&self, connector: &str) -> bool {
        let mut own = self.own(connector);
        own.any(|(_, life)| !matches!(life, Life::Ended { .. }))
    }

    /// What there is of a connector's tasks, by number.
    fn own(&self, connector: &str) -> impl Iterator<Item = (&TaskId, &Life)> {
        let own = self.lives.range(TaskId::new(connector, 0)..);
        own.take_while(move |(id, _)| &*id.connector == connector)
    }

    pub(super) fn held(&self) -> BTreeSet<TaskId> {
        let held = self.lives.iter().filter(|(_, life)| !life.is_leaving());
        held.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn has(&self, id: &TaskId) -> bool {
        self.lives.get(id).is_some_and(|life| !life.is_leaving())
    }

    pub(super) fn held_of(&self, connector: &str) -> Vec<TaskId> {
        let held = self.own(connector).filter(|(_, life)| !life.is_leaving());
        held.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn is_any_leaving(&self) -> bool {
        let mut stopping = self.stopping.iter();
        stopping.any(|(_, id)| self.lives.get(id).is_some_and(Life::is_leaving))
    }

    fn on_ended(&mut self, id: &TaskId, next: Run) -> Vec<WorkAction> {
        match self.lives.remove(id) {
            Some(Life::Stopping {
                then,
                has_failed,
                until,
                ..
            }) => {
                self.stopping.remove(&(until, id.clone()));
                // A failure is the last that is told of a life.
                let skip = usize::from(has_failed);
                let tell = then.tell.get(skip..).unwrap_or_default();
                self.begin(id, Then { tell, ..then }, next)
            }
            Some(Life::Running { said, .. }) => {
                let failure = said.filter(|(state, _)| *state == State::Failed);
                let ended = is(id, State::Unassigned, String::new());
                let told = if failure.is_none() {
                    vec![ended]
                } else {
                    Vec::new()
                };
                let said = failure.unwrap_or((State::Unassigned, String::new()));
                self.lives.insert(id.clone(), Life::Ended { said });
                told
            }
            other => {
                self.lives.extend(other.map(|life| (id.clone(), life)));
                Vec::new()
            }
        }
    }

    /// Ends the life that is there, and then does what follows.
    fn end(&mut self, id: &TaskId, then: Then<TaskWish>, now: Duration) -> Vec<WorkAction> {
        match self.lives.get_mut(id) {
            None => Vec::new(),
            Some(Life::Ended { .. }) => {
                self.lives.remove(id);
                Vec::new()
            }
            Some(Life::Stopping { then: after, .. }) => {
                *after = then;
                Vec::new()
            }
            Some(Life::Running { run, said, .. }) => {
                let failed = said.as_ref().filter(|(state, _)| *state == State::Failed);
                let (run, has_failed) = (*run, failed.is_some());
                let until = now + self.stop_timeout;
                let life = Life::Stopping {
                    run,
                    has_failed,
                    until,
                    then,
                };
                self.stopping.insert((until, id.clone()));
                self.lives.insert(id.clone(), life);
                vec![WorkAction::StopTask(id.clone(), run)]
            }
        }
    }

    /// Tells what is to be told, and begins the next life if there is one.
    fn begin(&mut self, id: &TaskId, then: Then<TaskWish>, run: Run) -> Vec<WorkAction> {
        let told = then.tell.iter();
        let mut actions: Vec<WorkAction> =
            told.map(|&state| is(id, state, String::new())).collect();
        if let Some(wish) = then.wish {
            let life = Life::Running {
                run,
                is_paused: wish.is_paused,
                said: None,
            };
            self.lives.insert(id.clone(), life);
            actions.push(WorkAction::StartTask {
                id: id.clone(),
                run,
                wish,
            });
        }
        actions
    }
}

fn is(id: &TaskId, state: State, trace: String) -> WorkAction {
    WorkAction::TaskIs(id.clone(), state, trace)
}
