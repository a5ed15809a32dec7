//! The member machine: how a process joins a classic group of any kind, stays in it, and leaves.
//!
//! Free of IO, and of any opinion on what the group divides: metadata and assignments are bytes, which the owner
//! writes and reads. Events come in with a [`Moment`], [`Action`]s go out, and [`CohortMember::next_deadline`] says
//! when to call [`CohortMember::on_time`]. A consumer's [`Member`](super::member::Member) is an owner that knows
//! partitions; a Connect worker's is one that knows connectors and tasks, and meets it behind the [`driver`]. In
//! order of a life: `coordinator` (where), `join`, `sync`, `heartbeat`, `leave`.
//!
//! # Source
//! `AbstractCoordinator.java`, `Heartbeat.java`, `WorkerCoordinator.java`, KIP-394, KIP-800, KIP-814. Two things are
//! stricter here: membership counts as lost as soon as the member's own clock says that its session is over, and
//! refusals that Java answers with an immediate rejoin are backed off from after a few in a row.

use std::sync::Arc;
use std::time::Duration;

use super::{GroupEpoch, GroupError};
use crate::net::backoff::Backoff;
use crate::wire::ErrorCode;
use coordinator::Coordinator;
use heartbeat::Pulse;

mod message;
mod settings;
mod coordinator;
mod join;
mod sync;
mod heartbeat;
mod leave;
pub(super) mod line;
pub mod driver;

pub use message::{
    Action, Assignment, Call, Candidate, Election, LossCause, Moment, Offer, Reply, RequestFailure,
    Ticket,
};
pub use settings::CohortSettings;

/// One process's membership in one group.
#[derive(Debug)]
pub struct CohortMember {
    settings: CohortSettings,
    coordinator: Coordinator,
    state: State,
    member_id: Arc<str>,
    generation: i32,
    leader_id: Arc<str>,
    /// The protocols offered in the last join.
    offered: Vec<Arc<str>>,
    /// The protocol of this generation.
    chosen: Arc<str>,
    /// Whether the owner has an assignment that it was not told to drop.
    holds_assignment: bool,
    /// Why this member has to join (again); `None` while it does not.
    rejoin: Option<String>,
    retry_at: Duration,
    join_backoff: Backoff,
    pulse: Pulse,
    last_ticket: u64,
    actions: Vec<Action>,
}

#[derive(Debug)]
enum State {
    /// Between two attempts, or before the first.
    Idle,
    /// The owner prepares its metadata.
    Asking(Ticket),
    Joining(Ticket),
    /// Elected leader; the owner divides the work.
    Electing(Ticket),
    Syncing(Ticket, Duration),
    Stable,
    /// Left on the owner's wish until it wants to join again.
    Away,
    /// Stopped while its first join is under way, whose answer brings the member id to leave with.
    Withdrawing {
        join: Ticket,
        reason: String,
        until: Duration,
    },
    Leaving(Ticket, Duration),
    Done,
}

impl CohortMember {
    /// A member that has not joined. Call [`Self::on_start`] first.
    ///
    /// # Errors
    /// [`GroupError::Settings`] when the settings contradict each other.
    pub fn new(settings: CohortSettings) -> Result<Self, GroupError> {
        settings.check()?;
        Ok(Self {
            coordinator: Coordinator::new(&settings),
            state: State::Idle,
            member_id: Arc::from(""),
            generation: NO_GENERATION,
            leader_id: Arc::from(""),
            offered: Vec::new(),
            chosen: Arc::from(""),
            holds_assignment: false,
            rejoin: None,
            retry_at: Duration::ZERO,
            join_backoff: settings.backoff(),
            pulse: Pulse::new(&settings),
            last_ticket: 0,
            actions: Vec::new(),
            settings,
        })
    }

    /// Begins to join.
    pub fn on_start(&mut self, at: Moment) -> Vec<Action> {
        self.finish(at)
    }

    /// A deadline of [`Self::next_deadline`] may have passed. Calling it too often does no harm.
    pub fn on_time(&mut self, at: Moment) -> Vec<Action> {
        self.check_leave(at);
        self.check_pulse(at);
        self.check_discovery(at);
        self.finish(at)
    }

    /// A call ended.
    pub fn on_reply(&mut self, reply: Reply, at: Moment) -> Vec<Action> {
        match reply {
            Reply::Coordinator(ticket, found) => self.found(ticket, found, at),
            Reply::Joined(ticket, answer) => self.join_answered(ticket, answer, at),
            Reply::Synced(ticket, answer) => self.sync_answered(ticket, answer, at),
            Reply::Heartbeat(ticket, answer) => self.heartbeat_answered(ticket, answer, at),
            // Whatever the answer says, the member is out.
            Reply::Left(ticket, _) => self.left(ticket),
        }
        self.finish(at)
    }

    /// The owner wants another round, or back into the group after [`Self::step_out`]. Nothing changes if it is about
    /// to be asked for its metadata anyway; while a round is under way, one more follows.
    pub fn rejoin(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        match self.state {
            State::Asking(_) => {}
            State::Away => {
                self.state = State::Idle;
                self.want_rejoin(reason);
            }
            _ => self.want_rejoin(reason),
        }
        self.finish(at)
    }

    /// The assignment is of no use: another round, soon at first, later if that does not help.
    pub fn refuse_assignment(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        if matches!(self.state, State::Stable) {
            self.rejoin_now(reason.to_owned(), at);
        }
        self.finish(at)
    }

    /// When [`Self::on_time`] has something to do next, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Done | State::Away => return None,
            State::Withdrawing { until, .. } | State::Leaving(_, until) => return Some(*until),
            _ => {}
        }
        let join = self.could_join().then_some(self.retry_at);
        let deadlines = [
            self.coordinator.deadline(),
            join,
            self.pulse_deadline(),
            self.discovery_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Who this member is, and in which generation.
    pub fn epoch(&self) -> GroupEpoch {
        GroupEpoch {
            member_id: Arc::clone(&self.member_id),
            generation: self.generation,
            instance_id: self.settings.instance_id.clone(),
        }
    }

    /// Whether the last round is over and no other is wanted.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Stable) && self.rejoin.is_none()
    }

    /// Whether the last round is over and the next has not begun.
    pub(super) fn is_stable(&self) -> bool {
        matches!(self.state, State::Stable)
    }

    /// Whether the member left on its owner's wish, and waits for [`Self::rejoin`].
    pub fn is_away(&self) -> bool {
        matches!(self.state, State::Away)
    }

    /// Whether membership is over, or about to be.
    pub(super) fn is_ending(&self) -> bool {
        matches!(
            self.state,
            State::Withdrawing { .. } | State::Leaving(..) | State::Done
        )
    }

    /// Whether membership is over.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether the owner's answer to this question is still waited for.
    pub(super) fn asks(&self, ticket: Ticket) -> bool {
        match self.state {
            State::Asking(asked) | State::Electing(asked) => asked == ticket,
            _ => false,
        }
    }

    /// Ends the membership without a word to anyone.
    pub(super) fn end(&mut self) {
        self.state = State::Done;
        self.holds_assignment = false;
    }

    fn fail(&mut self, error: GroupError) {
        self.end();
        self.actions.push(Action::Fatal(error));
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// Every event ends here: starts what can be started now, and hands out what is to be done.
    fn finish(&mut self, at: Moment) -> Vec<Action> {
        self.look_for_coordinator(at);
        if self.could_join() && at.now >= self.retry_at {
            let ticket = self.ticket();
            self.state = State::Asking(ticket);
            self.actions.push(Action::AskOffers(ticket));
        }
        std::mem::take(&mut self.actions)
    }

    /// Asks for a join without changing one that is already asked for.
    fn want_rejoin(&mut self, reason: &str) {
        if self.rejoin.is_none() {
            self.rejoin = Some(reason.to_owned());
        }
    }

    /// Joins again at once, unless that failed too often in a row.
    fn rejoin_now(&mut self, reason: String, at: Moment) {
        if self.join_backoff.failures() < IMMEDIATE_REJOINS {
            let _ = self.join_backoff.next(at.random);
            self.rejoin = Some(reason);
            self.retry_at = at.now;
        } else {
            self.rejoin_later(reason, at);
        }
    }

    fn rejoin_later(&mut self, reason: String, at: Moment) {
        self.rejoin = Some(reason);
        self.retry_at = at.now.saturating_add(self.join_backoff.next(at.random));
    }

    /// The membership this member had is gone.
    fn reset(&mut self, cause: LossCause) {
        if cause == LossCause::UnknownMember {
            self.member_id = Arc::from("");
        }
        let was_member = self.generation != NO_GENERATION;
        self.generation = NO_GENERATION;
        self.pulse.forget_flight();
        self.state = State::Idle;
        self.want_rejoin(&cause.to_string());
        if was_member || self.holds_assignment {
            self.holds_assignment = false;
            self.actions.push(Action::Lost(cause));
        }
    }

    fn refused(&mut self, api: &'static str, code: ErrorCode, advice: &str) {
        let group = Arc::clone(&self.settings.group_id);
        let error = match (&self.settings.instance_id, code) {
            (Some(instance_id), ErrorCode::FENCED_INSTANCE_ID) => GroupError::Fenced {
                group,
                instance_id: Arc::clone(instance_id),
            },
            _ => GroupError::Refused {
                group,
                api,
                code: code.0,
                reason: format!("{code}{advice}"),
            },
        };
        self.fail(error);
    }

    fn unusable(&mut self, api: &'static str, reason: String) {
        let group = Arc::clone(&self.settings.group_id);
        self.fail(GroupError::Refused {
            group,
            api,
            code: ErrorCode::NONE.0,
            reason,
        });
    }
}

const NO_GENERATION: i32 = -1;

/// How many failed joins in a row are repeated at once before the member backs off.
const IMMEDIATE_REJOINS: u32 = 4;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod model;
#[cfg(test)]
mod simulation;
