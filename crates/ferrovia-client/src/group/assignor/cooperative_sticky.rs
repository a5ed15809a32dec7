//! `cooperative-sticky`: balanced over all topics, everyone keeps what it may, and what changes hands rests
//! for one rebalance.
//!
//! Two algorithms, as in Java: a linear one when all members want the same topics, and a general one. The
//! result is then adjusted: a partition that another member still owns is given to nobody; its owner sees
//! that it lost it, revokes it and rejoins, and only that next rebalance hands it on (KIP-429).
//!
//! Where Java would hand out a partition that does not exist, or a topic to a member that does not want it,
//! this code does not: owned partitions are checked against the metadata first, a member without topics
//! makes subscriptions unequal, and a partition returns to an earlier owner only if that still wants it.
//!
//! # Source
//! `CooperativeStickyAssignor.java`, `AbstractStickyAssignor.java`, KIP-54, KIP-341, KIP-429, KIP-792.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Division, GroupMember, PartitionCounts, topics_in_hash_order};
use claims::Claims;
use table::{Member, Partition, PerMember, Table};

mod table;
mod claims;
mod constrained;
mod general;
mod movements;

/// Partitions by member, in Java's order within each member.
type Draft = PerMember<Vec<Partition>>;

pub(super) fn assign(members: &[GroupMember], partitions: &PartitionCounts) -> Division {
    if members.is_empty() {
        return Division::new();
    }
    let table = Table::new(members, &topics_in_hash_order(members, partitions));
    let claims = Claims::resolve(&table);
    let (mut draft, changing_hands) = if table.all_want_the_same() {
        constrained::assign(&table, claims)
    } else {
        let draft = general::assign(&table, claims);
        let changing_hands = changing_hands(&table, &draft);
        (draft, changing_hands)
    };
    for (partition, receiver) in changing_hands {
        draft[receiver].retain(|assigned| *assigned != partition);
    }
    table
        .members()
        .map(|member| {
            let named = draft[member]
                .iter()
                .map(|partition| table.name(*partition).clone())
                .collect();
            (Arc::clone(&table.member(member).member_id), named)
        })
        .collect()
}

/// What one member gained while another, which may still be reading it, lost it.
fn changing_hands(table: &Table<'_>, draft: &Draft) -> BTreeSet<(Partition, Member)> {
    let mut gained = Vec::new();
    let mut lost = BTreeSet::new();
    for member in table.members() {
        let owned: BTreeSet<Partition> = table.owned(member).iter().copied().collect();
        let assigned: BTreeSet<Partition> = draft[member].iter().copied().collect();
        gained.extend(
            assigned
                .difference(&owned)
                .map(|partition| (*partition, member)),
        );
        lost.extend(owned.difference(&assigned).copied());
    }
    gained
        .into_iter()
        .filter(|(partition, _)| lost.contains(partition))
        .collect()
}
