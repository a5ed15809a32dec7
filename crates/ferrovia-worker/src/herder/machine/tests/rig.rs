//! Performs what a machine wants, with connectors and tasks that obey at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::herder::machine::{
    Action, HerderMachine, Moment, RequestId, Rules, WantedTasks, WorkEvent,
};
use crate::herder::request::{Change, HerderError, Outcome};
use crate::herder::runner::TaskEvent;
use crate::herder::testing::{Catalog, given, validator};
use crate::herder::work::WorkAction;
use crate::status::{State, TaskId};

/// A worker that is alone, and all that was done for it.
pub(super) struct Rig {
    pub(super) machine: HerderMachine,
    /// How many tasks connectors want.
    pub(super) tasks: usize,
    /// The first lines of the traces with which connectors fail.
    pub(super) failing: BTreeMap<Arc<str>, String>,
    /// Tasks that do not end when they are told to.
    pub(super) is_deaf: bool,
    /// What was begun and ended, in order.
    pub(super) log: Vec<String>,
    pub(super) started: BTreeMap<TaskId, BTreeMap<String, String>>,
    pub(super) is_finished: bool,
    answers: BTreeMap<u64, Result<Outcome, HerderError>>,
    requests: u64,
    now: Duration,
}

impl Rig {
    pub(super) fn new() -> Self {
        let rules = Rules {
            worker_id: "w:8083".into(),
            task_stop_timeout: Duration::from_secs(5),
            tracks_topics: true,
            resets_topics: true,
            cluster: None,
        };
        Self {
            machine: HerderMachine::new(rules, Arc::new(Catalog::new())),
            tasks: 2,
            failing: BTreeMap::new(),
            is_deaf: false,
            log: Vec::new(),
            started: BTreeMap::new(),
            is_finished: false,
            answers: BTreeMap::new(),
            requests: 0,
            now: Duration::ZERO,
        }
    }

    /// The answer to a change, after everything that follows from it.
    pub(super) fn ask(&mut self, change: Change) -> Result<Outcome, HerderError> {
        let request = self.begin(change);
        self.answers.remove(&request).expect("an answer")
    }

    /// Asks, and does not insist on an answer.
    pub(super) fn begin(&mut self, change: Change) -> u64 {
        self.requests += 1;
        let request = RequestId(self.requests);
        let actions = self.machine.on_change(request, change, self.moment());
        self.perform(actions);
        self.requests
    }

    pub(super) fn answer(&mut self, request: u64) -> Option<Result<Outcome, HerderError>> {
        self.answers.remove(&request)
    }

    pub(super) fn create(&mut self, settings: &[(&str, &str)]) -> Result<Outcome, HerderError> {
        let settings = given(settings);
        let name = settings.get("name").cloned().flatten().unwrap_or_default();
        self.ask(Change::Create {
            name,
            settings,
            initial_state: None,
        })
    }

    pub(super) fn tell(&mut self, event: WorkEvent) {
        let actions = self.machine.on_work(event, self.moment());
        self.perform(actions);
    }

    pub(super) fn stop(&mut self) {
        let actions = self.machine.on_stop(self.moment());
        self.perform(actions);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        let actions = self.machine.on_time(self.moment());
        self.perform(actions);
    }

    pub(super) fn state(&self, task: u32) -> Option<State> {
        let status = self.machine.task_status(&TaskId::new("s", task));
        status.map(|status| status.state)
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            wall_ms: 1_700_000_000_000,
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            let at = self.moment();
            match action {
                Action::Work(work) => {
                    for event in self.work(work) {
                        actions.extend(self.machine.on_work(event, at));
                    }
                }
                Action::Check(ticket, settings) => {
                    let admission = validator(&[]).admit(&settings, Default::default());
                    actions.extend(self.machine.on_checked(ticket, admission, at));
                }
                Action::Reply(request, answer) => {
                    self.answers.insert(request.0, answer);
                }
                Action::Finish => self.is_finished = true,
                other => self.log.push(format!("{other:?}")),
            }
        }
    }

    fn work(&mut self, work: WorkAction) -> Vec<WorkEvent> {
        match work {
            WorkAction::StartConnector { name, run, .. } => {
                self.log.push(format!("start {name}"));
                let outcome = self.failing.get(&name).cloned().map_or(Ok(()), Err);
                vec![WorkEvent::ConnectorStarted(name, run, outcome)]
            }
            WorkAction::AskTasks {
                name,
                run,
                settings,
            } => {
                let wanted = WantedTasks {
                    configs: vec![BTreeMap::from([own(&settings)]); self.tasks],
                    max: 2,
                    is_max_enforced: settings.text("tasks.max.enforce") != Some("false"),
                };
                vec![WorkEvent::TasksNamed(name, run, Ok(wanted))]
            }
            WorkAction::StopConnector(name, run) => {
                self.log.push(format!("stop {name}"));
                vec![WorkEvent::ConnectorStopped(name, run, Ok(()))]
            }
            WorkAction::StartTask { id, run, wish } => {
                self.log.push(format!("start {id}"));
                self.started
                    .insert(id.clone(), wish.settings.as_ref().clone());
                let state = if wish.is_paused {
                    State::Paused
                } else {
                    State::Running
                };
                let event = TaskEvent::State(state, String::new());
                vec![WorkEvent::Task(id, run, event)]
            }
            WorkAction::StopTask(..) if self.is_deaf => Vec::new(),
            WorkAction::StopTask(id, run) => {
                self.log.push(format!("stop {id}"));
                vec![WorkEvent::Task(id, run, TaskEvent::Ended)]
            }
            WorkAction::PauseTask(id, run) => {
                let event = TaskEvent::State(State::Paused, String::new());
                vec![WorkEvent::Task(id, run, event)]
            }
            WorkAction::ResumeTask(id, run) => {
                let event = TaskEvent::State(State::Running, String::new());
                vec![WorkEvent::Task(id, run, event)]
            }
            WorkAction::AbandonConnector(name, _) => {
                self.log.push(format!("abandon {name}"));
                Vec::new()
            }
            WorkAction::AbandonTask(id, _) => {
                self.log.push(format!("abandon {id}"));
                Vec::new()
            }
            WorkAction::ConnectorIs(..) | WorkAction::TaskIs(..) => Vec::new(),
        }
    }
}

fn own(settings: &crate::config::Settings) -> (String, String) {
    let file = settings.text("file").unwrap_or("f");
    ("file".to_owned(), file.to_owned())
}
