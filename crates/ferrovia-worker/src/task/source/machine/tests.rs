//! What a task does next.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn machine(now: Instant) -> SourceMachine {
    let timing = Timing {
        commit_interval: 60 * SECOND,
        commit_timeout: 5 * SECOND,
        stop_grace: Duration::from_secs(5),
        ends_transactions: false,
    };
    SourceMachine::new(timing, now)
}

#[test]
fn task_is_polled_again_at_once_or_after_the_wait_it_asked_for() {
    let now = Instant::now();
    let mut machine = machine(now);
    assert_eq!(machine.next_step(now), Step::Poll);
    machine.on_polled(now, Some(2 * SECOND));
    assert_eq!(machine.next_step(now), Step::Wait);
    assert_eq!(machine.deadline(), Some(now + 2 * SECOND));
    assert_eq!(machine.next_step(now + 2 * SECOND), Step::Poll);
    machine.on_polled(now + 2 * SECOND, None);
    assert_eq!(
        machine.next_step(now + 2 * SECOND),
        Step::Poll,
        "it holds once"
    );
}

#[test]
fn task_that_wants_to_be_left_alone_for_ever_waits_until_it_is_woken() {
    let now = Instant::now();
    let mut machine = machine(now);
    for wait in [Duration::from_secs(i64::MAX.unsigned_abs()), Duration::MAX] {
        machine.on_polled(now, Some(wait));
        assert_eq!(machine.next_step(now + 59 * SECOND), Step::Wait);
        machine.on_woken();
        assert_eq!(machine.next_step(now + 59 * SECOND), Step::Poll);
    }
}

#[test]
fn paused_task_is_not_polled_but_commits() {
    let now = Instant::now();
    let mut machine = machine(now);
    machine.pause();
    assert_eq!(machine.next_step(now), Step::Wait);
    assert_eq!(machine.next_step(now + 60 * SECOND), Step::Commit);
    machine.resume();
    assert_eq!(machine.next_step(now + 61 * SECOND), Step::Poll);
}

#[test]
fn one_commit_at_a_time_and_the_next_an_interval_after_its_end() {
    let now = Instant::now();
    let mut machine = machine(now);
    let due = now + 60 * SECOND;
    assert_eq!(machine.next_step(due), Step::Commit);
    assert_eq!(machine.next_step(due + SECOND), Step::Poll);
    machine.on_commit_done(due + 2 * SECOND);
    assert_eq!(machine.next_step(due + 61 * SECOND), Step::Poll);
    assert_eq!(machine.next_step(due + 62 * SECOND), Step::Commit);
    assert_eq!(
        machine.next_step(due + 67 * SECOND),
        Step::CommitTimedOut,
        "nothing was heard of it"
    );
    assert_eq!(machine.next_step(due + 67 * SECOND), Step::Poll);
}

#[test]
fn held_records_are_waited_for_while_commits_go_on() {
    let now = Instant::now();
    let mut machine = machine(now);
    machine.hold();
    assert_eq!(machine.next_step(now), Step::Wait);
    assert_eq!(machine.next_step(now + 60 * SECOND), Step::Commit);
    machine.on_commit_done(now + 60 * SECOND);
    machine.hold_for(now, 70 * SECOND);
    assert_eq!(machine.next_step(now + 69 * SECOND), Step::Wait);
    assert_eq!(machine.deadline(), Some(now + 70 * SECOND));
    assert_eq!(machine.next_step(now + 70 * SECOND), Step::GoOn);
    machine.on_sent();
    assert_eq!(machine.next_step(now + 70 * SECOND), Step::Poll);
}

#[test]
fn task_that_stops_is_not_polled_and_gives_up_on_held_records_in_time() {
    let now = Instant::now();
    let mut machine = machine(now);
    machine.hold();
    machine.stop(now);
    assert_eq!(machine.next_step(now + SECOND), Step::Wait);
    machine.stop(now + 4 * SECOND);
    assert_eq!(
        machine.deadline(),
        Some(now + 5 * SECOND),
        "the first counts"
    );
    assert_eq!(machine.next_step(now + 5 * SECOND), Step::Stop);
    machine.on_sent();
    assert_eq!(machine.next_step(now + SECOND), Step::Stop);
    let mut retrying = self::machine(now);
    retrying.hold_for(now, SECOND);
    retrying.stop(now);
    assert_eq!(retrying.next_step(now), Step::Stop);
}
