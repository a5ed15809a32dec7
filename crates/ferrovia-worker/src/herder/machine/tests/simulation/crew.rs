//! Connectors and tasks that take their time, fail, and hang.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::trouble::{Event, HerderEvent};
use super::{TROUBLE, World};
use crate::config::Settings;
use crate::herder::machine::{WantedTasks, WorkEvent};
use crate::herder::runner::TaskEvent;
use crate::herder::work::{Run, WorkAction};
use crate::status::{State, TaskId};

/// What really goes on at a worker, whatever its herder believes.
#[derive(Default)]
pub(super) struct Crew {
    pub(super) connectors: BTreeMap<(Arc<str>, Run), Connector>,
    pub(super) tasks: BTreeMap<(TaskId, Run), Life>,
    /// How connectors ended that do not run any more, if that was in failure.
    pub(super) failed_connectors: BTreeMap<Arc<str>, Run>,
    pub(super) failed_tasks: BTreeMap<TaskId, Run>,
}

pub(super) struct Connector {
    pub(super) settings: Arc<Settings>,
    has_started: bool,
    is_stopping: bool,
    pub(super) is_abandoned: bool,
    /// Until when its code is at work; calls wait for one another.
    busy_until: Duration,
}

pub(super) struct Life {
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) is_paused: bool,
    has_begun: bool,
    is_stopping: bool,
    pub(super) is_abandoned: bool,
}

/// What comes of calls.
#[derive(Clone, Debug)]
pub(super) enum CrewEvent {
    Started(Arc<str>, Run, bool),
    Named(Arc<str>, Run, Option<WantedTasks>),
    Stopped(Arc<str>, Run, bool),
    Begins(TaskId, Run, bool),
    Tells(TaskId, Run, State),
    Fails(TaskId, Run),
    Ends(TaskId, Run),
}

impl Crew {
    pub(super) fn has_connector(&self, name: &str) -> bool {
        let mut lives = self.connectors.iter();
        lives.any(|((known, _), life)| **known == *name && !life.is_abandoned)
    }

    pub(super) fn has_task(&self, id: &TaskId) -> bool {
        let mut lives = self.tasks.iter();
        lives.any(|((known, _), life)| known == id && !life.is_abandoned)
    }
}

impl World {
    pub(super) fn work(&mut self, place: usize, action: WorkAction) {
        match action {
            WorkAction::StartConnector {
                name,
                run,
                settings,
            } => self.start_connector(place, name, run, settings),
            WorkAction::AskTasks {
                name,
                run,
                settings,
            } => self.ask_tasks(place, name, run, &settings),
            WorkAction::StopConnector(name, run) => {
                let delay = self.delay(1..100, 4_000..15_000);
                let fails = self.unlucky();
                let crew = &mut self.processes[place].crew;
                let life = crew.connectors.get_mut(&(Arc::clone(&name), run));
                let life = life.expect("a connector that runs is stopped");
                life.is_stopping = true;
                life.busy_until = life.busy_until.max(self.now) + delay;
                let delay = life.busy_until - self.now;
                let stopped = CrewEvent::Stopped(name, run, !fails);
                self.schedule(delay, place, Event::Crew(stopped));
            }
            WorkAction::AbandonConnector(name, run) => {
                let crew = &mut self.processes[place].crew;
                if let Some(life) = crew.connectors.get_mut(&(Arc::clone(&name), run)) {
                    life.is_abandoned = true;
                    if life.has_started && !life.is_stopping {
                        crew.connectors.remove(&(Arc::clone(&name), run));
                        crew.failed_connectors.insert(name, run);
                    }
                }
            }
            WorkAction::StartTask { id, run, wish } => {
                self.check_nobody_else(place, "task", |crew| crew.has_task(&id));
                *self.starts.entry(id.to_string()).or_default() += 1;
                let crew = &mut self.processes[place].crew;
                crew.failed_tasks.remove(&id);
                let life = Life {
                    settings: Arc::clone(&wish.settings),
                    is_paused: wish.is_paused,
                    has_begun: false,
                    is_stopping: false,
                    is_abandoned: false,
                };
                crew.tasks.insert((id.clone(), run), life);
                let delay = self.delay(1..100, 500..4_000);
                let works = !self.unlucky();
                self.schedule(delay, place, Event::Crew(CrewEvent::Begins(id, run, works)));
            }
            WorkAction::StopTask(id, run) => self.stop_task(place, id, run),
            WorkAction::PauseTask(id, run) => self.pause_task(place, id, run, true),
            WorkAction::ResumeTask(id, run) => self.pause_task(place, id, run, false),
            WorkAction::AbandonTask(id, run) => {
                let crew = &mut self.processes[place].crew;
                if let Some(life) = crew.tasks.get_mut(&(id, run)) {
                    life.is_abandoned = true;
                }
            }
            WorkAction::ConnectorIs(..) | WorkAction::TaskIs(..) => {
                panic!("the machine tells states itself")
            }
        }
    }

    fn start_connector(&mut self, place: usize, name: Arc<str>, run: Run, settings: Arc<Settings>) {
        self.check_nobody_else(place, "connector", |crew| crew.has_connector(&name));
        let delay = self.delay(1..100, 3_000..12_000);
        let works = !self.unlucky();
        *self.starts.entry(name.to_string()).or_default() += 1;
        let crew = &mut self.processes[place].crew;
        crew.failed_connectors.remove(&name);
        let life = Connector {
            settings,
            has_started: false,
            is_stopping: false,
            is_abandoned: false,
            busy_until: self.now + delay,
        };
        crew.connectors.insert((Arc::clone(&name), run), life);
        let started = CrewEvent::Started(name, run, works);
        self.schedule(delay, place, Event::Crew(started));
    }

    fn ask_tasks(&mut self, place: usize, name: Arc<str>, run: Run, settings: &Settings) {
        let delay = self.delay(1..100, 1_000..8_000);
        let wanted = (!self.unlucky()).then(|| wanted_by(settings.as_map()));
        let crew = &mut self.processes[place].crew;
        let life = crew.connectors.get_mut(&(Arc::clone(&name), run));
        let Some(life) = life.filter(|life| life.has_started && !life.is_stopping) else {
            return;
        };
        life.busy_until = life.busy_until.max(self.now) + delay;
        let delay = life.busy_until - self.now;
        let named = CrewEvent::Named(name, run, wanted);
        self.schedule(delay, place, Event::Crew(named));
    }

    fn stop_task(&mut self, place: usize, id: TaskId, run: Run) {
        let usual = if self.is_slow { 500..2_500 } else { 1..100 };
        let delay = self.delay(usual, 2_000..12_000);
        let crew = &mut self.processes[place].crew;
        let Some(life) = crew.tasks.get_mut(&(id.clone(), run)) else {
            // It has ended already.
            return;
        };
        life.is_stopping = true;
        if life.has_begun {
            self.schedule(delay, place, Event::Crew(CrewEvent::Ends(id, run)));
        }
    }

    fn pause_task(&mut self, place: usize, id: TaskId, run: Run, is_paused: bool) {
        let crew = &mut self.processes[place].crew;
        let Some(life) = crew.tasks.get_mut(&(id.clone(), run)) else {
            return;
        };
        life.is_paused = is_paused;
        if life.has_begun {
            let state = life.state();
            let delay = Duration::from_millis(5);
            self.schedule(delay, place, Event::Crew(CrewEvent::Tells(id, run, state)));
        }
    }

    /// A call has returned, or a task has something to say.
    pub(super) fn crew_event(&mut self, place: usize, event: CrewEvent) {
        let fails_later = self.unlucky();
        let crew = &mut self.processes[place].crew;
        match event {
            CrewEvent::Started(name, run, works) => {
                let key = (Arc::clone(&name), run);
                if crew.connectors[&key].is_abandoned {
                    // The crew stops it, and tells nobody.
                    crew.connectors.remove(&key);
                    return;
                }
                let outcome = if works {
                    crew.connectors.get_mut(&key).unwrap().has_started = true;
                    Ok(())
                } else {
                    crew.connectors.remove(&key);
                    crew.failed_connectors.insert(Arc::clone(&name), run);
                    Err("no way\n\tat x".to_owned())
                };
                self.report(place, WorkEvent::ConnectorStarted(name, run, outcome));
            }
            CrewEvent::Named(name, run, wanted) => {
                let wanted = wanted.ok_or_else(|| "no idea\n\tat x".to_owned());
                self.report(place, WorkEvent::TasksNamed(name, run, wanted));
            }
            CrewEvent::Stopped(name, run, works) => {
                crew.connectors.remove(&(Arc::clone(&name), run));
                let outcome = works
                    .then_some(())
                    .ok_or_else(|| "stuck\n\tat x".to_owned());
                self.report(place, WorkEvent::ConnectorStopped(name, run, outcome));
            }
            CrewEvent::Begins(id, run, works) => {
                let key = (id.clone(), run);
                let life = crew.tasks.get_mut(&key).unwrap();
                life.has_begun = true;
                let state = life.state();
                match (life.is_stopping, works) {
                    (true, _) => self.task_ends(place, id, run),
                    (false, true) => {
                        if fails_later {
                            let delay = self.millis(100..20_000).min(TROUBLE);
                            let fails = CrewEvent::Fails(id.clone(), run);
                            self.schedule(delay, place, Event::Crew(fails));
                        }
                        let told = TaskEvent::State(state, String::new());
                        self.report(place, WorkEvent::Task(id, run, told));
                    }
                    (false, false) => self.task_fails(place, id, run),
                }
            }
            CrewEvent::Tells(id, run, state) => {
                if crew.tasks.contains_key(&(id.clone(), run)) {
                    let told = TaskEvent::State(state, String::new());
                    self.report(place, WorkEvent::Task(id, run, told));
                }
            }
            CrewEvent::Fails(id, run) => self.task_fails(place, id, run),
            CrewEvent::Ends(id, run) => self.task_ends(place, id, run),
        }
    }

    fn task_fails(&mut self, place: usize, id: TaskId, run: Run) {
        let crew = &mut self.processes[place].crew;
        if crew.tasks.contains_key(&(id.clone(), run)) {
            crew.failed_tasks.insert(id.clone(), run);
            let failed = TaskEvent::State(State::Failed, "no way\n\tat x".to_owned());
            self.report(place, WorkEvent::Task(id.clone(), run, failed));
            self.task_ends(place, id, run);
        }
    }

    fn task_ends(&mut self, place: usize, id: TaskId, run: Run) {
        let crew = &mut self.processes[place].crew;
        if crew.tasks.remove(&(id.clone(), run)).is_some() {
            self.report(place, WorkEvent::Task(id, run, TaskEvent::Ended));
        }
    }

    fn report(&mut self, place: usize, event: WorkEvent) {
        let delay = Duration::ZERO;
        self.schedule(delay, place, Event::Herder(HerderEvent::Work(event)));
    }

    /// A worker of the eager protocol that joins others has them give up their work only after it got some of it.
    fn may_overlap(&self) -> bool {
        let mut eager = self
            .processes
            .iter()
            .map(|process| !process.protocol.is_cooperative());
        eager.clone().any(|is_eager| is_eager) && !eager.all(|is_eager| is_eager)
    }

    /// Whatever begins runs nowhere else in this generation. A round whose leader knows less than others gives and takes
    /// nothing (`IncrementalCooperativeAssignor.ensureLeaderConfig`): what was twice before it, because a worker was
    /// taken for dead, still is.
    fn check_nobody_else(&self, place: usize, kind: &str, has: impl Fn(&Crew) -> bool) {
        let generation = self.processes[place].machine.group.generation();
        for (other, process) in self.processes.iter().enumerate() {
            let is_peer = !self.may_overlap()
                && process.machine.group.generation() == generation
                && self.processes[place].is_in_order()
                && process.is_in_order();
            let is_near = other == place || is_peer;
            assert!(
                !(is_near && process.is_up && has(&process.crew)),
                "seed {}: at {:?} worker {place} begins a {kind} that worker {other} has",
                self.seed,
                self.now
            );
        }
    }
}

impl Life {
    pub(super) fn state(&self) -> State {
        match self.is_paused {
            true => State::Paused,
            false => State::Running,
        }
    }
}

/// The tasks of a connector with these settings.
pub(super) fn wanted_by(settings: &BTreeMap<String, String>) -> WantedTasks {
    let max = settings["tasks.max"].parse().unwrap();
    let own = BTreeMap::from([("file".to_owned(), settings["file"].clone())]);
    WantedTasks {
        configs: vec![own; max],
        max,
        is_max_enforced: true,
    }
}
