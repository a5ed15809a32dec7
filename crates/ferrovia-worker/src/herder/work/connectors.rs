//! The lives of connectors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{CONNECTOR_STOP_TIMEOUT, ConnectorWish, Run, Then, WorkAction};
use crate::status::State;
use crate::storage::config::TargetState;

/// What runs by which name.
#[derive(Debug, Default)]
pub(super) struct Connectors {
    lives: BTreeMap<Arc<str>, Life>,
    /// Those whose time to start or stop is limited, by its end, so that a quiet hundred costs nothing.
    limited: BTreeSet<(Duration, Arc<str>)>,
}

#[derive(Debug)]
enum Life {
    /// Its code was called to start; what to do when that returns is remembered.
    Starting {
        run: Run,
        wish: ConnectorWish,
        then: Option<Then<ConnectorWish>>,
        /// When the start counts as one that never returns, where it has to.
        until: Option<Duration>,
    },
    Running {
        run: Run,
        wish: ConnectorWish,
    },
    /// A user wants it to wait, or it failed.
    Resting {
        wish: ConnectorWish,
        /// Why it failed.
        failure: Option<String>,
    },
    Stopping {
        run: Run,
        until: Duration,
        then: Then<ConnectorWish>,
    },
}

/// It shall end and not be begun again.
const FOR_GOOD: Then<ConnectorWish> = Then {
    wish: None,
    tell: &[State::Unassigned],
};

impl Life {
    /// When it counts as ended, whatever its code does.
    fn until(&self) -> Option<Duration> {
        match self {
            Self::Starting { until, .. } => *until,
            Self::Stopping { until, .. } => Some(*until),
            Self::Running { .. } | Self::Resting { .. } => None,
        }
    }

    /// Whether it ends for good.
    fn is_leaving(&self) -> bool {
        match self {
            Self::Starting { then, .. } => then.as_ref().is_some_and(|then| then.wish.is_none()),
            Self::Stopping { then, .. } => then.wish.is_none(),
            Self::Running { .. } | Self::Resting { .. } => false,
        }
    }
}

impl Connectors {
    pub(super) fn start(
        &mut self,
        name: &Arc<str>,
        wish: ConnectorWish,
        tell: &'static [State],
        run: Run,
        now: Duration,
    ) -> Vec<WorkAction> {
        let then = Then {
            wish: Some(wish),
            tell,
        };
        if self.lives.contains_key(name) {
            self.end(name, then, run, now)
        } else {
            self.begin(name, Then { tell: &[], ..then }, run)
        }
    }

    pub(super) fn aim(
        &mut self,
        name: &Arc<str>,
        target: TargetState,
        run: Run,
        now: Duration,
    ) -> Vec<WorkAction> {
        let Some(life) = self.lives.get_mut(name) else {
            return Vec::new();
        };
        let next = match life {
            Life::Stopping { then, .. }
            | Life::Starting {
                then: Some(then), ..
            } => {
                if let Some(wish) = &mut then.wish {
                    wish.target = target;
                }
                return Vec::new();
            }
            Life::Resting {
                failure: Some(_), ..
            } if target != TargetState::Stopped => return Vec::new(),
            Life::Starting { wish, .. }
            | Life::Running { wish, .. }
            | Life::Resting { wish, .. }
                if wish.target == target =>
            {
                return Vec::new();
            }
            Life::Starting { wish, .. }
            | Life::Running { wish, .. }
            | Life::Resting { wish, .. } => ConnectorWish {
                target,
                ..wish.clone()
            },
        };
        let then = Then {
            wish: Some(next),
            tell: &[],
        };
        self.end(name, then, run, now)
    }

    pub(super) fn stop(&mut self, name: &Arc<str>, now: Duration) -> Vec<WorkAction> {
        // Nothing is begun, so no life is used.
        self.end(name, FOR_GOOD, Run(0), now)
    }

    pub(super) fn on_started(
        &mut self,
        name: &Arc<str>,
        run: Run,
        outcome: Result<(), String>,
        now: Duration,
    ) -> Vec<WorkAction> {
        match self.lives.remove(name) {
            Some(Life::Starting {
                run: current,
                wish,
                then,
                until,
            }) if current == run => {
                self.unlimit(name, until);
                let settings = Arc::clone(&wish.settings);
                let (life, mut actions) = match outcome {
                    Ok(()) => (
                        Life::Running { run, wish },
                        vec![is(name, State::Running, String::new())],
                    ),
                    Err(trace) => (
                        Life::Resting {
                            wish,
                            failure: Some(trace.clone()),
                        },
                        vec![is(name, State::Failed, trace)],
                    ),
                };
                let is_running = matches!(life, Life::Running { .. });
                self.lives.insert(Arc::clone(name), life);
                match then {
                    Some(then) => actions.extend(self.end(name, then, run, now)),
                    None if is_running => actions.push(WorkAction::AskTasks {
                        name: Arc::clone(name),
                        run,
                        settings,
                    }),
                    None => {}
                }
                actions
            }
            other => {
                self.lives
                    .extend(other.map(|life| (Arc::clone(name), life)));
                Vec::new()
            }
        }
    }

    pub(super) fn on_stopped(
        &mut self,
        name: &Arc<str>,
        run: Run,
        outcome: Result<(), String>,
        next: Run,
    ) -> Vec<WorkAction> {
        match self.lives.remove(name) {
            Some(Life::Stopping {
                run: current,
                then,
                until,
            }) if current == run => {
                self.unlimit(name, Some(until));
                match outcome {
                    Ok(()) => self.begin(name, then, next),
                    Err(trace) => {
                        let then = Then { tell: &[], ..then };
                        let failed = is(name, State::Failed, trace);
                        let begun = self.begin(name, then, next);
                        [failed].into_iter().chain(begun).collect()
                    }
                }
            }
            other => {
                self.lives
                    .extend(other.map(|life| (Arc::clone(name), life)));
                Vec::new()
            }
        }
    }

    pub(super) fn fail(&mut self, name: &Arc<str>, trace: String) -> Vec<WorkAction> {
        match self.lives.get(name) {
            Some(Life::Running { run, wish }) => {
                let abandon = WorkAction::AbandonConnector(Arc::clone(name), *run);
                let rest = Life::Resting {
                    wish: wish.clone(),
                    failure: Some(trace.clone()),
                };
                self.lives.insert(Arc::clone(name), rest);
                vec![abandon, is(name, State::Failed, trace)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn ask_tasks(&self, name: &Arc<str>) -> Option<WorkAction> {
        match self.lives.get(name) {
            Some(Life::Running { run, wish }) => Some(WorkAction::AskTasks {
                name: Arc::clone(name),
                run: *run,
                settings: Arc::clone(&wish.settings),
            }),
            _ => None,
        }
    }

    pub(super) fn overdue(&self, now: Duration) -> Vec<Arc<str>> {
        let late = self.limited.iter().take_while(|(until, _)| *until <= now);
        late.map(|(_, name)| Arc::clone(name)).collect()
    }

    /// The connector counts as ended; what it still says is not heard.
    pub(super) fn give_up(&mut self, name: &Arc<str>, next: Run) -> Vec<WorkAction> {
        let life = self.lives.remove(name);
        let until = life.as_ref().and_then(Life::until);
        match life {
            Some(
                Life::Stopping { run, then, .. }
                | Life::Starting {
                    run,
                    then: Some(then),
                    ..
                },
            ) => {
                self.unlimit(name, until);
                let abandon = WorkAction::AbandonConnector(Arc::clone(name), run);
                let begun = self.begin(name, then, next);
                [abandon].into_iter().chain(begun).collect()
            }
            other => {
                self.lives
                    .extend(other.map(|life| (Arc::clone(name), life)));
                Vec::new()
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.limited.first().map(|(until, _)| *until)
    }

    pub(super) fn is_in(&self, name: &str, life: Run) -> bool {
        matches!(self.lives.get(name), Some(Life::Running { run, .. }) if *run == life)
    }

    pub(super) fn will_run(&self, name: &str) -> bool {
        let works = |wish: &ConnectorWish| wish.target == TargetState::Started;
        match self.lives.get(name) {
            Some(
                Life::Starting {
                    then: Some(then), ..
                }
                | Life::Stopping { then, .. },
            ) => then.wish.as_ref().is_some_and(works),
            Some(Life::Starting { then: None, .. } | Life::Running { .. }) => true,
            Some(Life::Resting { .. }) | None => false,
        }
    }

    pub(super) fn state(&self, name: &str) -> Option<(State, String)> {
        match self.lives.get(name)? {
            Life::Running { .. } => Some((State::Running, String::new())),
            Life::Resting {
                failure: Some(trace),
                ..
            } => Some((State::Failed, trace.clone())),
            Life::Resting { wish, .. } => Some((resting(wish.target)?, String::new())),
            Life::Starting { .. } | Life::Stopping { .. } => None,
        }
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        matches!(self.lives.get(name), Some(Life::Running { .. }))
    }

    pub(super) fn is_alive(&self, name: &str) -> bool {
        !matches!(self.lives.get(name), None | Some(Life::Resting { .. }))
    }

    pub(super) fn is_any_alive(&self) -> bool {
        let mut lives = self.lives.values();
        lives.any(|life| !matches!(life, Life::Resting { .. }))
    }

    pub(super) fn held(&self) -> BTreeSet<Arc<str>> {
        let held = self.lives.iter().filter(|(_, life)| !life.is_leaving());
        held.map(|(name, _)| Arc::clone(name)).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.lives.get(name).is_some_and(|life| !life.is_leaving())
    }

    pub(super) fn is_any_leaving(&self) -> bool {
        let mut limited = self.limited.iter();
        limited.any(|(_, name)| self.lives.get(name).is_some_and(Life::is_leaving))
    }

    fn unlimit(&mut self, name: &Arc<str>, until: Option<Duration>) {
        if let Some(until) = until {
            self.limited.remove(&(until, Arc::clone(name)));
        }
    }

    /// Ends the life that is there, and then does what follows: at once where nothing runs.
    fn end(
        &mut self,
        name: &Arc<str>,
        then: Then<ConnectorWish>,
        next: Run,
        now: Duration,
    ) -> Vec<WorkAction> {
        match self.lives.get_mut(name) {
            None => Vec::new(),
            Some(Life::Resting { .. }) => {
                self.lives.remove(name);
                self.begin(name, then, next)
            }
            Some(Life::Starting {
                then: after, until, ..
            }) => {
                *after = Some(then);
                let until = *until.get_or_insert(now + CONNECTOR_STOP_TIMEOUT);
                self.limited.insert((until, Arc::clone(name)));
                Vec::new()
            }
            Some(Life::Stopping { then: after, .. }) => {
                *after = then;
                Vec::new()
            }
            Some(Life::Running { run, .. }) => {
                let run = *run;
                let until = now + CONNECTOR_STOP_TIMEOUT;
                self.limited.insert((until, Arc::clone(name)));
                let life = Life::Stopping { run, until, then };
                self.lives.insert(Arc::clone(name), life);
                vec![WorkAction::StopConnector(Arc::clone(name), run)]
            }
        }
    }

    /// Tells what is to be told, and begins the next life if there is one.
    fn begin(&mut self, name: &Arc<str>, then: Then<ConnectorWish>, run: Run) -> Vec<WorkAction> {
        let told = then.tell.iter();
        let mut actions: Vec<WorkAction> =
            told.map(|&state| is(name, state, String::new())).collect();
        let Some(wish) = then.wish else {
            return actions;
        };
        let life = match resting(wish.target) {
            Some(state) => {
                actions.push(is(name, state, String::new()));
                Life::Resting {
                    wish,
                    failure: None,
                }
            }
            None => {
                actions.push(WorkAction::StartConnector {
                    name: Arc::clone(name),
                    run,
                    settings: Arc::clone(&wish.settings),
                });
                Life::Starting {
                    run,
                    wish,
                    then: None,
                    until: None,
                }
            }
        };
        self.lives.insert(Arc::clone(name), life);
        actions
    }
}

/// The state of a connector that is not meant to work.
fn resting(target: TargetState) -> Option<State> {
    match target {
        TargetState::Started => None,
        TargetState::Paused => Some(State::Paused),
        TargetState::Stopped => Some(State::Stopped),
    }
}

fn is(name: &Arc<str>, state: State, trace: String) -> WorkAction {
    WorkAction::ConnectorIs(Arc::clone(name), state, trace)
}
