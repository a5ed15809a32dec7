//! Who may say that it owns what: members' claims, with those of zombies and doubles struck out.
//!
//! # Source
//! `AbstractStickyAssignor.allSubscriptionsEqual`, KAFKA-12984, KIP-792.

use std::collections::BTreeSet;

use super::Draft;
use super::table::{Member, Partition, Table};

/// The claims that stand.
#[derive(Debug)]
pub(super) struct Claims {
    /// What each member may keep, in the order of its subscription.
    pub(super) owned: Draft,
    /// Partitions that two members of one generation claimed: nobody may keep them.
    pub(super) contested: BTreeSet<Partition>,
}

impl Claims {
    /// Of two members that claim one partition, the one of the newer generation is believed.
    pub(super) fn resolve(table: &Table<'_>) -> Self {
        let mut claims = Self {
            owned: table.per_member(Vec::new()),
            contested: BTreeSet::new(),
        };
        let mut owners = table.per_partition(None::<Member>);
        for member in table.members() {
            let generation = table.generation(member).unwrap_or(-1);
            for partition in table.owned(member).iter().copied() {
                let Some(other) = owners[partition] else {
                    claims.owned[member].push(partition);
                    owners[partition] = Some(member);
                    continue;
                };
                // Java compares with the field alone here, not with the generation in the user data.
                let other_generation = table.member(other).subscription.generation.unwrap_or(-1);
                if generation < other_generation {
                    continue;
                }
                claims.owned[other].retain(|claimed| *claimed != partition);
                owners[partition] = Some(member);
                if generation == other_generation {
                    claims.contested.insert(partition);
                } else {
                    claims.owned[member].push(partition);
                }
            }
        }
        claims
    }
}
