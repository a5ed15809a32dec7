//! `range`: each topic is cut into contiguous ranges, one per subscriber, the first ones being longer by one.
//!
//! Topics with the same number of partitions and the same subscribers are cut alike, so partition N of each
//! goes to the same member.
//!
//! # Source
//! `RangeAssignor.java`, without its rack-aware part.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Division, GroupMember, PartitionCounts, topics_in_hash_order};
use crate::TopicPartition;
use crate::group::java_order;

pub(super) fn assign(members: &[GroupMember], partitions: &PartitionCounts) -> Division {
    let mut division: Division = members
        .iter()
        .map(|member| (Arc::clone(&member.member_id), Vec::new()))
        .collect();
    let mut sorted: Vec<&GroupMember> = members.iter().collect();
    sorted.sort_by(|left, right| static_members_first(left, right));

    for (topic, count) in topics_in_hash_order(members, partitions) {
        let subscribers: Vec<_> = sorted
            .iter()
            .filter(|member| member.subscription.topics.contains(&topic))
            .collect();
        let shares = i32::try_from(subscribers.len()).unwrap_or(i32::MAX).max(1);
        let (every, longer) = (count / shares, count % shares);
        let mut next = 0;
        for (place, member) in (0..shares).zip(subscribers) {
            let end = next + every + i32::from(place < longer);
            let range = (next..end).map(|partition| TopicPartition {
                topic: Arc::clone(&topic),
                partition,
            });
            division
                .entry(Arc::clone(&member.member_id))
                .or_default()
                .extend(range);
            next = end;
        }
    }
    division
}

/// Static members stand before dynamic ones and keep their place over restarts (KIP-345).
fn static_members_first(left: &GroupMember, right: &GroupMember) -> Ordering {
    match (&left.instance_id, &right.instance_id) {
        (Some(left), Some(right)) => java_order::compare(left, right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => java_order::compare(&left.member_id, &right.member_id),
    }
}
