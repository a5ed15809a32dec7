//! The member machine: what a consumer says to its coordinator, and when its owner may read which partitions.
//!
//! Free of IO: events come in with a [`Moment`], [`Action`]s go out, and [`Member::next_deadline`] says when to
//! call [`Member::on_time`]. The same machine runs behind a real connection and in a simulation. In order of a
//! life: `interest` (which topics), `coordinator` (where), `join`, `lead` (if elected), `sync`,
//! `heartbeat`, `leave`.
//!
//! The owner's promise: it reads partitions only between [`Action::PartitionsAssigned`] and the
//! [`Action::AskRevoke`] or [`Action::PartitionsLost`] that names them.
//!
//! # Source
//! `AbstractCoordinator.java`, `ConsumerCoordinator.java`, `Heartbeat.java`. Two things are stricter here: partitions
//! count as lost as soon as the member's own clock says that its session is over, and refusals that Java answers
//! with an immediate rejoin are backed off from after a few in a row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};

use super::assignor::{Assignor, GroupMember, RebalanceProtocol};
use super::{GroupEpoch, GroupError, MalformedBytes};
use crate::TopicPartition;
use crate::net::backoff::Backoff;
use crate::wire::ErrorCode;
use coordinator::Coordinator;
use heartbeat::Pulse;
use interest::Interest;
use lead::Leadership;

mod settings;
mod interest;
mod coordinator;
mod join;
mod lead;
mod sync;
mod heartbeat;
mod leave;

pub use interest::{Subscription, TopicView, Watch};
pub use settings::MemberSettings;

/// When something happened. Machines have no clock and no dice of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Time since any fixed point.
    pub now: Duration,
    /// Evenly spread over 0 to 1; stretches waits so that members do not act in step.
    pub random: f64,
}

/// Ties an answer to its question. Answers to questions that no longer matter are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Keep metadata of these topics, and report it with [`Member::on_metadata`].
    Watch(Watch),
    /// Find the group's coordinator, then call [`Member::on_coordinator`].
    FindCoordinator(Ticket),
    /// The coordinator known so far is of no use.
    ForgetCoordinator,
    /// Send, wait up to `timeout` (longer than usual: the coordinator waits for all members), then call
    /// [`Member::on_joined`].
    SendJoin {
        /// Goes back with the answer.
        ticket: Ticket,
        /// The request.
        request: JoinGroupRequest,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// Send, then call [`Member::on_synced`].
    SendSync(Ticket, SyncGroupRequest),
    /// Send, then call [`Member::on_heartbeat`].
    SendHeartbeat(Ticket, HeartbeatRequest),
    /// Send, then call [`Member::on_left`]. A member that left because its owner stalled ignores the answer.
    SendLeave(Ticket, LeaveGroupRequest),
    /// The owner is to finish with these partitions and commit their offsets; then call
    /// [`Member::on_revoked_done`]. Heartbeats go on meanwhile.
    AskRevoke(Ticket, BTreeSet<TopicPartition>),
    /// The owner may read `all`, of which `added` are new. Comes with every generation, even if nothing is new.
    PartitionsAssigned {
        /// Everything this member owns.
        all: BTreeSet<TopicPartition>,
        /// What it did not own before.
        added: BTreeSet<TopicPartition>,
        /// The proof of membership for commits.
        epoch: GroupEpoch,
    },
    /// The partitions may belong to someone else by now: stop at once, offsets cannot be committed any more. A
    /// revocation under way is over with it.
    PartitionsLost {
        /// What was owned.
        partitions: BTreeSet<TopicPartition>,
        /// Why, for the log.
        cause: String,
    },
    /// The leader could not read what a member wrote; the member gets no partitions.
    MalformedMember {
        /// The member.
        member_id: Arc<str>,
        /// What is wrong.
        error: MalformedBytes,
    },
    /// Membership is over for a reason that does not heal.
    Fatal(GroupError),
    /// Membership is over because the owner wanted it so.
    Stopped,
}

/// Why there is no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// The connection failed, or the answer did not come in time.
    Lost,
    /// The lookup of the coordinator was refused.
    Refused(ErrorCode),
    /// The broker cannot serve this client at all.
    Unusable(String),
}

/// One consumer's membership in one group.
#[derive(Debug)]
pub struct Member {
    settings: MemberSettings,
    protocol: RebalanceProtocol,
    interest: Interest,
    coordinator: Coordinator,
    state: State,
    member_id: Arc<str>,
    generation: i32,
    /// The assignor of this generation.
    chosen: Option<Assignor>,
    /// The generation of the last assignment made by `cooperative-sticky`; it outlives a lost membership.
    sticky_generation: i32,
    owned: BTreeSet<TopicPartition>,
    /// Why this member has to join (again); `None` while it does not.
    rejoin: Option<String>,
    retry_at: Duration,
    join_backoff: Backoff,
    leadership: Option<Leadership>,
    pulse: Pulse,
    last_ticket: u64,
    actions: Vec<Action>,
}

#[derive(Debug)]
enum State {
    /// Between two attempts, or before the first.
    Idle,
    /// The owner gives up partitions before the member joins.
    Revoking(Ticket, BTreeSet<TopicPartition>),
    Joining(Ticket),
    /// Elected leader, but metadata of some member's topics is missing.
    Electing {
        members: Vec<GroupMember>,
        until: Duration,
    },
    Syncing(Ticket, Duration),
    /// The owner gives up partitions that the new assignment took away.
    Installing(Ticket, BTreeSet<TopicPartition>),
    Stable,
    /// Left because the owner stopped polling; joins again when it polls.
    Stalled,
    Leaving(Ticket, Duration),
    Done,
}

impl Member {
    /// A member that has not joined. Call [`Self::on_start`] first.
    ///
    /// # Errors
    /// [`GroupError::Settings`] when the settings contradict each other.
    pub fn new(settings: MemberSettings, subscription: Subscription) -> Result<Self, GroupError> {
        settings.check()?;
        Ok(Self {
            protocol: Assignor::common_protocol(&settings.assignors),
            interest: Interest::new(subscription),
            coordinator: Coordinator::new(&settings),
            state: State::Idle,
            member_id: Arc::from(""),
            generation: NO_GENERATION,
            chosen: None,
            sticky_generation: NO_GENERATION,
            owned: BTreeSet::new(),
            rejoin: Some(String::new()),
            retry_at: Duration::ZERO,
            join_backoff: settings.backoff(),
            leadership: None,
            pulse: Pulse::new(&settings),
            last_ticket: 0,
            actions: Vec::new(),
            settings,
        })
    }

    /// Begins to join.
    pub fn on_start(&mut self, at: Moment) -> Vec<Action> {
        self.watch();
        self.finish(at)
    }

    /// A deadline of [`Self::next_deadline`] may have passed. Calling it too often does no harm.
    pub fn on_time(&mut self, at: Moment) -> Vec<Action> {
        self.check_leave(at);
        self.check_election(at);
        self.check_pulse(at);
        self.finish(at)
    }

    /// When [`Self::on_time`] has something to do next, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Done | State::Stalled => return None,
            State::Leaving(_, until) => return Some(*until),
            _ => {}
        }
        let election = match &self.state {
            State::Electing { until, .. } => Some(*until),
            _ => None,
        };
        let join = self.could_join().then_some(self.retry_at);
        [
            self.coordinator.deadline(),
            election,
            join,
            self.pulse_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The proof of membership for an offset commit.
    pub fn epoch(&self) -> GroupEpoch {
        GroupEpoch {
            member_id: Arc::clone(&self.member_id),
            generation: self.generation,
            instance_id: self.settings.instance_id.clone(),
        }
    }

    /// What the owner may read.
    pub fn owned(&self) -> &BTreeSet<TopicPartition> {
        &self.owned
    }

    /// Whether the member has an assignment and wants no other.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Stable) && self.rejoin.is_none()
    }

    /// Whether membership is over.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether the member left because its owner stopped polling, and waits for it to poll again.
    pub fn is_stalled(&self) -> bool {
        matches!(self.state, State::Stalled)
    }

    /// Whether this member led the group's last rebalance.
    pub fn is_leader(&self) -> bool {
        self.leadership.is_some()
    }

    /// Every event ends here: starts what can be started now, and hands out what is to be done.
    fn finish(&mut self, at: Moment) -> Vec<Action> {
        self.notice_changes();
        self.look_for_coordinator(at);
        if self.could_join() && at.now >= self.retry_at {
            self.prepare_join();
        }
        std::mem::take(&mut self.actions)
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
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

    /// The membership this member had is gone, and its partitions with it.
    fn reset(&mut self, keep_member_id: bool, cause: &str) {
        if !keep_member_id {
            self.member_id = Arc::from("");
        }
        self.generation = NO_GENERATION;
        self.chosen = None;
        self.leadership = None;
        self.pulse.forget_flight();
        self.state = State::Idle;
        self.want_rejoin(cause);
        self.lose(cause);
    }

    fn lose(&mut self, cause: &str) {
        let partitions = std::mem::take(&mut self.owned);
        if !partitions.is_empty() {
            self.actions.push(Action::PartitionsLost {
                partitions,
                cause: cause.to_owned(),
            });
        }
    }

    fn fail(&mut self, error: GroupError) {
        self.lose(&error.to_string());
        self.state = State::Done;
        self.actions.push(Action::Fatal(error));
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

    fn counts(&self, topics: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, i32> {
        self.interest.counts(topics)
    }
}

const NO_GENERATION: i32 = -1;

/// How many failed joins in a row are repeated at once before the member backs off.
const IMMEDIATE_REJOINS: u32 = 4;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod simulation;
