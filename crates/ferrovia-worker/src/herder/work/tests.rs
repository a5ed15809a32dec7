//! The lives of connectors and tasks, event by event.

use super::*;

const NOW: Duration = Duration::from_secs(100);

fn settings() -> Arc<Settings> {
    Arc::default()
}

fn wish(target: TargetState) -> ConnectorWish {
    ConnectorWish {
        settings: settings(),
        target,
    }
}

fn task_wish() -> TaskWish {
    TaskWish {
        connector: settings(),
        settings: Arc::default(),
        is_paused: false,
        generation: None,
    }
}

fn work() -> Work {
    Work::new(Duration::from_secs(5))
}

/// Actions in few words.
fn told(actions: &[WorkAction]) -> Vec<String> {
    let tell = |action: &WorkAction| match action {
        WorkAction::StartConnector { run, .. } => format!("start connector {}", run.0),
        WorkAction::AskTasks { .. } => "ask tasks".to_owned(),
        WorkAction::StopConnector(_, run) => format!("stop connector {}", run.0),
        WorkAction::StartTask { run, wish, .. } => format!(
            "start task {} {}",
            run.0,
            if wish.is_paused { "paused" } else { "" }
        )
        .trim_end()
        .to_owned(),
        WorkAction::StopTask(_, run) => format!("stop task {}", run.0),
        WorkAction::PauseTask(..) => "pause".to_owned(),
        WorkAction::ResumeTask(..) => "resume".to_owned(),
        WorkAction::AbandonConnector(..) | WorkAction::AbandonTask(..) => "abandon".to_owned(),
        WorkAction::ConnectorIs(_, state, trace) | WorkAction::TaskIs(_, state, trace) => {
            format!("{state} {trace}").trim_end().to_owned()
        }
    };
    actions.iter().map(tell).collect()
}

fn name() -> Arc<str> {
    "c".into()
}

fn id() -> TaskId {
    TaskId::new("c", 0)
}

fn running(work: &mut Work) {
    work.start_connector(&name(), wish(TargetState::Started), NOW);
    let actions = work.on_connector_started(&name(), Run(1), Ok(()), NOW);
    assert_eq!(told(&actions), ["RUNNING", "ask tasks"]);
}

#[test]
fn a_connector_is_stopped_before_it_is_started_again() {
    let mut work = work();
    running(&mut work);
    let actions = work.start_connector(&name(), wish(TargetState::Started), NOW);
    assert_eq!(told(&actions), ["stop connector 1"]);
    let actions = work.on_connector_stopped(&name(), Run(1), Ok(()));
    assert_eq!(told(&actions)[0], "UNASSIGNED");
    assert!(told(&actions)[1].starts_with("start connector"));
}

#[test]
fn a_connector_that_is_to_stop_while_it_starts_stops_when_it_has() {
    let mut work = work();
    work.start_connector(&name(), wish(TargetState::Started), NOW);
    assert!(work.stop_connector(&name(), NOW).is_empty());
    assert!(work.connectors().is_empty(), "it ends for good");
    let actions = work.on_connector_started(&name(), Run(1), Ok(()), NOW);
    assert_eq!(told(&actions), ["RUNNING", "stop connector 1"]);
    let actions = work.on_connector_stopped(&name(), Run(1), Ok(()));
    assert_eq!(told(&actions), ["UNASSIGNED"]);
    assert!(work.is_over());
}

#[test]
fn pausing_and_resuming_a_connector_stops_and_starts_it() {
    let mut work = work();
    running(&mut work);
    let actions = work.aim_connector(&name(), TargetState::Paused, NOW);
    assert_eq!(told(&actions), ["stop connector 1"]);
    let actions = work.on_connector_stopped(&name(), Run(1), Ok(()));
    assert_eq!(told(&actions), ["PAUSED"]);
    assert!(!work.is_connector_running("c"));
    let actions = work.aim_connector(&name(), TargetState::Started, NOW);
    assert!(told(&actions)[0].starts_with("start connector"));
}

#[test]
fn a_failed_connector_can_be_stopped_but_neither_paused_nor_resumed() {
    let mut work = work();
    work.start_connector(&name(), wish(TargetState::Started), NOW);
    let actions = work.on_connector_started(&name(), Run(1), Err("why".into()), NOW);
    assert_eq!(told(&actions), ["FAILED why"]);
    assert!(
        work.aim_connector(&name(), TargetState::Paused, NOW)
            .is_empty()
    );
    let actions = work.aim_connector(&name(), TargetState::Stopped, NOW);
    assert_eq!(told(&actions), ["STOPPED"]);
}

#[test]
fn a_connector_that_does_not_stop_is_given_up_and_heard_no_more() {
    let mut work = work();
    running(&mut work);
    work.start_connector(&name(), wish(TargetState::Started), NOW);
    let deadline = work.next_deadline().unwrap();
    assert_eq!(deadline, NOW + CONNECTOR_STOP_TIMEOUT);
    let actions = work.on_time(deadline);
    assert_eq!(told(&actions)[..2], ["abandon", "UNASSIGNED"]);
    assert!(
        work.on_connector_stopped(&name(), Run(1), Ok(()))
            .is_empty()
    );
}

#[test]
fn a_task_that_is_replaced_ends_first() {
    let mut work = work();
    assert_eq!(
        told(&work.start_task(&id(), task_wish(), NOW)),
        ["start task 1"]
    );
    assert_eq!(
        told(&work.restart_task(&id(), task_wish(), NOW)),
        ["stop task 1"]
    );
    let actions = work.on_task_event(&id(), Run(1), TaskEvent::Ended);
    assert_eq!(told(&actions)[..2], ["UNASSIGNED", "RESTARTING"]);
    assert!(told(&actions)[2].starts_with("start task"));
    // The former life has nothing to say any more.
    let late = TaskEvent::State(State::Running, String::new());
    assert!(work.on_task_event(&id(), Run(1), late).is_empty());
}

#[test]
fn a_failed_task_stays_failed_until_it_is_begun_again() {
    let mut work = work();
    work.start_task(&id(), task_wish(), NOW);
    let failed = TaskEvent::State(State::Failed, "why".into());
    assert_eq!(
        told(&work.on_task_event(&id(), Run(1), failed)),
        ["FAILED why"]
    );
    assert!(
        work.on_task_event(&id(), Run(1), TaskEvent::Ended)
            .is_empty()
    );
    assert!(work.tasks().contains(&id()), "it is still this worker's");
    assert!(work.is_over());
    let actions = work.start_task(&id(), task_wish(), NOW);
    assert!(told(&actions)[0].starts_with("start task"));
    let actions = work.stop_task(&id(), NOW);
    assert!(told(&actions)[0].starts_with("stop task"));
}

#[test]
fn a_task_that_is_paused_while_it_ends_begins_paused() {
    let mut work = work();
    work.start_task(&id(), task_wish(), NOW);
    work.start_task(&id(), task_wish(), NOW);
    assert!(work.aim_tasks("c", true).is_empty());
    let actions = work.on_task_event(&id(), Run(1), TaskEvent::Ended);
    assert!(told(&actions)[1].ends_with("paused"), "{actions:?}");
    assert_eq!(told(&work.aim_tasks("c", false)), ["resume"]);
    assert!(work.aim_tasks("c", false).is_empty());
}

#[test]
fn a_task_that_does_not_end_is_given_up_and_the_next_begins() {
    let mut work = work();
    work.start_task(&id(), task_wish(), NOW);
    work.start_task(&id(), task_wish(), NOW);
    let actions = work.on_time(NOW + Duration::from_secs(5));
    assert_eq!(told(&actions)[..2], ["abandon", "UNASSIGNED"]);
    assert!(told(&actions)[2].starts_with("start task"));
    assert!(
        work.on_task_event(&id(), Run(1), TaskEvent::Ended)
            .is_empty()
    );
}

#[test]
fn a_task_that_is_wanted_again_while_it_ends_for_good_begins_again() {
    let mut work = work();
    work.start_task(&id(), task_wish(), NOW);
    work.stop_task(&id(), NOW);
    assert!(work.tasks().is_empty());
    assert!(work.start_task(&id(), task_wish(), NOW).is_empty());
    assert!(work.tasks().contains(&id()));
    let actions = work.on_task_event(&id(), Run(1), TaskEvent::Ended);
    assert_eq!(told(&actions)[0], "UNASSIGNED");
    assert!(told(&actions)[1].starts_with("start task"));
}
