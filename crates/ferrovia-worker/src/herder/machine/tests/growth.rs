//! What one event costs where there is much else: next to nothing more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::member::{AT, assignment_of, machine, read};
use crate::herder::machine::Action;
use crate::herder::machine::{HerderMachine, WorkEvent};
use crate::herder::runner::TaskEvent;
use crate::herder::work::{Run, WorkAction};
use crate::status::{State, Status, TaskId};
use crate::storage::config::{ConfigRecord, TargetState};
use crate::storage::status::StatusRecord;

/// A worker that has `count` connectors of one task each, all running.
struct Laden {
    machine: HerderMachine,
    names: Vec<Arc<str>>,
    offset: i64,
    runs: Vec<(TaskId, Run)>,
}

impl Laden {
    fn new(count: usize) -> Self {
        let mut machine = machine();
        let names: Vec<Arc<str>> = (0..count).map(|n| format!("c{n}").into()).collect();
        let mut offset = 0;
        for name in &names {
            for record in records(name) {
                read(&mut machine, offset, &record);
                offset += 1;
            }
        }
        machine.on_config_caught_up(AT);
        machine.on_ready(AT);
        machine.on_offers_wanted(AT);
        let tasks: Vec<TaskId> = names
            .iter()
            .map(|name| TaskId::new(Arc::clone(name), 0))
            .collect();
        let mut runs = Vec::new();
        for action in machine.on_assigned(&assignment_of(offset, &names, &tasks), AT) {
            match action {
                Action::Work(WorkAction::StartConnector { name, run, .. }) => {
                    machine.on_work(WorkEvent::ConnectorStarted(name, run, Ok(())), AT);
                }
                Action::Work(WorkAction::StartTask { id, run, .. }) => runs.push((id, run)),
                _ => {}
            }
        }
        for (id, run) in runs.clone() {
            let running = TaskEvent::State(State::Running, String::new());
            machine.on_work(WorkEvent::Task(id, run, running), AT);
        }
        assert_eq!(runs.len(), count);
        Self {
            machine,
            names,
            offset,
            runs,
        }
    }

    /// The least time that a round of events took, each with what a driver asks after it.
    fn time(&mut self, mut event: impl FnMut(&mut Self, usize)) -> Duration {
        let rounds = (0..ROUNDS).map(|_| {
            let begun = Instant::now();
            for turn in 0..EVENTS {
                event(self, turn);
                self.machine.on_time(AT);
                self.machine.next_deadline();
            }
            begun.elapsed()
        });
        rounds.min().unwrap_or_default()
    }

    fn record(&mut self, record: &ConfigRecord) {
        read(&mut self.machine, self.offset, record);
        self.offset += 1;
    }
}

/// Connectors of the smaller worker.
const FEW: usize = 200;
/// How many times as many the larger one has.
const TIMES: usize = 20;
/// Events of a kind in a round.
const EVENTS: usize = 200;
/// Rounds of which the fastest counts: on a busy machine the others say little.
const ROUNDS: usize = 5;

fn records(name: &Arc<str>) -> [ConfigRecord; 3] {
    let settings = |key: &str, value: &str| Arc::new([(key.to_owned(), value.to_owned())].into());
    let (connector, id) = (Arc::clone(name), TaskId::new(Arc::clone(name), 0));
    [
        ConfigRecord::Connector {
            name: connector,
            settings: Some(settings("connector.class", "FileStreamSink")),
        },
        ConfigRecord::Task {
            id,
            settings: settings("task.class", "t"),
        },
        ConfigRecord::Commit {
            name: Arc::clone(name),
            tasks: 1,
        },
    ]
}

fn status_of(id: &TaskId) -> StatusRecord {
    StatusRecord::Task {
        id: id.clone(),
        status: Some(Status {
            state: State::Running,
            worker_id: "w:8083".into(),
            version: None,
            trace: String::new(),
            generation: 1,
        }),
    }
}

/// What each kind of event costs on a worker with so many connectors.
fn costs(count: usize) -> Vec<(&'static str, Duration)> {
    let mut laden = Laden::new(count);
    let target = laden.time(|it, turn| {
        let states = [TargetState::Paused, TargetState::Started];
        let (name, state) = (Arc::clone(&it.names[turn / 2]), Some(states[turn % 2]));
        it.record(&ConfigRecord::Target { name, state });
    });
    let settings = laden.time(|it, turn| {
        let [connector, ..] = records(&it.names[turn]);
        it.record(&connector);
    });
    let task = laden.time(|it, turn| {
        let (id, run) = it.runs[turn].clone();
        let running = TaskEvent::State(State::Running, String::new());
        it.machine.on_work(WorkEvent::Task(id, run, running), AT);
    });
    let status = laden.time(|it, turn| {
        let record = status_of(&it.runs[turn].0);
        let (key, value) = (record.key(), record.value());
        it.machine
            .on_status_record(Some(key.as_bytes()), value.as_deref(), AT);
    });
    let tasks = laden.time(|it, turn| {
        let [_, task, commit] = records(&it.names[turn]);
        it.record(&task);
        it.record(&commit);
    });
    let removal = laden.time(|it, turn| {
        let name = Arc::clone(&it.names[turn]);
        let settings = None;
        it.record(&ConfigRecord::Connector { name, settings });
    });
    vec![
        ("another target", target),
        ("other settings", settings),
        ("a task's word", task),
        ("a status", status),
        ("other tasks", tasks),
        ("a removal", removal),
    ]
}

#[test]
fn an_event_costs_about_the_same_whatever_else_there_is() {
    let few = costs(FEW);
    for ((kind, among_few), (_, among_many)) in few.into_iter().zip(costs(FEW * TIMES)) {
        // Looking for a name in a larger map takes a little longer.
        let most = among_few * 4;
        assert!(
            among_many < most,
            "{kind}: {EVENTS} took {among_few:?} among {FEW}, and {among_many:?} among {TIMES} times as many"
        );
    }
}
