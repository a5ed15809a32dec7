//! The timing of a sink task, in virtual time.

use super::*;

const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(5);

fn machine() -> (SinkMachine, Instant) {
    let now = Instant::now();
    (SinkMachine::new(INTERVAL, TIMEOUT, now), now)
}

#[test]
fn records_are_put_at_once_and_more_are_wanted_after() {
    let (mut machine, now) = machine();
    assert!(machine.wants_records());
    machine.on_records();
    assert!(!machine.wants_records());
    assert_eq!(machine.next_step(now), Step::Put);
    machine.on_put();
    assert!(machine.wants_records());
    assert_eq!(machine.next_step(now), Step::Wait);
}

#[test]
fn commit_falls_due_every_interval() {
    let (mut machine, now) = machine();
    machine.on_records();
    assert_eq!(machine.next_step(now), Step::Put);
    machine.on_put();
    assert_eq!(machine.deadline(), now + INTERVAL);
    assert_eq!(machine.next_step(now + INTERVAL), Step::Commit);
    machine.on_commit_sent(1, now + INTERVAL);
    machine.on_commit_done(1);
    assert_eq!(machine.next_step(now + INTERVAL), Step::Wait);
    assert_eq!(machine.deadline(), now + INTERVAL * 2);
}

#[test]
fn interval_without_records_puts_an_empty_batch_before_the_commit() {
    let (mut machine, now) = machine();
    let due = now + INTERVAL;
    assert_eq!(machine.next_step(due), Step::Put);
    machine.on_put();
    assert_eq!(machine.next_step(due), Step::Commit);
}

#[test]
fn paused_task_is_put_nothing_but_commits() {
    let (mut machine, now) = machine();
    machine.pause();
    assert!(!machine.wants_records());
    assert_eq!(machine.next_step(now), Step::Commit);
    assert_eq!(machine.next_step(now), Step::Wait);
    machine.resume();
    assert!(machine.wants_records());
}

#[test]
fn retriable_error_delivers_the_same_batch_after_the_tasks_timeout() {
    let (mut machine, now) = machine();
    machine.on_records();
    assert_eq!(machine.next_step(now), Step::Put);
    machine.on_put_again(now, Some(Duration::from_secs(1)));
    assert_eq!(machine.next_step(now), Step::Wait);
    assert!(!machine.wants_records());
    assert_eq!(machine.deadline(), now + Duration::from_secs(1));
    assert_eq!(machine.next_step(now + Duration::from_secs(1)), Step::Put);
    machine.on_put();
    assert!(machine.wants_records());
}

#[test]
fn retriable_error_without_timeout_waits_for_the_next_commit_time() {
    let (mut machine, now) = machine();
    machine.on_records();
    machine.next_step(now);
    machine.on_put_again(now, None);
    assert_eq!(machine.next_step(now + INTERVAL / 2), Step::Wait);
    assert_eq!(machine.next_step(now + INTERVAL), Step::Put);
    machine.on_put_again(now + INTERVAL, None);
    assert_eq!(
        machine.next_step(now + INTERVAL),
        Step::Commit,
        "the same batch has to wait"
    );
    assert_eq!(machine.next_step(now + INTERVAL), Step::Wait);
}

#[test]
fn batch_that_is_wanted_again_in_ages_waits_for_the_next_commit_time() {
    let (mut machine, now) = machine();
    machine.on_records();
    machine.on_put_again(now, Some(Duration::MAX));
    assert_eq!(machine.next_step(now + INTERVAL / 2), Step::Wait);
    assert_eq!(machine.deadline(), now + INTERVAL);
}

#[test]
fn unanswered_commit_times_out_and_the_next_one_goes_on() {
    let (mut machine, now) = machine();
    machine.request_commit();
    assert_eq!(machine.next_step(now), Step::Commit);
    machine.on_commit_sent(1, now);
    machine.request_commit();
    assert_eq!(machine.next_step(now), Step::Wait, "one commit at a time");
    assert_eq!(machine.deadline(), now + TIMEOUT);
    assert_eq!(machine.next_step(now + TIMEOUT), Step::CommitTimedOut);
    assert_eq!(machine.next_step(now + TIMEOUT), Step::Commit);
}

#[test]
fn stop_comes_before_everything() {
    let (mut machine, now) = machine();
    machine.on_records();
    machine.stop();
    assert_eq!(machine.next_step(now), Step::Stop);
}

#[test]
fn late_answer_to_a_commit_that_was_given_up_does_not_end_the_next_one() {
    let (mut machine, now) = machine();
    machine.on_commit_sent(1, now);
    let late = now + TIMEOUT;
    assert_eq!(machine.next_step(late), Step::CommitTimedOut);
    machine.on_commit_sent(2, late);
    machine.request_commit();
    machine.on_commit_done(1);
    assert_eq!(machine.next_step(late), Step::Wait, "one commit at a time");
    machine.on_commit_done(2);
    assert_eq!(machine.next_step(late), Step::Commit);
}
