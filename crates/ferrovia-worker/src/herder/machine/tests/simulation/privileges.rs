//! The right to write as a leader: the brokers know the last claim, and take nothing by an earlier one.

use std::collections::BTreeMap;

use super::World;
use super::planted::Bug;
use super::trouble::{Event, HerderEvent};
use crate::herder::machine::{Ticket, WriteFailure};

/// What a worker's driver knows of its right.
#[derive(Default)]
pub(super) struct Right {
    claiming: Option<Ticket>,
    /// By which claim it writes.
    held: Option<u64>,
    /// By which claim records on their way were sent.
    sent: BTreeMap<Ticket, u64>,
}

/// A claim on its way.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    ticket: Ticket,
    life: u32,
    arrives: bool,
    is_told: bool,
}

impl Right {
    /// Records of a leader are sent by the last claim, if there is one.
    pub(super) fn send(&mut self, ticket: Ticket) -> Option<u64> {
        if let Some(claim) = self.held {
            self.sent.insert(ticket, claim);
        }
        self.held
    }

    /// Something is heard of them. Whether it is the end of the right: a failure ends the one that they were sent by.
    fn hear(&mut self, ticket: Ticket, has_failed: bool) -> bool {
        let sent = self.sent.remove(&ticket);
        let is_end = has_failed && sent.is_some() && sent == self.held;
        if is_end {
            self.held = None;
        }
        is_end
    }
}

impl World {
    /// A driver looks at what its machine is about to hear.
    pub(super) fn note_right(&mut self, place: usize, event: HerderEvent) -> HerderEvent {
        let is_deaf = self.has(Bug::LossUnheard);
        let right = &mut self.processes[place].right;
        match event {
            HerderEvent::Written(ticket, outcome) => {
                let loses_privileges = right.hear(ticket, outcome.is_err()) && !is_deaf;
                let outcome = outcome.map_err(|failure| WriteFailure {
                    loses_privileges,
                    ..failure
                });
                HerderEvent::Written(ticket, outcome)
            }
            HerderEvent::Claimed(ticket, claim) => {
                // What an earlier claim came to no longer matters.
                if right.claiming == Some(ticket) {
                    right.held = claim;
                }
                HerderEvent::Claimed(ticket, claim)
            }
            event => event,
        }
    }

    pub(super) fn claim(&mut self, place: usize, ticket: Ticket) {
        let claim = Claim {
            ticket,
            life: self.processes[place].life,
            arrives: !self.unlucky(),
            is_told: !self.unlucky(),
        };
        let right = &mut self.processes[place].right;
        right.claiming = Some(ticket);
        right.held = None;
        let delay = self.delay(1..30, 200..3_000);
        self.schedule(delay, place, Event::Claim(claim));
    }

    /// A claim reaches the brokers, whether or not its worker still lives.
    pub(super) fn take_claim(&mut self, place: usize, claim: Claim) {
        let process = &self.processes[place];
        let lives = process.is_up && process.life == claim.life;
        let arrives = claim.arrives && !(lives && process.is_cut_from_topics);
        if arrives {
            self.topics.claims += 1;
        }
        if !lives {
            return;
        }
        let outcome = Some(self.topics.claims).filter(|_| arrives && claim.is_told);
        let delay = self.millis(1..40);
        let claimed = HerderEvent::Claimed(claim.ticket, outcome);
        self.schedule(delay, place, Event::Herder(claimed));
    }
}
