//! The consumer's machine: which partitions it may read, and when it has to give them up.
//!
//! Free of IO: events come in with a [`Moment`], [`Action`]s go out, and [`Member::next_deadline`] says when to
//! call [`Member::on_time`]. The same machine runs behind a real connection and in a simulation. Being in the group
//! is the business of the [`CohortMember`] inside; this one turns topics into its metadata and its assignments into
//! partitions. In order of a life: `interest` (which topics), `offer` (what it joins with), `lead` (if elected),
//! `install` (what it gets), `poll` (whether the owner is alive).
//!
//! The owner's promise: it reads partitions only between [`Action::PartitionsAssigned`] and the
//! [`Action::AskRevoke`] or [`Action::PartitionsLost`] that names them.
//!
//! # Source
//! `ConsumerCoordinator.java`, KIP-62, KIP-429. Stricter than Java's in what the [`cohort`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::assignor::{Assignor, RebalanceProtocol};
use super::cohort::{self, Call, CohortMember, Moment, Reply, Ticket};
use super::{GroupEpoch, GroupError, MalformedBytes};
use crate::TopicPartition;
use interest::Interest;
use lead::{Leadership, Vote};

mod settings;
mod interest;
mod offer;
mod lead;
mod install;
mod poll;

pub use interest::{Subscription, TopicView, Watch};
pub use settings::MemberSettings;

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Keep metadata of these topics, and report it with [`Member::on_metadata`].
    Watch(Watch),
    /// Talk to the coordinator, then call [`Member::on_reply`].
    Call(Call),
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

/// One consumer's membership in one group.
#[derive(Debug)]
pub struct Member {
    settings: MemberSettings,
    protocol: RebalanceProtocol,
    interest: Interest,
    cohort: CohortMember,
    duty: Duty,
    /// The question for metadata that is not answered yet.
    asked: Option<Ticket>,
    /// The election that is not decided yet.
    vote: Option<Vote>,
    leadership: Option<Leadership>,
    /// The assignor of this generation.
    chosen: Option<Assignor>,
    /// The generation of the last assignment made by `cooperative-sticky`; it outlives a lost membership.
    sticky_generation: i32,
    owned: BTreeSet<TopicPartition>,
    /// When the owner counts as stuck.
    poll_until: Duration,
    actions: Vec<Action>,
}

/// What the owner was asked for and has not done yet.
#[derive(Debug)]
enum Duty {
    None,
    /// Gives up partitions before the member joins.
    Revoking(Ticket, BTreeSet<TopicPartition>),
    /// Gives up partitions that the new assignment, the second part, took away.
    Installing(Ticket, BTreeSet<TopicPartition>),
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
            cohort: CohortMember::new(settings.cohort())?,
            duty: Duty::None,
            asked: None,
            vote: None,
            leadership: None,
            chosen: None,
            sticky_generation: NO_GENERATION,
            owned: BTreeSet::new(),
            poll_until: Duration::ZERO,
            actions: Vec::new(),
            settings,
        })
    }

    /// Begins to join.
    pub fn on_start(&mut self, at: Moment) -> Vec<Action> {
        self.watch();
        let actions = self.cohort.on_start(at);
        self.absorb(actions, at);
        self.finish(at)
    }

    /// A deadline of [`Self::next_deadline`] may have passed. Calling it too often does no harm.
    pub fn on_time(&mut self, at: Moment) -> Vec<Action> {
        self.check_vote(at);
        self.check_poll(at);
        let actions = self.cohort.on_time(at);
        self.absorb(actions, at);
        self.finish(at)
    }

    /// A call ended.
    pub fn on_reply(&mut self, reply: Reply, at: Moment) -> Vec<Action> {
        if matches!(&reply, Reply::Joined(_, Ok(response)) if response.error_code == 0) {
            // The owner had no chance to poll while the group waited for its other members.
            self.extend_poll(at);
        }
        let actions = self.cohort.on_reply(reply, at);
        self.absorb(actions, at);
        self.finish(at)
    }

    /// The connection to the coordinator failed while nothing was under way on it.
    pub fn on_disconnected(&mut self, at: Moment) -> Vec<Action> {
        let actions = self.cohort.on_disconnected(at);
        self.absorb(actions, at);
        self.finish(at)
    }

    /// The owner is done with its partitions and offsets, and wants out. Ends with [`Action::Stopped`], at the
    /// latest after `request.timeout.ms`.
    pub fn on_stop(&mut self, reason: &str, at: Moment) -> Vec<Action> {
        self.owned.clear();
        self.duty = Duty::None;
        self.vote = None;
        let actions = self.cohort.stop(reason, at);
        self.absorb(actions, at);
        std::mem::take(&mut self.actions)
    }

    /// When [`Self::on_time`] has something to do next, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Duration> {
        let polling = self.cohort.is_in_group().then_some(self.poll_until);
        let vote = self.vote.as_ref().map(|vote| vote.until);
        [self.cohort.next_deadline(), polling, vote]
            .into_iter()
            .flatten()
            .min()
    }

    /// The proof of membership for an offset commit.
    pub fn epoch(&self) -> GroupEpoch {
        self.cohort.epoch()
    }

    /// What the owner may read.
    pub fn owned(&self) -> &BTreeSet<TopicPartition> {
        &self.owned
    }

    /// Whether the member has an assignment and wants no other.
    pub fn is_settled(&self) -> bool {
        self.cohort.is_settled() && matches!(self.duty, Duty::None)
    }

    /// Whether membership is over.
    pub fn is_done(&self) -> bool {
        self.cohort.is_done()
    }

    /// Whether the member left because its owner stopped polling, and waits for it to poll again.
    pub fn is_stalled(&self) -> bool {
        self.cohort.is_away()
    }

    /// Whether this member led the group's last rebalance.
    pub fn is_leader(&self) -> bool {
        self.leadership.is_some()
    }

    /// Every event ends here: looks what follows from it, and hands out what is to be done.
    fn finish(&mut self, at: Moment) -> Vec<Action> {
        self.notice_changes(at);
        self.prepare_join(at);
        std::mem::take(&mut self.actions)
    }

    /// Does what the member inside wants, as far as that is not the driver's.
    fn absorb(&mut self, actions: Vec<cohort::Action>, at: Moment) {
        for action in actions {
            match action {
                cohort::Action::Call(call) => self.actions.push(Action::Call(call)),
                cohort::Action::AskOffers(ticket) => self.asked = Some(ticket),
                cohort::Action::AskAssignments(ticket, election) => {
                    self.elected(ticket, election, at);
                }
                cohort::Action::Assigned(assignment) => self.assigned(&assignment, at),
                cohort::Action::Lost(cause) => self.lose(&cause.to_string()),
                cohort::Action::Fatal(error) => {
                    self.lose(&error.to_string());
                    self.actions.push(Action::Fatal(error));
                }
                cohort::Action::Stopped => self.actions.push(Action::Stopped),
            }
        }
    }

    /// Has the member inside join again.
    fn rejoin(&mut self, reason: &str, at: Moment) {
        let actions = self.cohort.rejoin(reason, at);
        self.absorb(actions, at);
    }

    /// The membership is gone, and what belongs to it.
    fn lose(&mut self, cause: &str) {
        self.duty = Duty::None;
        self.vote = None;
        self.leadership = None;
        self.chosen = None;
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
        self.cohort.end();
        self.actions.push(Action::Fatal(error));
    }

    fn counts(&self, topics: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, i32> {
        self.interest.counts(topics)
    }
}

const NO_GENERATION: i32 = -1;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod simulation;
