//! Failed tasks that a worker begins again by itself, and those that it does not.

use std::time::Duration;

use super::rig::Rig;
use crate::herder::machine::WorkEvent;
use crate::herder::request::Change;
use crate::herder::runner::TaskEvent;
use crate::status::{State, TaskId};

/// A worker with a connector of one task that is restarted up to so often when it fails.
fn reviving(restarts_max: &str) -> Rig {
    let mut rig = Rig::new();
    rig.tasks = 1;
    let settings = [
        ("name", "s"),
        ("connector.class", "FileStreamSink"),
        ("topics", "t"),
        ("errors.restart.max.retries", restarts_max),
    ];
    rig.create(&settings).unwrap();
    rig.log.clear();
    rig
}

fn fail(rig: &mut Rig) {
    let id = TaskId::new("s", 0);
    let run = rig.machine.run_of(&id);
    let failed = TaskEvent::State(State::Failed, "why".into());
    rig.tell(WorkEvent::Task(id.clone(), run, failed));
    rig.tell(WorkEvent::Task(id, run, TaskEvent::Ended));
    assert_eq!(rig.state(0), Some(State::Failed));
}

#[test]
fn failed_task_is_restarted_ever_later_and_in_the_end_no_more() {
    let mut rig = reviving("3");
    for delay in [1_000, 2_000, 4_000] {
        fail(&mut rig);
        rig.pass(Duration::from_millis(delay - 1));
        assert_eq!(rig.state(0), Some(State::Failed), "{delay}");
        rig.pass(Duration::from_millis(1));
        assert_eq!(rig.state(0), Some(State::Running), "{delay}");
    }
    assert_eq!(rig.log, ["start s-0"; 3]);
    fail(&mut rig);
    rig.pass(Duration::from_secs(3600));
    assert_eq!(rig.state(0), Some(State::Failed));
    assert_eq!(rig.machine.next_deadline(), None);
}

#[test]
fn task_that_ran_for_long_has_all_its_restarts_again() {
    let mut rig = reviving("1");
    for _ in 0..3 {
        fail(&mut rig);
        rig.pass(Duration::from_secs(1));
        assert_eq!(rig.state(0), Some(State::Running));
        rig.pass(Duration::from_millis(60_001));
    }
}

#[test]
fn failed_task_that_a_user_restarts_or_removes_is_not_restarted_again() {
    let mut rig = reviving("5");
    fail(&mut rig);
    let restart = Change::RestartTask {
        connector: "s".to_owned(),
        task: 0,
    };
    rig.ask(restart).unwrap();
    assert_eq!(rig.state(0), Some(State::Running));
    rig.pass(Duration::from_secs(100));
    assert_eq!(rig.log, ["start s-0"]);
    fail(&mut rig);
    rig.ask(Change::Stop("s".to_owned())).unwrap();
    rig.pass(Duration::from_secs(100));
    assert_eq!(rig.log, ["start s-0", "stop s"]);
}

#[test]
fn failed_task_stays_failed_where_nobody_asks_for_more() {
    let mut rig = reviving("0");
    fail(&mut rig);
    rig.pass(Duration::from_secs(100_000));
    assert_eq!(rig.state(0), Some(State::Failed));
}

#[test]
fn worker_that_stops_revives_nothing() {
    let mut rig = reviving("5");
    fail(&mut rig);
    rig.stop();
    rig.pass(Duration::from_secs(100));
    assert!(rig.is_finished);
    assert!(!rig.log.contains(&"start s-0".to_owned()), "{:?}", rig.log);
}
