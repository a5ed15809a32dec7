//! What users see of a worker that is alone.

use std::time::Duration;

use super::rig::Rig;
use crate::config::InitialState;
use crate::herder::machine::WorkEvent;
use crate::herder::request::{Change, HerderError, Outcome};
use crate::herder::runner::TaskEvent;
use crate::herder::testing::given;
use crate::herder::work::Run;
use crate::status::{State, TaskId};

const SINK: [(&str, &str); 4] = [
    ("name", "s"),
    ("connector.class", "FileStreamSink"),
    ("topics", "t"),
    ("tasks.max", "2"),
];

fn running() -> Rig {
    let mut rig = Rig::new();
    rig.create(&SINK).unwrap();
    assert_eq!(rig.state(1), Some(State::Running));
    rig.log.clear();
    rig
}

fn connector_state(rig: &Rig) -> State {
    rig.machine.status("s").unwrap().connector.state
}

fn name() -> String {
    "s".to_owned()
}

#[test]
fn whoever_creates_a_connector_is_answered_with_its_tasks() {
    let mut rig = Rig::new();
    let outcome = rig.create(&SINK).unwrap();
    let Outcome::Connector { info, is_new: true } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(info.tasks.len(), 2);
    assert_eq!(rig.log, ["start s", "start s-0", "start s-1"]);
    let task = &rig.started[&TaskId::new("s", 0)];
    assert_eq!(
        task["task.class"],
        "org.apache.kafka.connect.file.FileStreamSinkTask"
    );
    assert_eq!(task["topics"], "t");
    assert_eq!(task["file"], "f");
}

#[test]
fn a_name_is_given_only_once_unless_the_settings_are_put() {
    let mut rig = running();
    let error = rig.create(&SINK).unwrap_err();
    assert_eq!(error.to_string(), "Connector s already exists");
    let mut settings = SINK.to_vec();
    settings.push(("file", "other"));
    let put = Change::Put {
        name: name(),
        settings: given(&settings),
    };
    let outcome = rig.ask(put).unwrap();
    assert!(matches!(outcome, Outcome::Connector { is_new: false, .. }));
    let expected = [
        "stop s",
        "start s",
        "stop s-0",
        "stop s-1",
        "start s-0",
        "start s-1",
    ];
    assert_eq!(rig.log, expected);
    assert_eq!(rig.started[&TaskId::new("s", 0)]["file"], "other");
}

#[test]
fn a_patch_changes_and_removes_single_settings() {
    let mut rig = running();
    let mut patch = given(&[("file", "patched"), ("name", "other")]);
    patch.insert("tasks.max".to_owned(), None);
    let change = Change::Patch {
        name: name(),
        patch,
    };
    rig.ask(change).unwrap();
    let config = rig.machine.info("s").unwrap().config;
    assert_eq!(config["file"], "patched");
    // As in Java, the name in a patch names nothing.
    assert_eq!(config["name"], "other");
    assert_eq!(rig.machine.overview().len(), 1);
    assert!(!config.contains_key("tasks.max"));
    let unknown = Change::Patch {
        name: "x".to_owned(),
        patch: given(&[]),
    };
    assert_eq!(
        rig.ask(unknown).unwrap_err().to_string(),
        "Connector x not found"
    );
}

#[test]
fn a_connector_that_does_not_start_is_failed_and_has_no_tasks() {
    let mut rig = Rig::new();
    rig.failing
        .insert("s".into(), "org.x.E: no\n\tat y".to_owned());
    let error = rig.create(&SINK).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Failed to start connector: s: org.x.E: no"
    );
    let status = rig.machine.status("s").unwrap();
    assert_eq!(status.connector.state, State::Failed);
    assert_eq!(status.connector.trace, "org.x.E: no\n\tat y");
    assert!(status.tasks.is_empty());
}

#[test]
fn more_tasks_than_allowed_fail_the_connector_unless_it_may() {
    let mut rig = Rig::new();
    rig.tasks = 3;
    rig.create(&SINK).unwrap_err();
    let trace = rig.machine.status("s").unwrap().connector.trace;
    let expected = "The connector s has generated 3 tasks, which is greater than 2";
    assert!(trace.contains(expected), "{trace}");

    let mut lenient = Rig::new();
    lenient.tasks = 3;
    let mut settings = SINK.to_vec();
    settings.push(("tasks.max.enforce", "false"));
    lenient.create(&settings).unwrap();
    assert_eq!(lenient.started.len(), 3);
}

#[test]
fn a_connector_can_begin_paused_or_stopped() {
    for (initial, state) in [
        (InitialState::Paused, State::Paused),
        (InitialState::Stopped, State::Stopped),
    ] {
        let mut rig = Rig::new();
        let create = Change::Create {
            name: name(),
            settings: given(&SINK),
            initial_state: Some(initial),
        };
        rig.ask(create).unwrap();
        assert_eq!(connector_state(&rig), state);
        assert!(rig.started.is_empty());
        rig.ask(Change::Resume(name())).unwrap();
        assert_eq!(connector_state(&rig), State::Running);
        assert_eq!(rig.started.len(), 2);
    }
}

#[test]
fn pausing_keeps_the_tasks_and_resuming_lets_them_go_on() {
    let mut rig = running();
    rig.ask(Change::Pause(name())).unwrap();
    assert_eq!(
        (connector_state(&rig), rig.state(0)),
        (State::Paused, Some(State::Paused))
    );
    assert_eq!(rig.log, ["stop s"]);
    rig.ask(Change::Resume(name())).unwrap();
    assert_eq!(
        (connector_state(&rig), rig.state(0)),
        (State::Running, Some(State::Running))
    );
    assert_eq!(rig.log, ["stop s", "start s"]);
}

#[test]
fn stopping_removes_the_tasks_and_then_offsets_may_change() {
    let mut rig = running();
    let refused = rig.ask(Change::ResetOffsets(name())).unwrap_err();
    let expected = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for \
                    the specified connector by issuing a 'PUT' request to the '/connectors/s/stop' endpoint";
    assert_eq!(refused, HerderError::BadRequest(expected.to_owned()));
    rig.ask(Change::Stop(name())).unwrap();
    assert_eq!(connector_state(&rig), State::Stopped);
    assert!(rig.machine.status("s").unwrap().tasks.is_empty());
    rig.log.clear();
    rig.begin(Change::ResetOffsets(name()));
    assert!(rig.log[0].starts_with("ModifyOffsets"), "{:?}", rig.log);
}

#[test]
fn a_deleted_connector_leaves_nothing_behind() {
    let mut rig = running();
    rig.tell(WorkEvent::UsedTopic(TaskId::new("s", 0), "t".into()));
    assert_eq!(rig.machine.topics("s").topics.len(), 1);
    rig.ask(Change::Delete(name())).unwrap();
    assert!(rig.machine.overview().is_empty());
    assert!(rig.machine.status("s").is_err());
    assert!(rig.machine.topics("s").topics.is_empty());
    let again = rig.ask(Change::Delete(name())).unwrap_err();
    assert_eq!(again.to_string(), "Connector s not found");
}

#[test]
fn deletion_is_answered_when_the_tasks_have_ended_or_their_time_is_over() {
    let mut rig = running();
    rig.is_deaf = true;
    let request = rig.begin(Change::Delete(name()));
    assert!(rig.answer(request).is_none());
    rig.pass(Duration::from_secs(5));
    assert_eq!(rig.answer(request), Some(Ok(Outcome::Done)));
}

#[test]
fn restarts_reach_what_was_asked_for() {
    let mut rig = running();
    rig.ask(Change::Restart(name())).unwrap();
    assert_eq!(rig.log, ["stop s", "start s"]);
    rig.log.clear();
    rig.ask(Change::RestartTask {
        connector: name(),
        task: 1,
    })
    .unwrap();
    assert_eq!(rig.log, ["stop s-1", "start s-1"]);
    rig.log.clear();
    let failed = TaskEvent::State(State::Failed, "why".to_owned());
    let run = rig.machine.run_of(&TaskId::new("s", 0));
    rig.tell(WorkEvent::Task(TaskId::new("s", 0), run, failed));
    let many = Change::RestartMany {
        name: name(),
        only_failed: true,
        include_tasks: true,
    };
    let Ok(Outcome::Restarting(plan)) = rig.ask(many) else {
        panic!("no plan")
    };
    let states: Vec<State> = plan.tasks.iter().map(|(_, status)| status.state).collect();
    assert_eq!(states, [State::Restarting, State::Running]);
    assert_eq!(rig.log, ["stop s-0", "start s-0"]);
}

#[test]
fn unknown_names_are_not_found_in_javas_words() {
    let mut rig = running();
    let text = |rig: &mut Rig, change: Change| rig.ask(change).unwrap_err().to_string();
    let x = || "x".to_owned();
    assert_eq!(
        rig.machine.info("x").unwrap_err().to_string(),
        "Connector x not found"
    );
    let status = rig.machine.status("x").unwrap_err().to_string();
    assert_eq!(status, "No status found for connector x");
    assert_eq!(text(&mut rig, Change::Pause(x())), "Unknown connector x");
    assert_eq!(
        text(&mut rig, Change::Restart(x())),
        "Connector x not found"
    );
    for (task, expected) in [(7, "Task s-7 not found"), (-1, "Task s--1 not found")] {
        let connector = name();
        let task = Change::RestartTask { connector, task };
        assert_eq!(text(&mut rig, task), expected);
    }
    assert_eq!(
        text(&mut rig, Change::Stop(x())),
        "No connector `x` configured"
    );
}

#[test]
fn stopping_ends_everything_and_refuses_what_comes_then() {
    let mut rig = running();
    rig.stop();
    assert!(rig.is_finished);
    assert_eq!(rig.log, ["stop s-0", "stop s-1", "stop s"]);
    assert_eq!(rig.state(1), Some(State::Unassigned));
    assert_eq!(rig.create(&SINK).unwrap_err(), HerderError::Stopping);
}

#[test]
fn a_stopping_worker_gives_deaf_tasks_up() {
    let mut rig = running();
    rig.is_deaf = true;
    rig.stop();
    assert!(!rig.is_finished);
    rig.pass(Duration::from_secs(5));
    assert!(rig.is_finished);
    assert!(rig.log.contains(&"abandon s-0".to_owned()));
}

#[test]
fn a_failed_task_stays_failed_and_its_connector_runs_on() {
    let mut rig = running();
    let id = TaskId::new("s", 0);
    let run = rig.machine.run_of(&id);
    let failed = TaskEvent::State(State::Failed, "trace".to_owned());
    rig.tell(WorkEvent::Task(id.clone(), run, failed));
    rig.tell(WorkEvent::Task(id.clone(), run, TaskEvent::Ended));
    assert_eq!(
        (rig.state(0), connector_state(&rig)),
        (Some(State::Failed), State::Running)
    );
    // Words of a life that is over count for nothing.
    let late = TaskEvent::State(State::Running, String::new());
    rig.tell(WorkEvent::Task(id, Run(9_999), late));
    assert_eq!(rig.state(0), Some(State::Failed));
}

#[test]
fn tasks_show_the_variables_of_their_connector() {
    let mut rig = Rig::new();
    let dir = tempfile::tempdir().unwrap();
    let secrets = dir.path().join("p");
    std::fs::write(&secrets, "k=secret\n").unwrap();
    let text = format!("${{file:{}:k}}", secrets.display());
    let mut settings = SINK.to_vec();
    settings.push(("file", &text));
    rig.create(&settings).unwrap();
    let tasks = rig.machine.tasks("s").unwrap();
    assert_eq!(tasks[0].config["file"], text);
}
