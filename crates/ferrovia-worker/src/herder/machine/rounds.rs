//! The group's rounds: joining, what is given and taken, and when to join again.
//!
//! # Source
//! `WorkerCoordinator.onJoinPrepare` and `onJoinComplete`; `DistributedHerder.handleRebalanceCompleted`

use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::group::cohort::{Assignment as Given, LossCause, Offer};

use super::group::{Group, Stage};
use super::writes::Then;
use super::{Action, HerderMachine, Moment, Phase, Ticket};
use crate::membership::protocol::{Assignment, ConnectProtocol, WorkerState};

impl HerderMachine {
    /// The group wants to know with what this worker joins. One that ends leaves it instead.
    pub fn on_offers_wanted(&mut self, at: Moment) -> Vec<Action> {
        let is_ending = self.phase >= Phase::Stopping;
        let has_yielded = self.has_yielded();
        if let Group::Member(member) = &mut self.group
            && !is_ending
            && !member.is_out()
        {
            member.owners = None;
            let is_cooperative = member.current.is_cooperative();
            let waits = matches!(
                member.stage,
                Stage::Yielding { .. } | Stage::Revoking { .. }
            );
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
        let read = Assignment::from_bytes(&given.bytes);
        if let Group::Member(member) = &mut self.group
            && !member.is_out()
        {
            member.generation = given.generation;
            member.member_id = Arc::clone(&given.member_id);
            let protocol = ConnectProtocol::from_name(&given.protocol);
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
                    if member.current.is_cooperative() && read.revokes() {
                        self.revoke(read, at);
                    } else {
                        self.install(read, at);
                    }
                }
                Err(error) => {
                    tracing::error!("The leader sent an assignment that cannot be read: {error}");
                    member.stage = Stage::Joining;
                    self.rejoin("the assignment could not be read");
                }
            }
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
            // Who has left comes back by itself, and is asked for nothing until then.
            if !member.is_out() {
                member.stage = Stage::Joining;
            }
            if is_unreachable {
                self.give_up("the group's coordinator is unreachable", at);
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
                if !member.is_out() {
                    self.rejoin(reason);
                }
            }
        }
    }

    pub(super) fn rejoin(&mut self, reason: &str) {
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
        // Whatever another round was asked for meanwhile, this one knows.
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

    /// Ends what is revoked; the assignment is taken on when that has ended.
    fn revoke(&mut self, given: Assignment, at: Moment) {
        let (connectors, tasks) = (
            given.revoked_connectors.clone(),
            given.revoked_tasks.clone(),
        );
        if let Group::Member(member) = &mut self.group {
            member.stage = Stage::Revoking {
                given,
                is_flushing: false,
            };
        }
        for id in &tasks {
            let work = self.work.stop_task(id, at.now);
            self.do_work(work);
        }
        for name in &connectors {
            self.named.forget(name);
            let work = self.work.stop_connector(name, at.now);
            self.do_work(work);
        }
    }

    /// Takes on an assignment, of which what was revoked has ended.
    fn install(&mut self, given: Assignment, at: Moment) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        let held = match member.assignment.take() {
            Some(before) if member.current.is_cooperative() => given.after(&before),
            _ => given,
        };
        let delay = u64::try_from(held.delay_ms).unwrap_or_default();
        member.scheduled = (delay > 0).then(|| at.now + Duration::from_millis(delay));
        let is_behind = self.config.snapshot().offset() < held.config_offset;
        let has_failed = held.failed();
        member.assignment = Some(held);
        let is_leader = member.is_leader();
        self.has_orphans |= is_leader;
        if member.are_offers_due {
            return self.offer();
        }
        if is_behind || (has_failed && is_leader) {
            return self.catch_up(has_failed, at);
        }
        if has_failed {
            return self.rejoin("the assignment failed");
        }
        self.settle(false, at);
    }

    /// Begins what was assigned, if it was assigned by what this worker knows. A worker that ends begins nothing.
    pub(super) fn settle(&mut self, has_read: bool, at: Moment) {
        if self.phase >= Phase::Stopping {
            return;
        }
        let Group::Member(member) = &mut self.group else {
            return;
        };
        let Some(held) = &mut member.assignment else {
            return;
        };
        let known = self.config.snapshot().offset();
        let is_old = member.news_offset > held.config_offset;
        if is_old || (has_read && known < held.config_offset) {
            tracing::info!(
                "Current config state offset {known} does not match group assignment {}. Forcing rebalance.",
                held.config_offset
            );
            member.stage = Stage::Joining;
            return self.rejoin("the configuration has changed");
        }
        let has_strays = member.has_strays(&self.config.snapshot());
        let Some(held) = &mut member.assignment else {
            return;
        };
        let gave_up = held.revokes();
        held.revoked_connectors.clear();
        held.revoked_tasks.clear();
        let (connectors, tasks) = (held.connectors.clone(), held.tasks.clone());
        tracing::info!(
            "Starting connectors and tasks using config offset {}",
            held.config_offset
        );
        member.stage = Stage::Settled;
        member.has_settled_once = true;
        self.follow(&connectors, &tasks, at);
        self.tell_what_was_kept();
        tracing::info!("Finished starting connectors and tasks");
        if gave_up {
            self.rejoin("what was revoked has stopped");
        } else if has_strays {
            self.rejoin("somebody has what is not configured");
        }
    }

    /// Stops everything, because others may have it by now.
    pub(super) fn give_up(&mut self, reason: &str, at: Moment) {
        if let Group::Member(member) = &mut self.group
            && member.assignment.take().is_some()
        {
            tracing::info!("Revoking everything that was assigned, because {reason}");
            self.follow(&[], &[], at);
        }
    }

    /// Whether this worker may join: others may be given at once what it does not say to have. What has failed is given up
    /// as well, or new settings would begin it again.
    fn has_yielded(&self) -> bool {
        match self.group.is_cooperative() {
            true => !self.work.is_any_leaving(),
            false => {
                let holds = !self.work.connectors().is_empty() || !self.work.tasks().is_empty();
                !holds && self.work.is_over()
            }
        }
    }

    fn is_any_alive(&self, given: &Assignment) -> bool {
        let mut connectors = given.revoked_connectors.iter();
        let mut tasks = given.revoked_tasks.iter();
        connectors.any(|name| self.work.is_connector_alive(name))
            || tasks.any(|id| self.work.is_task_alive(id))
    }
}
