//! Knowing as much of the configuration as the group does, and what happens to a worker that cannot.
//!
//! # Source
//! `DistributedHerder.readConfigToEnd` and `backoff`

use std::sync::Arc;
use std::time::Duration;

use super::group::{BACKOFFS, Group, Stage};
use super::writes::Then;
use super::{Action, HerderMachine, Moment, Ticket};

impl HerderMachine {
    /// The config topic was read to its end.
    pub fn on_read_to_end(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        let then = self.pending.remove(&ticket);
        if let Some(Then::Fencing(awaited)) = then {
            self.fencing_goes_on(awaited);
            return self.finish(at);
        }
        let is_ours = matches!(then, Some(Then::CaughtUp));
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

    /// Reads the config topic to where the leader has read it. `rejoins` says what follows.
    pub(super) fn catch_up(&mut self, rejoins: bool, at: Moment) {
        let Group::Member(member) = &mut self.group else {
            return;
        };
        tracing::warn!("Catching up to assignment's config offset.");
        member.stage = Stage::CatchingUp {
            until: at.now + member.rules.sync_timeout,
            rejoins,
        };
        let ticket = self.ticket(Then::CaughtUp);
        self.actions.push(Action::ReadConfig(ticket));
    }

    /// The config topic could not be read in time: the worker stays out for a while, and in the end without its work.
    fn back_off(&mut self, at: Moment) {
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
}
