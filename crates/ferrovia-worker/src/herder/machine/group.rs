//! Membership: how this worker joins its group, what it may hold, and when it has to join again.
//!
//! # Source
//! `WorkerCoordinator`, and `DistributedHerder.handleRebalanceCompleted`, `readConfigToEnd` and `backoff`

mod round;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::group::cohort::{Assignment as Given, LossCause, Offer};

use super::rules::{ClusterRules, Rules};
use super::writes::Then;
use super::{Action, HerderMachine, Moment, Ticket};
use crate::membership::assignor::CooperativeAssignor;
use crate::membership::protocol::{Assignment, ConnectProtocol, WorkerState};
use crate::status::TaskId;
use crate::storage::config::ConfigSnapshot;

/// How often a worker tries to read the config topic before it gives its work up.
///
/// # Source
/// `DistributedHerder.BACKOFF_RETRIES`
const BACKOFFS: u32 = 5;

/// This worker's place among others.
#[derive(Debug)]
pub(super) enum Group {
    /// There are no others.
    Alone,
    Member(Box<Member>),
}

/// A worker of a cluster.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) rules: ClusterRules,
    /// The protocol that the group works by.
    pub(super) current: ConnectProtocol,
    /// This member's id; empty while it is in no generation.
    member_id: Arc<str>,
    /// The last generation that this member has got an assignment in.
    pub(super) generation: i32,
    /// What this member holds by the last round.
    assignment: Option<Assignment>,
    /// Where what runs, as long as this member leads and has not been asked to join again.
    pub(super) owners: Option<Owners>,
    pub(super) assignor: CooperativeAssignor,
    stage: Stage,
    /// When the leader wants another round.
    scheduled: Option<Duration>,
    backoffs_left: u32,
    /// Whether another round was asked for that has not begun.
    is_rejoining: bool,
    /// Whether the group waits for this member to join, which has to stop something first.
    are_offers_due: bool,
    /// The config offset behind the last record that called for a rebalance.
    pub(super) news_offset: i64,
    has_settled_once: bool,
    pub(super) key: KeyState,
    /// When the session key expires, as far as this leader knows.
    pub(super) next_key_look: Option<Duration>,
}

/// Whether a new session key is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    Known,
    Making,
    /// The last attempt failed; not before this time again.
    Failed(Duration),
}

/// The REST addresses of those who run what.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub(super) connectors: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) tasks: BTreeMap<TaskId, Arc<str>>,
}

#[derive(Debug)]
enum Stage {
    /// Not asked to join yet, or waiting for the others.
    Joining,
    /// What may be given to others in the next round ends: everything, or what this worker has given up.
    Yielding { is_flushing: bool },
    /// What was revoked ends.
    Revoking {
        given: Assignment,
        is_flushing: bool,
    },
    /// The assignment knows more of the config topic than this worker.
    CatchingUp { until: Duration, rejoins: bool },
    /// Out of the group, because the config topic could not be read.
    Away { until: Duration },
    /// Out of the group, and reading.
    Reading { until: Duration },
    /// Everything that was assigned has been begun.
    Settled,
}

impl Group {
    pub(super) fn new(rules: &Rules) -> Self {
        let Some(rules) = rules.cluster.clone() else {
            return Self::Alone;
        };
        Self::Member(Box::new(Member {
            current: rules.protocol,
            member_id: Arc::from(""),
            generation: -1,
            assignment: None,
            owners: None,
            assignor: CooperativeAssignor::new(rules.rebalance_delay_max),
            stage: Stage::Joining,
            scheduled: None,
            backoffs_left: BACKOFFS,
            is_rejoining: false,
            are_offers_due: false,
            news_offset: ConfigSnapshot::NO_OFFSET,
            has_settled_once: false,
            key: KeyState::Known,
            next_key_look: None,
            rules,
        }))
    }

    pub(super) fn has_settled_once(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.has_settled_once,
        }
    }

    pub(super) fn is_cooperative(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.current.is_cooperative(),
        }
    }

    /// The generation that statuses carry.
    pub(super) fn generation(&self) -> i32 {
        match self {
            Self::Alone => 0,
            Self::Member(member) => member.generation,
        }
    }

    pub(super) fn is_leader(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Member(member) => member.is_leader(),
        }
    }

    pub(super) fn key_written(&mut self) {
        if let Self::Member(member) = self {
            member.key = KeyState::Known;
        }
    }

    pub(super) fn leader_url(&self) -> Option<Arc<str>> {
        let Self::Member(member) = self else {
            return None;
        };
        let assignment = member.assignment.as_ref()?;
        Some(&assignment.leader_url)
            .filter(|url| !url.is_empty())
            .cloned()
    }

    pub(super) fn owner_of_connector(&self, name: &str) -> Option<Arc<str>> {
        self.owners()?.connectors.get(name).cloned()
    }

    pub(super) fn owner_of_task(&self, id: &TaskId) -> Option<Arc<str>> {
        self.owners()?.tasks.get(id).cloned()
    }

    fn owners(&self) -> Option<&Owners> {
        match self {
            Self::Alone => None,
            Self::Member(member) => member.owners.as_ref(),
        }
    }
}

impl Member {
    fn is_leader(&self) -> bool {
        let leader = self.assignment.as_ref().map(|held| &held.leader);
        !self.member_id.is_empty() && leader == Some(&self.member_id)
    }

    /// Whether this member leads and has left somebody what is not configured any more. A leader that has not seen the
    /// last round, or saw one in which configurations did not match, takes nothing away as deleted (Java's leader stops
    /// there); in the next round it does.
    fn has_strays(&self, config: &ConfigSnapshot) -> bool {
        let Some(owners) = self.owners.as_ref().filter(|_| self.is_leader()) else {
            return false;
        };
        let mut connectors = owners.connectors.keys();
        let mut tasks = owners.tasks.keys();
        connectors.any(|name| !config.contains(name)) || tasks.any(|id| !config.has_task(id))
    }

    fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Settled) && !self.is_rejoining
    }
}

impl HerderMachine {
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.group, Group::Alone)
    }

    /// Whether it is known who leads and who has what, and nothing is about to change it.
    pub(super) fn is_settled(&self) -> bool {
        let settled = match &self.group {
            Group::Alone => true,
            Group::Member(member) => member.is_settled(),
        };
        settled && self.needs_rebalance.is_none()
    }

    /// The group wants to know with what this worker joins.
    pub fn on_offers_wanted(&mut self, at: Moment) -> Vec<Action> {
        let has_yielded = self.has_yielded();
        if let Group::Member(member) = &mut self.group {
            member.is_rejoining = false;
            member.owners = None;
            let waits = matches!(
                member.stage,
                Stage::Yielding { .. } | Stage::Revoking { .. }
            );
            let is_cooperative = member.current.is_cooperative();
            if waits {
                member.are_offers_due = true;
            } else if has_yielded {
                self.offer();
            } else {
                member.stage = Stage::Yielding { is_flushing: false };
                if !is_cooperative {
                    self.follow(&[], &[], at);
                }
            }
        }
        self.finish(at)
    }

    /// A round is over.
    pub fn on_assigned(&mut self, given: &Given, at: Moment) -> Vec<Action> {
        let protocol = ConnectProtocol::from_name(&given.protocol);
        let read = Assignment::from_bytes(&given.bytes);
        let mut revoked = (Vec::new(), Vec::new());
        if let Group::Member(member) = &mut self.group {
            member.generation = given.generation;
            member.member_id = Arc::clone(&given.member_id);
            member.current = protocol.unwrap_or(member.current);
            match read {
                Ok(read) => {
                    tracing::info!(
                        "Joined group at generation {} with protocol version {} and got assignment: {read:?} with \
                         rebalance delay: {}",
                        given.generation,
                        member.current.version(),
                        read.delay_ms
                    );
                    if member.current.is_cooperative() {
                        revoked = (read.revoked_connectors.clone(), read.revoked_tasks.clone());
                    }
                    member.stage = Stage::Revoking {
                        given: read,
                        is_flushing: false,
                    };
                }
                Err(error) => {
                    tracing::error!("The leader sent an assignment that cannot be read: {error}");
                    member.stage = Stage::Joining;
                    self.rejoin("the assignment could not be read");
                }
            }
        }
        for id in &revoked.1 {
            let work = self.work.stop_task(id, at.now);
            self.do_work(work);
        }
        for name in &revoked.0 {
            let work = self.work.stop_connector(name, at.now);
            self.do_work(work);
        }
        self.finish(at)
    }

    /// The group goes on without this member, which joins again by itself.
    pub fn on_lost(&mut self, cause: &LossCause, at: Moment) -> Vec<Action> {
        tracing::warn!("This worker is no member of its group any more: {cause}");
        let is_unreachable = matches!(cause, LossCause::CoordinatorUnreachable(_));
        if let Group::Member(member) = &mut self.group {
            member.member_id = Arc::from("");
            member.owners = None;
            member.is_rejoining = false;
            member.are_offers_due = false;
            member.stage = Stage::Joining;
            if is_unreachable {
                self.give_up("the group's coordinator is unreachable", at);
            }
        }
        self.finish(at)
    }

    /// The config topic was read to its end.
    pub fn on_read_to_end(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        let is_ours = matches!(self.pending.remove(&ticket), Some(Then::CaughtUp));
        if let (true, Group::Member(member)) = (is_ours, &mut self.group) {
            match member.stage {
                Stage::CatchingUp { rejoins, .. } => {
                    member.backoffs_left = BACKOFFS;
                    if rejoins {
                        self.rejoin("the assignment failed");
                    } else {
                        self.settle(true, at);
                    }
                }
                Stage::Reading { .. } => {
                    member.backoffs_left = BACKOFFS;
                    member.stage = Stage::Joining;
                    self.rejoin("the config topic was read");
                }
                _ => {}
            }
        }
        self.finish(at)
    }

    /// All statuses so far are written.
    pub fn on_statuses_flushed(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        let then = self.pending.remove(&ticket);
        if let Group::Member(member) = &mut self.group {
            let stage = std::mem::replace(&mut member.stage, Stage::Joining);
            match (then, stage) {
                (Some(Then::Yielded), Stage::Yielding { .. }) => {
                    if !member.current.is_cooperative() {
                        member.assignment = None;
                    }
                    self.offer();
                }
                (Some(Then::Revoked), Stage::Revoking { given, .. }) => self.install(given, at),
                (_, stage) => member.stage = stage,
            }
        }
        self.finish(at)
    }

    /// Whatever had to end before the group can go on may have ended.
    pub(super) fn advance_group(&mut self) {
        let Group::Member(member) = &self.group else {
            return;
        };
        let then = match &member.stage {
            Stage::Yielding { is_flushing: false } if self.has_yielded() => Then::Yielded,
            Stage::Revoking {
                given,
                is_flushing: false,
            } if !self.is_any_alive(given) => Then::Revoked,
            _ => return,
        };
        let ticket = self.ticket(then);
        self.actions.push(Action::FlushStatuses(ticket));
        if let Group::Member(member) = &mut self.group
            && let Stage::Yielding { is_flushing } | Stage::Revoking { is_flushing, .. } =
                &mut member.stage
        {
            *is_flushing = true;
        }
    }

    pub(super) fn check_group(&mut self, at: Moment) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        if member
            .scheduled
            .is_some_and(|scheduled| scheduled <= at.now)
        {
            member.scheduled = None;
            self.rejoin("the scheduled rebalance is due");
        }
        let Group::Member(member) = &mut self.group else {
            return;
        };
        match member.stage {
            Stage::CatchingUp { until, .. } | Stage::Reading { until } if until <= at.now => {
                self.actions
                    .push(Action::StepOut("taking too long to read the log".into()));
                self.back_off(at);
            }
            Stage::Away { until } if until <= at.now => {
                let until = at.now + member.rules.sync_timeout;
                member.stage = Stage::Reading { until };
                let ticket = self.ticket(Then::CaughtUp);
                self.actions.push(Action::ReadConfig(ticket));
            }
            _ => {}
        }
    }

    pub(super) fn group_deadline(&self) -> Option<Duration> {
        let Group::Member(member) = &self.group else {
            return None;
        };
        let stage = match member.stage {
            Stage::CatchingUp { until, .. } | Stage::Away { until } | Stage::Reading { until } => {
                Some(until)
            }
            _ => None,
        };
        [stage, member.scheduled, self.key_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// A record was read that changes who may have what.
    pub(super) fn want_rebalance(&mut self, reason: &'static str, offset: i64) {
        self.needs_rebalance = Some(reason);
        if let Group::Member(member) = &mut self.group {
            member.news_offset = offset.saturating_add(1);
        }
    }

    /// Has what runs shared out anew if that is needed.
    pub(super) fn share_out(&mut self, at: Moment) {
        let Some(reason) = self.needs_rebalance.take() else {
            return;
        };
        match &self.group {
            Group::Alone => self.follow_config(at),
            Group::Member(member) => {
                if !matches!(member.stage, Stage::Away { .. } | Stage::Reading { .. }) {
                    self.rejoin(reason);
                }
            }
        }
    }

    fn rejoin(&mut self, reason: &str) {
        if let Group::Member(member) = &mut self.group {
            member.is_rejoining = true;
            self.actions.push(Action::Rejoin(reason.to_owned()));
        }
    }

    /// Joins with what this worker holds and knows.
    fn offer(&mut self) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        member.stage = Stage::Joining;
        member.are_offers_due = false;
        // A wish for a round that came while something had to stop first is met by this one.
        member.is_rejoining = false;
        let state = WorkerState {
            url: Arc::clone(&member.rules.url),
            config_offset: self.config.snapshot().offset(),
            assignment: member.assignment.clone(),
        };
        match member.rules.protocol.metadata(&state) {
            Ok(offers) => {
                let offer = |(protocol, metadata): (&str, _)| Offer {
                    protocol: protocol.into(),
                    metadata,
                };
                let offers = offers.into_iter().map(offer).collect();
                self.actions.push(Action::Offer(offers));
            }
            // A name that fits into a topic's record fits into the metadata, so this is a fault of this worker.
            Err(error) => {
                let text = format!("this worker cannot say what it holds: {error}");
                self.actions.push(Action::Fail(text));
            }
        }
    }
}
