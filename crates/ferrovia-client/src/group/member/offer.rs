//! What a consumer joins with, and what it gives up before.
//!
//! # Source
//! `ConsumerCoordinator.onJoinPrepare` and `metadata`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Action, Duty, Member, Moment, Ticket};
use crate::TopicPartition;
use crate::group::cohort::Offer;
use crate::group::{Assignor, MemberSubscription, RebalanceProtocol};

impl Member {
    /// The owner is done with the partitions it was asked to give up.
    pub fn on_revoked_done(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        match &mut self.duty {
            Duty::Revoking(asked, revoked) if *asked == ticket => {
                self.owned.retain(|partition| !revoked.contains(partition));
                self.duty = Duty::None;
            }
            Duty::Installing(asked, assigned) if *asked == ticket => {
                let assigned = std::mem::take(assigned);
                self.install(assigned);
                self.rejoin("need to revoke partitions and re-join", at);
            }
            _ => {}
        }
        self.finish(at)
    }

    /// Answers the question for metadata, once topics are known and the owner gave up what the protocol demands.
    pub(super) fn prepare_join(&mut self, at: Moment) {
        if !matches!(self.duty, Duty::None) || !self.interest.is_resolved() {
            return;
        }
        let Some(asked) = self.asked.take_if(|asked| self.cohort.asks(*asked)) else {
            return;
        };
        let revoked = self.to_revoke();
        if revoked.is_empty() {
            return self.join(asked, at);
        }
        self.asked = Some(asked);
        let ticket = self.cohort.ticket();
        self.duty = Duty::Revoking(ticket, revoked.clone());
        self.actions.push(Action::AskRevoke(ticket, revoked));
    }

    fn to_revoke(&self) -> BTreeSet<TopicPartition> {
        let keeps = |partition: &&TopicPartition| match self.protocol {
            RebalanceProtocol::Eager => false,
            RebalanceProtocol::Cooperative => self.interest.topics.contains(&partition.topic),
        };
        self.owned
            .iter()
            .filter(|partition| !keeps(partition))
            .cloned()
            .collect()
    }

    fn join(&mut self, asked: Ticket, at: Moment) {
        self.leadership = None;
        self.watch();
        self.interest.joined = Some(self.interest.topics.clone());
        let assignors = self.settings.assignors.iter();
        let offers = assignors.map(|assignor| self.offer(*assignor)).collect();
        let actions = self.cohort.on_offers(asked, offers, at);
        self.absorb(actions, at);
    }

    fn offer(&self, assignor: Assignor) -> Offer {
        let subscription = MemberSubscription {
            topics: self.interest.topics.iter().cloned().collect(),
            user_data: assignor.user_data(self.sticky_generation),
            owned: self.owned.iter().cloned().collect(),
            generation: Some(self.epoch().generation),
            rack: self.settings.rack.clone(),
        };
        Offer {
            protocol: Arc::from(assignor.name()),
            metadata: subscription.encode(),
        }
    }
}
