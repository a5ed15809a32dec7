//! Tests of this module.

use super::*;

fn second(number: u64, since: Instant) -> Instant {
    since + Duration::from_secs(number)
}

#[test]
fn jobs_are_due_at_once_or_after_their_interval() {
    let start = Instant::now();
    let mut table = Timetable::new();
    table.now_and_every('a', Some(Duration::from_secs(10)), start);
    table.every('b', Some(Duration::from_secs(4)), start);
    table.every('c', None, start);
    assert_eq!(table.due(start), Ok('a'));
    assert_eq!(table.due(start), Err(Some(second(4, start))));
    assert_eq!(table.due(second(4, start)), Ok('b'));
    assert_eq!(table.due(second(4, start)), Err(Some(second(8, start))));
    assert_eq!(table.due(second(11, start)), Ok('b'));
    assert_eq!(table.due(second(11, start)), Ok('a'));
}

#[test]
fn late_job_is_done_once_and_not_for_each_time_it_missed() {
    let start = Instant::now();
    let mut table = Timetable::new();
    table.every('a', Some(Duration::from_secs(1)), start);
    let late = second(100, start);
    assert_eq!(table.due(late), Ok('a'));
    assert_eq!(table.due(late), Err(Some(second(101, start))));
}

#[test]
fn without_jobs_nothing_is_due() {
    let mut table: Timetable<char> = Timetable::new();
    table.every('a', None, Instant::now());
    assert_eq!(table.due(Instant::now()), Err(None));
}

#[test]
fn job_without_a_pause_is_always_due_and_keeps_no_other_from_its_turn() {
    let start = Instant::now();
    let mut table = Timetable::new();
    table.every('a', Some(Duration::ZERO), start);
    table.every('b', Some(Duration::from_secs(1)), start);
    let jobs: Vec<_> = [0, 1, 1, 1, 2, 2]
        .map(|number| table.due(second(number, start)).unwrap())
        .into();
    assert_eq!(jobs, ['a', 'a', 'a', 'a', 'a', 'b']);
}

#[test]
fn stop_ends_work_that_waits_for_ever() {
    let (ready, is_ready) = sync_channel(1);
    let mut thread = JobThread::spawn("test", move || async move {
        ready.send(()).unwrap();
        std::future::pending::<()>().await;
    })
    .unwrap();
    is_ready.recv().unwrap();
    thread.stop();
}

#[test]
fn job_that_takes_too_long_is_given_up() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limit = Some(Duration::from_millis(1));
    runtime.block_on(done("label", "waiting", limit, std::future::pending()));
}
