//! The right to write to the config topic what only a leader writes, where leaders write in transactions: each that takes
//! the lead claims it, and so takes it away from one that has not heard yet that it leads no more.
//!
//! Who has lost the right asks for another round, and claims it again only when that says that it still leads: otherwise
//! a worker that stood still would take it back from its successor. Java's worker does so after any sign of membership.
//!
//! # Source
//! `DistributedHerder.fencedFromConfigTopic` and `RebalanceListener.onAssigned` of Kafka 4.2 (KIP-618)

use std::time::Duration;

use super::group::Group;
use super::writes::Then;
use super::{Action, HerderMachine, Moment, Phase, Ticket};

/// Whether this worker may write what only a leader writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privilege {
    /// Leaders do not write in transactions.
    Unneeded,
    /// It has none, and claims it with the first generation after this one that it leads.
    Absent {
        after: i32,
    },
    /// It is being claimed.
    Claiming(Ticket),
    Held,
    /// It could not be claimed; not before this time again.
    Failed(Duration),
}

/// Why records were not written to the config topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// What is wrong.
    pub reason: String,
    /// Whether nothing more can be written that only a leader writes, until the right is claimed again.
    pub loses_privileges: bool,
}

impl From<&str> for WriteFailure {
    fn from(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            loses_privileges: false,
        }
    }
}

impl HerderMachine {
    /// The right to write was claimed, or not for this reason.
    pub fn on_claimed(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), String>,
        at: Moment,
    ) -> Vec<Action> {
        let is_awaited = matches!(self.pending.remove(&ticket), Some(Then::Claimed));
        if let Group::Member(member) = &mut self.group
            && is_awaited
            && member.privilege == Privilege::Claiming(ticket)
        {
            member.privilege = match outcome {
                Ok(()) => {
                    tracing::info!("This worker leads, and may write to the config topic");
                    Privilege::Held
                }
                Err(reason) => {
                    tracing::warn!(
                        "Unable to claim write privileges for config topic. Will backoff and possibly retry if still the \
                         leader: {reason}"
                    );
                    Privilege::Failed(at.now + CLAIM_BACKOFF)
                }
            };
        }
        self.finish(at)
    }

    /// Claims the right where it is wanted; who does not lead has none.
    pub(super) fn claim_privileges(&mut self, at: Moment) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        let leads = member.is_leader() && !member.is_out();
        let is_due = match member.privilege {
            Privilege::Unneeded => return,
            _ if !leads => {
                member.privilege = Privilege::Absent {
                    after: NO_GENERATION,
                };
                return;
            }
            Privilege::Absent { after } => member.generation > after,
            Privilege::Failed(until) => until <= at.now,
            Privilege::Claiming(_) | Privilege::Held => false,
        };
        if !is_due {
            return;
        }
        let ticket = self.ticket(Then::Claimed);
        if let Group::Member(member) = &mut self.group {
            member.privilege = Privilege::Claiming(ticket);
        }
        self.actions.push(Action::ClaimPrivileges(ticket));
    }

    /// A write failed that only a leader does: perhaps another worker leads.
    pub(super) fn lose_privileges(&mut self) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        if member.privilege != Privilege::Held {
            return;
        }
        tracing::warn!(
            "Failed to write to config topic as leader; will rejoin group and, if still leader, attempt to reclaim write \
             privileges for the config topic"
        );
        let after = member.generation;
        member.privilege = Privilege::Absent { after };
        self.rejoin("a write to the config topic failed that only the leader may do");
    }

    pub(super) fn claim_deadline(&self) -> Option<Duration> {
        match &self.group {
            Group::Member(member) if self.phase < Phase::Stopping => match member.privilege {
                Privilege::Failed(until) => Some(until),
                _ => None,
            },
            // Who stops claims nothing more.
            _ => None,
        }
    }
}

impl Privilege {
    /// Before the first round. Leaders need the right, or do not.
    pub(super) fn new(is_needed: bool) -> Self {
        match is_needed {
            true => Self::Absent {
                after: NO_GENERATION,
            },
            false => Self::Unneeded,
        }
    }

    /// Whether a leader may write.
    pub(super) fn permits(self) -> bool {
        matches!(self, Self::Unneeded | Self::Held)
    }
}

/// Before all generations.
const NO_GENERATION: i32 = -1;
/// How long after a failure the right is claimed again.
///
/// # Source
/// `DistributedHerder.CONFIG_TOPIC_WRITE_PRIVILEGES_BACKOFF_MS`
const CLAIM_BACKOFF: Duration = Duration::from_millis(250);
