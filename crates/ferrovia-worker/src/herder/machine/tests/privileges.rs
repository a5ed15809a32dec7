//! The right to write as a leader: claimed, lost, and claimed again only by who still leads.

use std::time::Duration;

use ferrovia_client::group::cohort::LossCause;

use super::member::{given, machine_of, read_connector};
use crate::herder::machine::{Action, HerderMachine, Moment, RequestId, Ticket, WriteFailure};
use crate::herder::request::{Change, HerderError};

/// A worker that has just been given the lead.
struct Leader {
    machine: HerderMachine,
    now: Duration,
}

impl Leader {
    fn new() -> Self {
        let mut machine = machine_of(true);
        let at = moment(Duration::from_secs(1));
        read_connector(&mut machine, 0, "c");
        machine.on_config_caught_up(at);
        Self {
            machine,
            now: at.now,
        }
    }

    /// A round makes it the leader.
    fn assigned(&mut self, generation: i32) -> Vec<Action> {
        let at = moment(self.now);
        let mut actions = self.machine.on_offers_wanted(at);
        let given = given(generation, 1, &[], &[]);
        actions.extend(self.machine.on_assigned(&given, at));
        actions
    }

    fn claimed(&mut self, ticket: Ticket, outcome: Result<(), &str>) -> Vec<Action> {
        let outcome = outcome.map_err(ToOwned::to_owned);
        self.machine.on_claimed(ticket, outcome, moment(self.now))
    }

    fn delete(&mut self) -> Vec<Action> {
        let delete = Change::Delete("c".to_owned());
        let at = moment(self.now);
        self.machine.on_change(RequestId(1), delete, at)
    }

    fn written(&mut self, ticket: Ticket, outcome: Result<(), WriteFailure>) -> Vec<Action> {
        self.machine.on_written(ticket, outcome, moment(self.now))
    }
}

fn moment(now: Duration) -> Moment {
    let wall_ms = 1_700_000_000_000;
    Moment { now, wall_ms }
}

fn claim(actions: &[Action]) -> Option<Ticket> {
    actions.iter().find_map(|action| match action {
        Action::ClaimPrivileges(ticket) => Some(*ticket),
        _ => None,
    })
}

fn write(actions: &[Action]) -> Option<Ticket> {
    actions.iter().find_map(|action| match action {
        Action::WriteConfig(ticket, _) => Some(*ticket),
        _ => None,
    })
}

fn rejoins(actions: &[Action]) -> bool {
    let mut actions = actions.iter();
    actions.any(|action| matches!(action, Action::Rejoin(_)))
}

fn fenced() -> WriteFailure {
    WriteFailure {
        reason: "fenced".to_owned(),
        loses_privileges: true,
    }
}

#[test]
fn leader_writes_when_it_has_claimed_the_right() {
    let mut leader = Leader::new();
    let ticket = claim(&leader.assigned(1)).unwrap();
    assert_eq!(write(&leader.delete()), None);
    assert_eq!(
        leader.machine.stage().as_deref(),
        Some("reclaiming write privileges for the config topic")
    );
    let actions = leader.claimed(ticket, Ok(()));
    assert!(write(&actions).is_some(), "{actions:?}");
    assert_eq!(claim(&leader.assigned(2)), None, "it still has the right");
}

#[test]
fn claim_that_fails_is_made_again_a_little_later() {
    let mut leader = Leader::new();
    let ticket = claim(&leader.assigned(1)).unwrap();
    assert_eq!(claim(&leader.claimed(ticket, Err("no coordinator"))), None);
    let due = leader.machine.next_deadline().unwrap();
    assert_eq!(due, leader.now + Duration::from_millis(250));
    leader.now = due;
    let again = claim(&leader.machine.on_time(moment(due))).unwrap();
    // What comes of the first no longer matters.
    leader.claimed(ticket, Ok(()));
    assert_eq!(write(&leader.delete()), None);
    assert!(write(&leader.claimed(again, Ok(()))).is_some());
}

#[test]
fn worker_that_stops_waits_for_no_claim() {
    let mut leader = Leader::new();
    let ticket = claim(&leader.assigned(1)).unwrap();
    leader.claimed(ticket, Err("no coordinator"));
    leader.machine.on_stop(moment(leader.now));
    leader.now += Duration::from_millis(250);
    let actions = leader.machine.on_time(moment(leader.now));
    assert_eq!(claim(&actions), None);
    let due = leader.machine.next_deadline();
    assert!(due.is_none_or(|due| due > leader.now), "{due:?}");
}

#[test]
fn right_that_was_lost_is_claimed_again_only_after_a_round_that_leaves_the_lead() {
    let mut leader = Leader::new();
    let ticket = claim(&leader.assigned(1)).unwrap();
    leader.claimed(ticket, Ok(()));
    let ticket = write(&leader.delete()).unwrap();
    let actions = leader.written(ticket, Err(fenced()));
    assert!(
        rejoins(&actions) && claim(&actions).is_none(),
        "{actions:?}"
    );
    let refused = actions.iter().find_map(|action| match action {
        Action::Reply(_, Err(error)) => Some(error.clone()),
        _ => None,
    });
    assert_eq!(refused, Some(HerderError::Failed("fenced".to_owned())));
    leader.now += Duration::from_secs(60);
    let actions = leader.machine.on_time(moment(leader.now));
    assert_eq!(claim(&actions), None);
    assert_eq!(write(&leader.delete()), None);
    let again = claim(&leader.assigned(2)).unwrap();
    assert!(write(&leader.claimed(again, Ok(()))).is_some());
}

#[test]
fn who_leads_no_more_claims_nothing() {
    let mut leader = Leader::new();
    let ticket = claim(&leader.assigned(1)).unwrap();
    leader.claimed(ticket, Ok(()));
    let ticket = write(&leader.delete()).unwrap();
    let lost = LossCause::UnknownMember;
    let mut actions = leader.machine.on_lost(&lost, moment(leader.now));
    actions.extend(leader.written(ticket, Err(fenced())));
    assert!(
        claim(&actions).is_none() && !rejoins(&actions),
        "{actions:?}"
    );
    assert!(claim(&leader.assigned(3)).is_some(), "it leads anew");
}
