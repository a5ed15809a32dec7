//! The sticky assignment when all members want the same topics: one pass, linear in the partitions.
//!
//! Every member is due the floor or the ceiling of the average. Members first keep what they own up to
//! that, then the rest is dealt out in turn.
//!
//! # Source
//! `AbstractStickyAssignor.ConstrainedAssignmentBuilder`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Draft;
use super::claims::Claims;
use super::table::{Member, Partition, Table};

/// The assignment, and what it takes from a member that may still be reading it.
pub(super) fn assign(table: &Table<'_>, claims: Claims) -> (Draft, BTreeSet<(Partition, Member)>) {
    let mut builder = Builder::new(table, claims);
    builder.keep_owned();
    builder.deal_out();
    (builder.draft, builder.changing_hands)
}

struct Builder<'a> {
    table: &'a Table<'a>,
    claims: Claims,
    draft: Draft,
    /// What members owned beyond their due.
    given_up: BTreeMap<Partition, Member>,
    changing_hands: BTreeSet<(Partition, Member)>,
    below_floor: Vec<Member>,
    at_floor: VecDeque<Member>,
    floor: usize,
    ceiling: usize,
    /// How many members are due more than the floor, and how many have it.
    above_floor_due: usize,
    above_floor: usize,
}

impl<'a> Builder<'a> {
    fn new(table: &'a Table<'a>, claims: Claims) -> Self {
        let members = table.members().count().max(1);
        let partitions = table.partition_count();
        Self {
            table,
            claims,
            draft: table.per_member(Vec::new()),
            given_up: BTreeMap::new(),
            changing_hands: BTreeSet::new(),
            below_floor: Vec::new(),
            at_floor: VecDeque::new(),
            floor: partitions / members,
            ceiling: partitions.div_ceil(members),
            above_floor_due: partitions % members,
            above_floor: 0,
        }
    }

    fn keep_owned(&mut self) {
        for member in self.table.members() {
            let mut owned = std::mem::take(&mut self.claims.owned[member]);
            owned.retain(|partition| !self.claims.contested.contains(partition));
            owned.sort_by_key(|partition| {
                let name = self.table.name(*partition);
                (name.partition, &name.topic)
            });
            if owned.len() < self.floor {
                self.below_floor.push(member);
            } else if owned.len() >= self.ceiling && self.above_floor < self.above_floor_due {
                self.give_up_beyond(self.ceiling, &mut owned, member);
                self.above_floor += 1;
                if self.above_floor == self.above_floor_due {
                    self.at_floor.clear();
                }
            } else {
                self.give_up_beyond(self.floor, &mut owned, member);
                if self.above_floor < self.above_floor_due {
                    self.at_floor.push_back(member);
                }
            }
            self.draft[member] = owned;
        }
        self.below_floor
            .sort_by_key(|member| self.table.rank(*member));
        self.at_floor
            .make_contiguous()
            .sort_by_key(|member| self.table.rank(*member));
    }

    fn give_up_beyond(&mut self, due: usize, owned: &mut Vec<Partition>, member: Member) {
        self.given_up
            .extend(owned.drain(due..).map(|partition| (partition, member)));
    }

    fn deal_out(&mut self) {
        let mut taken = self.table.per_partition(false);
        for member in self.table.members() {
            for partition in &self.draft[member] {
                taken[*partition] = true;
            }
        }
        let mut turn = 0;
        for partition in self.table.partitions() {
            if taken[partition] {
                continue;
            }
            if turn >= self.below_floor.len() {
                turn = 0;
            }
            // The quotas add up, so one of the two always has a member; were it not so, the partition
            // would go to whoever has least rather than to nobody.
            let below_floor = self.below_floor.get(turn).copied();
            let receiver = below_floor
                .or_else(|| self.at_floor.pop_front())
                .or_else(|| {
                    self.table
                        .members()
                        .min_by_key(|member| self.draft[*member].len())
                });
            let Some(receiver) = receiver else { return };
            let count = self.hand(partition, receiver);
            if below_floor.is_none() {
                continue;
            }
            if count == self.floor {
                self.below_floor.remove(turn);
                self.at_floor.push_back(receiver);
            } else {
                turn += 1;
            }
        }
    }

    fn hand(&mut self, partition: Partition, receiver: Member) -> usize {
        let given_up_by_other = self
            .given_up
            .get(&partition)
            .is_some_and(|previous| *previous != receiver);
        if given_up_by_other || self.claims.contested.contains(&partition) {
            self.changing_hands.insert((partition, receiver));
        }
        self.draft[receiver].push(partition);
        self.draft[receiver].len()
    }
}
