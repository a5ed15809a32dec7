//! Which topics the member wants, which exist, and whether that changed since it joined.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Action, Duty, Member, Moment};
use crate::group::GroupError;
use crate::group::assignor::PartitionCounts;

/// What an owner subscribes to.
#[derive(Clone)]
pub enum Subscription {
    /// These topics, whether they exist or not.
    Topics(Vec<String>),
    /// All topics whose name matches, now and later.
    Pattern {
        /// Says whether a name matches.
        matches: Arc<dyn Fn(&str) -> bool + Send + Sync>,
        /// `exclude.internal.topics`: whether Kafka's own topics never match.
        exclude_internal: bool,
    },
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics(topics) => f.debug_tuple("Topics").field(topics).finish(),
            Self::Pattern {
                exclude_internal, ..
            } => f
                .debug_struct("Pattern")
                .field("exclude_internal", exclude_internal)
                .finish_non_exhaustive(),
        }
    }
}

/// A topic as the newest metadata has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// How many partitions it has; 0 when it is known not to exist.
    pub partitions: i32,
    /// Whether it is one of Kafka's own.
    pub internal: bool,
}

/// The topics whose metadata a member needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// All of the cluster's.
    All,
    /// These.
    Topics(BTreeSet<Arc<str>>),
}

#[derive(Debug)]
pub(super) struct Interest {
    subscription: Subscription,
    metadata: Option<BTreeMap<Arc<str>, TopicView>>,
    /// The topics wanted now.
    pub(super) topics: BTreeSet<Arc<str>>,
    /// The topics wanted when the member last joined.
    pub(super) joined: Option<BTreeSet<Arc<str>>>,
    watched: Option<Watch>,
}

impl Interest {
    pub(super) fn new(subscription: Subscription) -> Self {
        let mut interest = Self {
            subscription,
            metadata: None,
            topics: BTreeSet::new(),
            joined: None,
            watched: None,
        };
        interest.resolve();
        interest
    }

    /// Whether the wanted topics are known: a pattern has to have seen the cluster's topics once.
    pub(super) fn is_resolved(&self) -> bool {
        match self.subscription {
            Subscription::Topics(_) => true,
            Subscription::Pattern { .. } => self.metadata.is_some(),
        }
    }

    pub(super) fn accepts(&self, topic: &Arc<str>) -> bool {
        match &self.subscription {
            Subscription::Topics(_) => self.topics.contains(topic),
            Subscription::Pattern { matches, .. } => matches(topic),
        }
    }

    /// Takes topics into a subscription by pattern that the leader knew before this member did.
    pub(super) fn adopt(&mut self, topic: &Arc<str>) {
        if matches!(self.subscription, Subscription::Pattern { .. }) {
            self.topics.insert(Arc::clone(topic));
            self.joined
                .get_or_insert_default()
                .insert(Arc::clone(topic));
        }
    }

    pub(super) fn changed_since_join(&self) -> bool {
        self.joined
            .as_ref()
            .is_some_and(|joined| *joined != self.topics)
    }

    /// Whether it is known of each topic how many partitions it has, or that it does not exist.
    pub(super) fn covers(&self, topics: &BTreeSet<Arc<str>>) -> bool {
        let Some(metadata) = &self.metadata else {
            return false;
        };
        let all = matches!(self.subscription, Subscription::Pattern { .. });
        all || topics.iter().all(|topic| metadata.contains_key(topic))
    }

    /// The existing ones of `topics` with their partition counts.
    pub(super) fn counts(&self, topics: &BTreeSet<Arc<str>>) -> PartitionCounts {
        let count = |topic: &Arc<str>| {
            let view = self.metadata.as_ref()?.get(topic)?;
            (view.partitions > 0).then(|| (Arc::clone(topic), view.partitions))
        };
        topics.iter().filter_map(count).collect()
    }

    fn resolve(&mut self) {
        self.topics = match &self.subscription {
            Subscription::Topics(topics) => {
                topics.iter().map(|topic| Arc::from(&**topic)).collect()
            }
            Subscription::Pattern {
                matches,
                exclude_internal,
            } => {
                let known = self.metadata.iter().flatten();
                known
                    .filter(|(_, view)| {
                        view.partitions > 0 && !(*exclude_internal && view.internal)
                    })
                    .filter(|(topic, _)| matches(topic))
                    .map(|(topic, _)| Arc::clone(topic))
                    .collect()
            }
        };
    }
}

impl Member {
    /// The owner wants other topics.
    pub fn on_subscription(&mut self, subscription: Subscription, at: Moment) -> Vec<Action> {
        self.interest.subscription = subscription;
        self.interest.resolve();
        self.watch();
        self.finish(at)
    }

    /// New metadata: every topic of the last [`Action::Watch`] of which anything is known, absent ones with no
    /// partitions. For [`Watch::All`], every topic there is.
    pub fn on_metadata(
        &mut self,
        topics: BTreeMap<Arc<str>, TopicView>,
        at: Moment,
    ) -> Vec<Action> {
        self.interest.metadata = Some(topics);
        self.interest.resolve();
        self.watch();
        self.check_vote(at);
        self.finish(at)
    }

    /// Tells the driver which topics matter, if that changed.
    pub(super) fn watch(&mut self) {
        let watch = match self.interest.subscription {
            Subscription::Pattern { .. } => Watch::All,
            Subscription::Topics(_) => {
                let led = self
                    .leadership
                    .iter()
                    .flat_map(|leadership| &leadership.topics);
                Watch::Topics(self.interest.topics.iter().chain(led).cloned().collect())
            }
        };
        if self.interest.watched.as_ref() != Some(&watch) {
            self.interest.watched = Some(watch.clone());
            self.actions.push(Action::Watch(watch));
        }
    }

    /// Brokers refuse to tell about topics that this member subscribes to by name: it can do its work no longer.
    pub fn on_topics_denied(&mut self, topics: Vec<String>) -> Vec<Action> {
        if !self.cohort.is_ending() {
            self.fail(GroupError::TopicAuthorization { topics });
        }
        std::mem::take(&mut self.actions)
    }

    /// A settled member joins again when it wants other topics, and a leader when a topic's partitions changed.
    pub(super) fn notice_changes(&mut self, at: Moment) {
        if !self.cohort.is_settled() || !matches!(self.duty, Duty::None) {
            return;
        }
        let outdated = self.leadership.as_ref().is_some_and(|leadership| {
            leadership
                .counts
                .as_ref()
                .is_some_and(|counts| *counts != self.counts(&leadership.topics))
        });
        if self.interest.changed_since_join() {
            self.rejoin("subscription has changed", at);
        } else if outdated {
            self.rejoin("cached metadata has changed", at);
        }
    }
}
