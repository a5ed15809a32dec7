//! Dividing the partitions of a group among its members: pure functions of members and partition counts.
//!
//! Called by the leader between JoinGroup and SyncGroup. The answers are those of Java's assignors, member
//! for member and in Java's order, because both lead the same groups in turn. What Java would do with rack
//! ids (KIP-881) is left out: partitions come without the racks of their replicas.
//!
//! # Source
//! `RangeAssignor.java`, `CooperativeStickyAssignor.java`, `AbstractPartitionAssignor.java`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::java_order::sort_as_hash_map;
use super::subscription::MemberSubscription;
use crate::TopicPartition;

mod range;
mod cooperative_sticky;

/// A member as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The id the coordinator gave out.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// What it asked for when it joined.
    pub subscription: MemberSubscription,
}

/// Partition counts by topic. Topics that do not exist are absent or zero.
pub type PartitionCounts = BTreeMap<Arc<str>, i32>;

/// What each member is to own. Every member has an entry, if only an empty one.
pub type Division = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// When members give up partitions during a rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RebalanceProtocol {
    /// Everything is revoked before every rejoin.
    Eager,
    /// Only what was taken away is revoked, and a second rebalance hands it on (KIP-429).
    Cooperative,
}

/// An assignment strategy that this client can offer to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignor {
    /// Contiguous ranges per topic; topics with equal partition counts are co-partitioned.
    Range,
    /// Balanced over all topics, moving as little as possible, in two phases.
    CooperativeSticky,
}

impl Assignor {
    /// The name that members agree on in JoinGroup.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor behind a class name of `partition.assignment.strategy`.
    pub fn from_java_class(class: &str) -> Option<Self> {
        match class
            .trim()
            .strip_prefix("org.apache.kafka.clients.consumer.")?
        {
            "RangeAssignor" => Some(Self::Range),
            "CooperativeStickyAssignor" => Some(Self::CooperativeSticky),
            _ => None,
        }
    }

    /// The protocol a member with these assignors follows: the highest that all of them support.
    pub fn common_protocol(assignors: &[Self]) -> RebalanceProtocol {
        let highest = |assignor: &Self| match assignor {
            Self::Range => RebalanceProtocol::Eager,
            Self::CooperativeSticky => RebalanceProtocol::Cooperative,
        };
        assignors
            .iter()
            .map(highest)
            .min()
            .unwrap_or(RebalanceProtocol::Eager)
    }

    /// What a member adds to its subscription for this assignor: `generation` is the one of its last
    /// assignment, -1 before the first.
    pub fn user_data(self, generation: i32) -> Option<Bytes> {
        match self {
            Self::Range => None,
            Self::CooperativeSticky => {
                let mut out = BytesMut::with_capacity(4);
                out.put_i32(generation);
                Some(out.freeze())
            }
        }
    }

    /// Divides the partitions of all subscribed topics among `members`, given in JoinGroup's order.
    ///
    /// Owned partitions that do not exist, and repeated names, are ignored.
    pub fn assign(self, members: &[GroupMember], partitions: &PartitionCounts) -> Division {
        let members = in_hash_order(members);
        match self {
            Self::Range => range::assign(&members, partitions),
            Self::CooperativeSticky => cooperative_sticky::assign(&members, partitions),
        }
    }
}

/// Members as Java's map of subscriptions iterates over them. Of two with one id, the later counts.
fn in_hash_order(members: &[GroupMember]) -> Vec<GroupMember> {
    let mut places = BTreeMap::new();
    let mut distinct: Vec<GroupMember> = Vec::with_capacity(members.len());
    for member in members {
        let mut member = member.clone();
        let mut seen = std::collections::BTreeSet::new();
        member
            .subscription
            .topics
            .retain(|topic| seen.insert(Arc::clone(topic)));
        let place = *places
            .entry(Arc::clone(&member.member_id))
            .or_insert(distinct.len());
        match distinct.get_mut(place) {
            Some(earlier) => *earlier = member,
            None => distinct.push(member),
        }
    }
    sort_as_hash_map(&mut distinct, |member| &member.member_id);
    distinct
}

/// The subscribed topics that exist, as Java's map of partitions iterates over them.
fn topics_in_hash_order(
    members: &[GroupMember],
    partitions: &PartitionCounts,
) -> Vec<(Arc<str>, i32)> {
    let mut seen = std::collections::BTreeSet::new();
    let mut topics: Vec<Arc<str>> = members
        .iter()
        .flat_map(|member| &member.subscription.topics)
        .filter(|topic| seen.insert(Arc::clone(topic)))
        .cloned()
        .collect();
    // Java fills a set with all names and then a map with those that exist: two tables, two orders.
    sort_as_hash_map(&mut topics, |topic| topic);
    let mut existing: Vec<(Arc<str>, i32)> = topics
        .into_iter()
        .filter_map(|topic| partitions.get(&topic).map(|count| (topic, *count)))
        .filter(|(_, count)| *count > 0)
        .collect();
    sort_as_hash_map(&mut existing, |(topic, _)| topic);
    existing
}

#[cfg(test)]
mod tests;
