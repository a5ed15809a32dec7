//! The end of a round: an assignment is taken on, or cannot be for now, and work is given up.
//!
//! # Source
//! `DistributedHerder.handleRebalanceCompleted`, `startWork` and `backoff`

use std::sync::Arc;
use std::time::Duration;

use super::{BACKOFFS, Group, Stage};
use crate::herder::machine::writes::Then;
use crate::herder::machine::{Action, HerderMachine, Moment};
use crate::membership::protocol::Assignment;

impl HerderMachine {
    /// Takes on an assignment, of which what was revoked has ended.
    pub(super) fn install(&mut self, given: Assignment, at: Moment) {
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
            tracing::warn!("Catching up to assignment's config offset.");
            member.stage = Stage::CatchingUp {
                until: at.now + member.rules.sync_timeout,
                rejoins: has_failed,
            };
            let ticket = self.ticket(Then::CaughtUp);
            return self.actions.push(Action::ReadConfig(ticket));
        }
        if has_failed {
            return self.rejoin("the assignment failed");
        }
        self.settle(false, at);
    }

    /// Begins what was assigned, if it was assigned by what this worker knows.
    pub(super) fn settle(&mut self, has_read: bool, at: Moment) {
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
        tracing::info!("Finished starting connectors and tasks");
        if gave_up {
            self.rejoin("what was revoked has stopped");
        } else if has_strays {
            self.rejoin("somebody has what is not configured");
        }
    }

    /// The config topic could not be read in time: the worker stays out for a while, and in the end without its work.
    pub(super) fn back_off(&mut self, at: Moment) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        let wait = match (member.current.is_cooperative(), member.backoffs_left) {
            (false, _) => member.rules.unsync_backoff,
            (true, 0) => {
                member.backoffs_left = BACKOFFS;
                self.give_up("the config topic could not be read", at);
                Duration::ZERO
            }
            (true, left) => {
                member.backoffs_left -= 1;
                member.rules.rebalance_delay_max / 10 / left
            }
        };
        if let Group::Member(member) = &mut self.group {
            member.member_id = Arc::from("");
            member.owners = None;
            member.is_rejoining = false;
            member.stage = Stage::Away {
                until: at.now + wait,
            };
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

    /// Whether this worker may join: others may be given at once what it does not say to have.
    pub(super) fn has_yielded(&self) -> bool {
        match self.group.is_cooperative() {
            true => !self.work.is_any_leaving(),
            false => self.work.is_over(),
        }
    }

    pub(super) fn is_any_alive(&self, given: &Assignment) -> bool {
        let mut connectors = given.revoked_connectors.iter();
        let mut tasks = given.revoked_tasks.iter();
        connectors.any(|name| self.work.is_connector_alive(name))
            || tasks.any(|id| self.work.is_task_alive(id))
    }
}
