//! The sticky assignment when members want different topics: fill up, then move partitions while that helps.
//!
//! # Source
//! `AbstractStickyAssignor.GeneralAssignmentBuilder`.

use std::collections::BTreeSet;

use super::Draft;
use super::claims::Claims;
use super::movements::Movements;
use super::table::{Member, Partition, PerMember, PerPartition, PerTopic, Table, Topic};

pub(super) fn assign(table: &Table<'_>, claims: Claims) -> Draft {
    let mut builder = Builder::new(table, claims);
    builder.drop_unwanted();
    builder.balance();
    builder.draft
}

struct Builder<'a> {
    table: &'a Table<'a>,
    draft: Draft,
    owners: PerPartition<Option<Member>>,
    /// Members of an older generation that owned a partition: it may go back to them.
    previous: PerPartition<Option<Member>>,
    takers: PerTopic<Vec<Member>>,
    /// Members that take part in the balancing, least loaded first, then by name.
    by_load: BTreeSet<(usize, usize, Member)>,
    movements: Movements<'a>,
    revocation_required: bool,
}

impl<'a> Builder<'a> {
    fn new(table: &'a Table<'a>, claims: Claims) -> Self {
        let mut takers = table.per_topic(Vec::new());
        let mut owners = table.per_partition(None);
        for member in table.members() {
            for topic in table.wanted(member) {
                takers[*topic].push(member);
            }
            for partition in &claims.owned[member] {
                owners[*partition] = Some(member);
            }
        }
        Self {
            table,
            draft: claims.owned,
            owners,
            previous: previous_owners(table),
            takers,
            by_load: BTreeSet::new(),
            movements: Movements::new(table),
            revocation_required: false,
        }
    }

    fn drop_unwanted(&mut self) {
        for member in self.table.members() {
            let before = self.draft[member].len();
            let table = self.table;
            self.draft[member].retain(|partition| table.wants(member, table.topic_of(*partition)));
            self.revocation_required |= self.draft[member].len() < before;
        }
    }

    fn balance(&mut self) {
        self.by_load = self
            .table
            .members()
            .map(|member| self.load(member))
            .collect();
        let initializing = self.by_load.last().is_some_and(|(load, ..)| *load == 0);

        let mut movable = self.partitions_by_takers();
        let mut unassigned = self.unassigned(&movable);
        for partition in &unassigned {
            self.give_to_least_loaded(*partition);
        }

        let can_move = |partition: &Partition| self.is_shared(self.table.topic_of(*partition));
        movable.retain(can_move);
        unassigned.retain(can_move);
        let fixed: Vec<Member> = self
            .table
            .members()
            .filter(|member| !self.can_take_part(*member))
            .collect();
        let mut taking_part = self.table.per_member(true);
        for member in fixed {
            self.by_load.remove(&self.load(member));
            taking_part[member] = false;
        }

        let before = self.draft.clone();
        if !self.revocation_required {
            self.reassign(&unassigned, &taking_part);
        }
        let moved = self.reassign(&movable, &taking_part);
        if !initializing
            && moved
            && self.score(&self.draft, &taking_part) >= self.score(&before, &taking_part)
        {
            self.draft = before;
        }
    }

    /// All partitions, those of topics with the fewest takers first.
    fn partitions_by_takers(&self) -> Vec<Partition> {
        let mut topics: Vec<Topic> = self.table.topics().collect();
        topics.sort_by_key(|topic| (self.takers[*topic].len(), *topic));
        topics
            .into_iter()
            .flat_map(|topic| self.table.partitions_of(topic).to_vec())
            .collect()
    }

    fn unassigned(&self, partitions: &[Partition]) -> Vec<Partition> {
        let mut assigned = self.table.per_partition(false);
        for member in self.table.members() {
            for partition in &self.draft[member] {
                assigned[*partition] = true;
            }
        }
        partitions
            .iter()
            .copied()
            .filter(|partition| !assigned[*partition])
            .collect()
    }

    fn give_to_least_loaded(&mut self, partition: Partition) {
        let Some(member) = self.least_loaded_taker(self.table.topic_of(partition)) else {
            return;
        };
        self.by_load.remove(&self.load(member));
        self.draft[member].push(partition);
        self.owners[partition] = Some(member);
        self.by_load.insert(self.load(member));
    }

    fn least_loaded_taker(&self, topic: Topic) -> Option<Member> {
        let mut members = self.by_load.iter().map(|(.., member)| *member);
        members.find(|member| self.table.wants(*member, topic))
    }

    /// Moves partitions until no move improves the balance; says whether any moved.
    fn reassign(&mut self, partitions: &[Partition], taking_part: &PerMember<bool>) -> bool {
        let mut moved_any = false;
        loop {
            let mut moved = false;
            for partition in partitions.iter().copied() {
                if self.is_balanced() {
                    break;
                }
                if let Some(receiver) = self.better_owner(partition, taking_part) {
                    self.move_to(partition, receiver);
                    moved = true;
                }
            }
            moved_any |= moved;
            if !moved {
                return moved_any;
            }
        }
    }

    fn better_owner(&self, partition: Partition, taking_part: &PerMember<bool>) -> Option<Member> {
        let topic = self.table.topic_of(partition);
        let load = self.draft[self.owners[partition]?].len();
        let lighter = |member: &Member| load > self.draft[*member].len() + 1;
        let previous = self.previous[partition]
            .filter(|member| taking_part[*member] && self.table.wants(*member, topic));
        if let Some(previous) = previous.filter(lighter) {
            return Some(previous);
        }
        if self.takers[topic].iter().any(lighter) {
            self.least_loaded_taker(topic)
        } else {
            None
        }
    }

    fn move_to(&mut self, partition: Partition, to: Member) {
        let Some(from) = self.owners[partition] else {
            return;
        };
        let partition = self.movements.better_choice(partition, from, to);
        let Some(from) = self.owners[partition] else {
            return;
        };
        self.by_load.remove(&self.load(from));
        self.by_load.remove(&self.load(to));
        self.movements.record(partition, from, to);
        self.draft[from].retain(|assigned| *assigned != partition);
        self.draft[to].push(partition);
        self.owners[partition] = Some(to);
        self.by_load.insert(self.load(to));
        self.by_load.insert(self.load(from));
    }

    /// Whether nobody could take over a partition from someone who has at least two more.
    fn is_balanced(&self) -> bool {
        let (Some((least, ..)), Some((most, ..))) = (self.by_load.first(), self.by_load.last())
        else {
            return true;
        };
        if *least + 1 >= *most {
            return true;
        }
        let mut heaviest = self.table.per_topic(0);
        for partition in self.table.partitions() {
            let load = self.owners[partition].map_or(0, |owner| self.draft[owner].len());
            let topic = self.table.topic_of(partition);
            heaviest[topic] = load.max(heaviest[topic]);
        }
        self.by_load.iter().all(|(load, _, member)| {
            self.table
                .wanted(*member)
                .iter()
                .all(|topic| load + 1 >= heaviest[*topic])
        })
    }

    fn is_shared(&self, topic: Topic) -> bool {
        self.takers[topic].len() >= 2
    }

    /// Whether a member could get more, or give away some of what it has.
    fn can_take_part(&self, member: Member) -> bool {
        let wanted = self.table.wanted(member).iter();
        let most: usize = wanted
            .map(|topic| self.table.partitions_of(*topic).len())
            .sum();
        let mine = &self.draft[member];
        mine.len() < most
            || mine
                .iter()
                .any(|partition| self.is_shared(self.table.topic_of(*partition)))
    }

    /// The sum of the differences of all pairs: zero is perfect.
    fn score(&self, draft: &Draft, taking_part: &PerMember<bool>) -> usize {
        let loads: Vec<usize> = self
            .table
            .members()
            .filter(|member| taking_part[*member])
            .map(|member| draft[member].len())
            .collect();
        let pairs = loads.iter().enumerate().flat_map(|(place, load)| {
            loads
                .iter()
                .skip(place + 1)
                .map(|other| load.abs_diff(*other))
        });
        pairs.sum()
    }

    fn load(&self, member: Member) -> (usize, usize, Member) {
        (self.draft[member].len(), self.table.rank(member), member)
    }
}

/// Of members below the newest generation, the newest that owned each partition.
fn previous_owners(table: &Table<'_>) -> PerPartition<Option<Member>> {
    let generation = |member: Member| table.generation(member).unwrap_or(-1);
    let newest = table.members().map(generation).max().unwrap_or(-1);
    let mut previous = table.per_partition(None::<Member>);
    for member in table
        .members()
        .filter(|member| generation(*member) < newest)
    {
        for partition in table.owned(member).iter().copied() {
            let newer =
                previous[partition].is_none_or(|other| generation(member) > generation(other));
            if newer {
                previous[partition] = Some(member);
            }
        }
    }
    previous
}
