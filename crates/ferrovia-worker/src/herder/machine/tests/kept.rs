//! What a worker of a cluster keeps right that late words of others have made wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::member::{AT, given, machine, read, read_connector};
use crate::config::InitialState;
use crate::herder::machine::writes::Then;
use crate::herder::machine::{
    Action, HerderMachine, Moment, RequestId, Ticket, WantedTasks, WorkEvent,
};
use crate::herder::request::Change;
use crate::herder::testing::{given as settings, validator};
use crate::herder::work::{Run, WorkAction};
use crate::status::{State, Status, TaskId};
use crate::storage::config::{ConfigRecord, TargetState};
use crate::storage::status::StatusRecord;

/// A leader that runs connector `c`.
fn running() -> (HerderMachine, Run) {
    let mut machine = machine();
    read_connector(&mut machine, 0, "c");
    machine.on_config_caught_up(AT);
    machine.on_ready(AT);
    machine.on_offers_wanted(AT);
    let actions = machine.on_assigned(&given(1, 1, &["c"], &[]), AT);
    let run = begun(&actions);
    machine.on_work(WorkEvent::ConnectorStarted("c".into(), run, Ok(())), AT);
    (machine, run)
}

fn begun(actions: &[Action]) -> Run {
    let begun = |action: &Action| match action {
        Action::Work(WorkAction::StartConnector { run, .. }) => Some(*run),
        _ => None,
    };
    actions.iter().find_map(begun).unwrap()
}

fn names(machine: &mut HerderMachine, run: Run, at: Moment) -> Option<(Ticket, Vec<ConfigRecord>)> {
    let own = BTreeMap::from([("file".to_owned(), "new".to_owned())]);
    let wanted = WantedTasks {
        configs: vec![own],
        max: 1,
        is_max_enforced: true,
    };
    written(&machine.on_work(WorkEvent::TasksNamed("c".into(), run, Ok(wanted)), at))
}

fn written(actions: &[Action]) -> Option<(Ticket, Vec<ConfigRecord>)> {
    actions.iter().find_map(|action| match action {
        Action::WriteConfig(ticket, records) => Some((*ticket, records.clone())),
        _ => None,
    })
}

fn asks(actions: &[Action]) -> bool {
    let asks = |action: &Action| matches!(action, Action::Work(WorkAction::AskTasks { .. }));
    actions.iter().any(asks)
}

/// A request to write tasks that the connector named before may reach the leader when newer ones are written.
#[test]
fn older_tasks_that_replaced_newer_ones_are_replaced_again() {
    let (mut machine, run) = running();
    let (ticket, staged) = names(&mut machine, run, AT).unwrap();
    read(&mut machine, 1, &staged[0]);
    let (ticket, commit) = written(&machine.on_written(ticket, Ok(()), AT)).unwrap();
    read(&mut machine, 2, &commit[0]);
    machine.on_written(ticket, Ok(()), AT);
    assert!(!machine.publishing.contains_key("c"));

    let old = ConfigRecord::Task {
        id: TaskId::new("c", 0),
        settings: Arc::new([("file".to_owned(), "old".to_owned())].into()),
    };
    read(&mut machine, 3, &old);
    read(&mut machine, 4, &commit[0]);
    let later = Moment {
        now: AT.now + Duration::from_secs(1),
        ..AT
    };
    assert!(
        asks(&machine.on_time(later)),
        "the connector is asked again"
    );
    let (_, again) = names(&mut machine, run, later).unwrap();
    assert_eq!(again, staged);
}

/// The leader answers the request that it took late only when the older tasks have been read.
#[test]
fn an_answer_for_older_tasks_does_not_keep_newer_ones_from_being_written_again() {
    let (mut machine, run) = running();
    let (ticket, staged) = names(&mut machine, run, AT).unwrap();
    read(&mut machine, 1, &staged[0]);
    let (ticket, commit) = written(&machine.on_written(ticket, Ok(()), AT)).unwrap();
    read(&mut machine, 2, &commit[0]);
    machine.on_written(ticket, Ok(()), AT);

    let older = machine.ticket(Then::Forwarded("c".into()));
    let old = ConfigRecord::Task {
        id: TaskId::new("c", 0),
        settings: Arc::new([("file".to_owned(), "old".to_owned())].into()),
    };
    read(&mut machine, 3, &old);
    read(&mut machine, 4, &commit[0]);
    machine.on_forwarded(older, Ok(()), AT);
    let later = Moment {
        now: AT.now + Duration::from_secs(1),
        ..AT
    };
    assert!(asks(&machine.on_time(later)));
}

/// A stop takes the tasks away first. An older request may be for none, too.
#[test]
fn tasks_that_were_taken_away_are_written_again_unless_a_user_stops_their_connector() {
    for is_stop in [true, false] {
        let (mut machine, run) = running();
        names(&mut machine, run, AT).unwrap();
        machine.published("c");
        let commit = ConfigRecord::Commit {
            name: "c".into(),
            tasks: 0,
        };
        read(&mut machine, 1, &commit);
        let target = ConfigRecord::Target {
            name: "c".into(),
            state: Some(TargetState::Stopped),
        };
        if is_stop {
            read(&mut machine, 2, &target);
        }
        let later = Moment {
            now: AT.now + Duration::from_secs(1),
            ..AT
        };
        assert_eq!(asks(&machine.on_time(later)), !is_stop);
    }
}

#[test]
fn connector_that_does_not_start_leaves_nothing_to_be_published() {
    let (mut machine, run) = running();
    let fault = Err("no idea".to_owned());
    machine.on_work(WorkEvent::TasksNamed("c".into(), run, fault), AT);
    assert!(machine.publishing.contains_key("c"), "it is asked again");
    read_connector(&mut machine, 1, "c");
    let stopped = WorkEvent::ConnectorStopped("c".into(), run, Ok(()));
    let actions = machine.on_work(stopped, AT);
    let next = actions.iter().find_map(|action| match action {
        Action::Work(WorkAction::StartConnector { run, .. }) => Some(*run),
        _ => None,
    });
    let fault = Err("no way".to_owned());
    machine.on_work(
        WorkEvent::ConnectorStarted("c".into(), next.unwrap(), fault),
        AT,
    );
    assert!(!machine.publishing.contains_key("c"));
}

/// What another worker says of connector `c`, which it had in this generation.
fn said(machine: &mut HerderMachine, generation: i32) -> Vec<Action> {
    let record = StatusRecord::Connector {
        name: "c".into(),
        status: Some(Status {
            state: State::Running,
            worker_id: "other:8083".into(),
            version: None,
            trace: String::new(),
            generation,
        }),
    };
    let (key, value) = (record.key(), record.value());
    machine.on_status_record(Some(key.as_bytes()), value.as_deref(), AT)
}

fn says_that_it_runs(actions: &[Action]) -> bool {
    actions.iter().any(|action| match action {
        Action::WriteStatus(StatusRecord::Connector {
            status: Some(status),
            ..
        }) => status.state == State::Running && &*status.worker_id == "w:8083",
        _ => false,
    })
}

/// It was taken for dead, and back before it noticed; who had its connector meanwhile has died.
#[test]
fn what_was_kept_through_a_round_is_told_again_where_another_worker_spoke_last() {
    let (mut machine, _) = running();
    assert!(!says_that_it_runs(&said(&mut machine, 2)), "it may be so");
    machine.on_offers_wanted(AT);
    let actions = machine.on_assigned(&given(3, 1, &["c"], &[]), AT);
    assert!(says_that_it_runs(&actions), "{actions:?}");
}

#[test]
fn late_words_of_who_had_it_in_an_older_generation_are_contradicted() {
    let (mut machine, _) = running();
    machine.on_offers_wanted(AT);
    machine.on_assigned(&given(3, 1, &["c"], &[]), AT);
    assert!(says_that_it_runs(&said(&mut machine, 2)));
    assert!(
        !says_that_it_runs(&said(&mut machine, 3)),
        "who has it is not clear"
    );
}

/// The connector may name its tasks while a user stops it.
#[test]
fn tasks_that_come_while_their_connector_is_being_stopped_are_not_written() {
    let (mut machine, run) = running();
    let actions = machine.on_change(RequestId(1), Change::Stop("c".to_owned()), AT);
    let (ticket, none) = written(&actions).unwrap();
    assert!(names(&mut machine, run, AT).is_none(), "they wait");
    read(&mut machine, 1, &none[0]);
    let (ticket, target) = written(&machine.on_written(ticket, Ok(()), AT)).unwrap();
    read(&mut machine, 2, &target[0]);
    let actions = machine.on_written(ticket, Ok(()), AT);
    assert!(written(&actions).is_none(), "{actions:?}");
    let is_answered = |action: &Action| matches!(action, Action::Reply(RequestId(1), Ok(_)));
    assert!(actions.iter().any(is_answered), "{actions:?}");
    assert!(machine.writing_tasks.is_empty());
}

/// Two users may create a connector at once, of whom one wants it stopped.
#[test]
fn tasks_that_come_while_their_connector_is_being_made_anew_as_stopped_are_not_written() {
    let mut machine = machine();
    machine.on_config_caught_up(AT);
    machine.on_ready(AT);
    machine.on_offers_wanted(AT);
    machine.on_assigned(&given(1, -1, &[], &[]), AT);
    let create = Change::Create {
        name: "c".to_owned(),
        settings: settings(&[
            ("name", "c"),
            ("connector.class", "FileStreamSink"),
            ("topics", "t"),
        ]),
        initial_state: Some(InitialState::Stopped),
    };
    let actions = machine.on_change(RequestId(1), create, AT);
    let check = actions.into_iter().find_map(|action| match action {
        Action::Check(ticket, settings) => Some((ticket, settings)),
        _ => None,
    });
    let (check, settings) = check.unwrap();
    let admission = validator(&[]).admit(&settings, Default::default());
    let actions = machine.on_checked(check, admission, AT);
    let (creation, records) = written(&actions).unwrap();

    read_connector(&mut machine, 0, "c");
    machine.on_offers_wanted(AT);
    let actions = machine.on_assigned(&given(2, 1, &["c"], &[]), AT);
    let run = begun(&actions);
    machine.on_work(WorkEvent::ConnectorStarted("c".into(), run, Ok(())), AT);
    assert!(names(&mut machine, run, AT).is_none(), "they wait");
    for (offset, record) in (1..).zip(&records) {
        read(&mut machine, offset, record);
    }
    let actions = machine.on_written(creation, Ok(()), AT);
    assert!(written(&actions).is_none(), "{actions:?}");
    assert!(machine.writing_tasks.is_empty());
}
