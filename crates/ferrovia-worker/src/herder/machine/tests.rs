//! The rules, event by event. Messages were recorded from Java's standalone worker.

use super::*;
use crate::herder::testing::{given, validator};

const SINK: [(&str, &str); 4] = [
    ("name", "s"),
    ("connector.class", "FileStreamSink"),
    ("topics", "t"),
    ("tasks.max", "2"),
];

fn create(machine: &mut HerderMachine, settings: &[(&str, &str)]) -> Vec<Action> {
    machine.on_create(
        RequestId(1),
        validator(&[]).admit(&given(settings), InitialState::Running),
    )
}

/// The tasks of a connector that may have two.
fn wanted(configs: Vec<BTreeMap<String, String>>) -> WantedTasks {
    WantedTasks {
        configs,
        max: 2,
        is_max_enforced: true,
    }
}

fn refusal(actions: &[Action]) -> String {
    let [Action::Reply(RequestId(1), Err(error))] = actions else {
        panic!("{actions:?}")
    };
    error.to_string()
}

/// A machine with the connector `s` and its two tasks running.
fn running() -> HerderMachine {
    let mut machine = HerderMachine::new("w:8083");
    create(&mut machine, &SINK);
    machine.on_connector_started("s", Ok(wanted(vec![BTreeMap::new(); 2])));
    for task in 0..2 {
        let event = TaskEvent::State(State::Running, String::new());
        machine.on_task_event(&TaskId::new("s", task), event);
    }
    machine
}

fn state(machine: &HerderMachine, task: u32) -> State {
    machine.task_status(&TaskId::new("s", task)).unwrap().state
}

#[test]
fn a_connector_is_started_then_its_tasks_then_the_caller_is_answered() {
    let mut machine = HerderMachine::new("w:8083");
    let actions = create(&mut machine, &SINK);
    assert!(
        matches!(actions.as_slice(), [Action::StartConnector { .. }]),
        "{actions:?}"
    );
    assert!(
        machine.status("s").is_err(),
        "no status before the first report"
    );

    let own = BTreeMap::from([("file".to_owned(), "f".to_owned())]);
    let actions = machine.on_connector_started("s", Ok(wanted(vec![own.clone(), own])));
    let [
        Action::StartTask { id, settings, .. },
        Action::StartTask { .. },
        Action::Reply(_, Ok(info)),
    ] = actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!(id.to_string(), "s-0");
    assert_eq!(
        settings["task.class"],
        "org.apache.kafka.connect.file.FileStreamSinkTask"
    );
    assert_eq!(settings["topics"], "t");
    assert_eq!(settings["file"], "f");
    assert_eq!(info.tasks.len(), 2);
    assert_eq!(machine.status("s").unwrap().connector.state, State::Running);
}

#[test]
fn bad_settings_are_refused_with_javas_texts() {
    let mut machine = HerderMachine::new("w:8083");
    let mut refused = |settings: &[(&str, &str)]| refusal(&create(&mut machine, settings));
    assert_eq!(
        refused(&[("name", "s"), ("topics", "t")]),
        "Connector config {name=s, topics=t} contains no connector type"
    );
    assert_eq!(
        refused(&[
            ("name", "s"),
            ("connector.class", "FileStreamSink"),
            ("topics", "a"),
            ("value.converter", "Foo")
        ]),
        "Connector configuration is invalid and contains the following 1 error(s):\n\
         Invalid value Foo for configuration value.converter: Class Foo could not be found.\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{connectorType}/config/validate`"
    );
    let unknown = refused(&[("name", "s"), ("connector.class", "Nope"), ("topics", "t")]);
    let start = "Failed to find any class that implements Connector and which name matches Nope, \
                 available connectors are: PluginDesc{klass=class \
                 org.apache.kafka.connect.file.FileStreamSinkConnector, \
                 name='org.apache.kafka.connect.file.FileStreamSinkConnector', version='4.2.0', \
                 encodedVersion=4.2.0, type=sink, typeName='sink', location='classpath'}, PluginDesc{";
    assert!(unknown.starts_with(start), "{unknown}");
}

#[test]
fn a_name_is_given_only_once() {
    let mut machine = running();
    assert_eq!(
        refusal(&create(&mut machine, &SINK)),
        "Connector s already exists"
    );
}

#[test]
fn a_connector_that_does_not_start_is_failed_and_has_no_tasks() {
    let mut machine = HerderMachine::new("w:8083");
    create(&mut machine, &SINK);
    let actions = machine.on_connector_started("s", Err("org.x.E: no\n\tat y".to_owned()));
    assert_eq!(
        refusal(&actions),
        "Failed to start connector: s: org.x.E: no"
    );
    let status = machine.status("s").unwrap();
    assert_eq!(status.connector.state, State::Failed);
    assert_eq!(status.connector.trace, "org.x.E: no\n\tat y");
    assert!(status.tasks.is_empty());
}

#[test]
fn more_tasks_than_allowed_fail_the_connector_unless_it_may() {
    let mut machine = HerderMachine::new("w:8083");
    create(&mut machine, &SINK);
    machine.on_connector_started("s", Ok(wanted(vec![BTreeMap::new(); 3])));
    let trace = machine.status("s").unwrap().connector.trace;
    assert!(trace.starts_with("The connector s has generated 3 tasks, which is greater than 2"));

    let mut settings = SINK.to_vec();
    settings.push(("tasks.max.enforce", "false"));
    let mut lenient = HerderMachine::new("w:8083");
    create(&mut lenient, &settings);
    let many = WantedTasks {
        is_max_enforced: false,
        ..wanted(vec![BTreeMap::new(); 3])
    };
    assert_eq!(lenient.on_connector_started("s", Ok(many)).len(), 4);
}

#[test]
fn a_paused_connector_has_no_tasks_yet() {
    let mut machine = HerderMachine::new("w:8083");
    let paused = validator(&[]).admit(&given(&SINK), InitialState::Paused);
    let actions = machine.on_create(RequestId(1), paused);
    assert!(
        matches!(actions.as_slice(), [Action::Reply(_, Ok(_))]),
        "{actions:?}"
    );
    assert_eq!(machine.status("s").unwrap().connector.state, State::Paused);
}

#[test]
fn a_failed_task_stays_failed_and_its_connector_runs_on() {
    let mut machine = running();
    let id = TaskId::new("s", 0);
    machine.on_task_event(&id, TaskEvent::State(State::Failed, "trace".into()));
    machine.on_task_event(&id, TaskEvent::Ended);
    assert_eq!(state(&machine, 0), State::Failed);
    assert_eq!(machine.status("s").unwrap().connector.state, State::Running);
}

#[test]
fn stopping_ends_tasks_first_then_connectors() {
    let mut machine = running();
    let actions = machine.on_stop();
    assert!(matches!(
        actions.as_slice(),
        [Action::StopTask(_), Action::StopTask(_)]
    ));
    assert!(
        machine
            .on_task_event(&TaskId::new("s", 1), TaskEvent::Ended)
            .is_empty()
    );
    assert_eq!(state(&machine, 1), State::Unassigned);
    let actions = machine.on_task_event(&TaskId::new("s", 0), TaskEvent::Ended);
    assert!(matches!(
        actions.as_slice(),
        [Action::StopConnector(_), Action::Finish]
    ));
    assert!(
        machine.on_stop().is_empty(),
        "stopping twice changes nothing"
    );
    assert_eq!(
        refusal(&create(&mut machine, &SINK)),
        "The worker is shutting down"
    );
}

#[test]
fn tasks_that_do_not_end_in_time_are_named_and_left() {
    let mut machine = running();
    machine.on_stop();
    machine.on_task_event(&TaskId::new("s", 0), TaskEvent::Ended);
    let (left, actions) = machine.on_stop_deadline();
    assert_eq!(left, [TaskId::new("s", 1)]);
    assert!(matches!(
        actions.as_slice(),
        [Action::StopConnector(_), Action::Finish]
    ));
}

#[test]
fn a_connector_that_starts_too_late_is_stopped_at_once() {
    let mut machine = HerderMachine::new("w:8083");
    create(&mut machine, &SINK);
    assert!(!machine.on_stop().is_empty());
    let actions = machine.on_connector_started("s", Ok(wanted(vec![BTreeMap::new()])));
    assert!(
        matches!(
            actions.as_slice(),
            [Action::Reply(_, Err(_)), Action::StopConnector(_)]
        ),
        "{actions:?}"
    );
}

#[test]
fn unknown_names_are_not_found_in_javas_words() {
    let machine = running();
    assert_eq!(
        machine.info("x").unwrap_err().to_string(),
        "Connector x not found"
    );
    assert_eq!(
        machine.tasks("x").unwrap_err().to_string(),
        "Connector x not found"
    );
    assert_eq!(
        machine.status("x").unwrap_err().to_string(),
        "No status found for connector x"
    );
}

#[test]
fn tasks_show_the_variables_of_their_connector() {
    let mut machine = HerderMachine::new("w:8083");
    let mut settings = SINK.to_vec();
    settings.push(("file", "${file:/p:k}"));
    create(&mut machine, &settings);
    let own = BTreeMap::from([
        ("file".to_owned(), "canary".to_owned()),
        ("topics".to_owned(), "t".to_owned()),
    ]);
    machine.on_connector_started("s", Ok(wanted(vec![own])));
    let tasks = machine.tasks("s").unwrap();
    assert_eq!(tasks[0].config["file"], "${file:/p:k}");
}
