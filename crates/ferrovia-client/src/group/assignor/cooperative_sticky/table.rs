//! The question the sticky assignor is asked, with names replaced by small numbers.
//!
//! Members are numbered in Java's hash order, partitions by topic name and number. Numbers are made here
//! only, so that columns indexed by them always have an entry.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use bytes::Buf;

use super::super::GroupMember;
use crate::TopicPartition;
use crate::group::java_order;

/// A member's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member(usize);

/// A partition's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition(usize);

/// A topic's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic(usize);

macro_rules! column {
    ($(#[$doc:meta])* $name:ident by $key:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name<T>(Vec<T>);

        impl<T> Index<$key> for $name<T> {
            type Output = T;

            #[expect(clippy::indexing_slicing, reason = "the table makes keys and columns of one length")]
            fn index(&self, key: $key) -> &T {
                &self.0[key.0]
            }
        }

        impl<T> IndexMut<$key> for $name<T> {
            #[expect(clippy::indexing_slicing, reason = "the table makes keys and columns of one length")]
            fn index_mut(&mut self, key: $key) -> &mut T {
                &mut self.0[key.0]
            }
        }
    };
}

column! {
    /// A value for each member.
    PerMember by Member
}
column! {
    /// A value for each partition.
    PerPartition by Partition
}
column! {
    /// A value for each topic.
    PerTopic by Topic
}

/// Members, topics and partitions of one assignment.
#[derive(Debug)]
pub(super) struct Table<'a> {
    members: &'a [GroupMember],
    ranks: PerMember<usize>,
    wanted: PerMember<Vec<Topic>>,
    owned: PerMember<Vec<Partition>>,
    topics: PerTopic<Vec<Partition>>,
    partitions: PerPartition<(TopicPartition, Topic)>,
    java_hashes: PerPartition<u32>,
}

impl<'a> Table<'a> {
    /// `members` in hash order; `topics` are those that exist and that a member wants.
    pub(super) fn new(members: &'a [GroupMember], topics: &[(Arc<str>, i32)]) -> Self {
        let mut by_name: Vec<&(Arc<str>, i32)> = topics.iter().collect();
        by_name.sort_unstable();
        let mut numbers = BTreeMap::new();
        let mut table = Self {
            members,
            ranks: ranks(members),
            wanted: PerMember(Vec::with_capacity(members.len())),
            owned: PerMember(Vec::with_capacity(members.len())),
            topics: PerTopic(Vec::with_capacity(topics.len())),
            partitions: PerPartition(Vec::new()),
            java_hashes: PerPartition(Vec::new()),
        };
        for (name, count) in by_name {
            let topic = Topic(table.topics.0.len());
            let first = table.partitions.0.len();
            numbers.insert(Arc::clone(name), topic);
            for partition in 0..*count {
                table
                    .java_hashes
                    .0
                    .push(java_order::partition_hash(name, partition));
                table.partitions.0.push((
                    TopicPartition {
                        topic: Arc::clone(name),
                        partition,
                    },
                    topic,
                ));
            }
            table
                .topics
                .0
                .push((first..table.partitions.0.len()).map(Partition).collect());
        }
        for member in members {
            let wanted = member.subscription.topics.iter();
            let wanted = wanted
                .filter_map(|name| numbers.get(name).copied())
                .collect();
            let owned = table.known_partitions(&member.subscription.owned, &numbers);
            table.wanted.0.push(wanted);
            table.owned.0.push(owned);
        }
        table
    }

    pub(super) fn members(&self) -> impl DoubleEndedIterator<Item = Member> + use<> {
        (0..self.members.len()).map(Member)
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = Topic> + use<> {
        (0..self.topics.0.len()).map(Topic)
    }

    /// All partitions, by topic name and number.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.partitions.0.len()).map(Partition)
    }

    pub(super) fn partition_count(&self) -> usize {
        self.partitions.0.len()
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the table numbered this very slice"
    )]
    pub(super) fn member(&self, member: Member) -> &'a GroupMember {
        &self.members[member.0]
    }

    /// A member's place among all member ids as Java sorts strings.
    pub(super) fn rank(&self, member: Member) -> usize {
        self.ranks[member]
    }

    /// The existing topics a member wants.
    pub(super) fn wanted(&self, member: Member) -> &[Topic] {
        &self.wanted[member]
    }

    pub(super) fn wants(&self, member: Member, topic: Topic) -> bool {
        self.wanted[member].contains(&topic)
    }

    /// The existing partitions a member says it owns, in the order in which it said so.
    pub(super) fn owned(&self, member: Member) -> &[Partition] {
        &self.owned[member]
    }

    pub(super) fn partitions_of(&self, topic: Topic) -> &[Partition] {
        &self.topics[topic]
    }

    pub(super) fn topic_of(&self, partition: Partition) -> Topic {
        self.partitions[partition].1
    }

    pub(super) fn name(&self, partition: Partition) -> &TopicPartition {
        &self.partitions[partition].0
    }

    pub(super) fn java_hash(&self, partition: Partition) -> u32 {
        self.java_hashes[partition]
    }

    pub(super) fn per_member<T: Clone>(&self, value: T) -> PerMember<T> {
        PerMember(vec![value; self.members.len()])
    }

    pub(super) fn per_topic<T: Clone>(&self, value: T) -> PerTopic<T> {
        PerTopic(vec![value; self.topics.0.len()])
    }

    pub(super) fn per_partition<T: Clone>(&self, value: T) -> PerPartition<T> {
        PerPartition(vec![value; self.partitions.0.len()])
    }

    pub(super) fn all_want_the_same(&self) -> bool {
        let names =
            |member: &'a GroupMember| member.subscription.topics.iter().collect::<BTreeSet<_>>();
        let mut sets = self.members.iter().map(names);
        let first = sets.next();
        sets.all(|set| Some(set) == first)
    }

    /// The generation in which a member says it was assigned what it owns: told by the subscription itself
    /// (KIP-792), or by the assignor's user data in older members.
    pub(super) fn generation(&self, member: Member) -> Option<i32> {
        let subscription = &self.member(member).subscription;
        subscription.generation.or_else(|| {
            let mut data = subscription.user_data.as_deref()?;
            Some(data.try_get_i32().unwrap_or(-1))
        })
    }

    fn known_partitions(
        &self,
        owned: &[TopicPartition],
        numbers: &BTreeMap<Arc<str>, Topic>,
    ) -> Vec<Partition> {
        let mut seen = BTreeSet::new();
        owned
            .iter()
            .filter_map(|owned| {
                let topic = numbers.get(&owned.topic)?;
                let partition = usize::try_from(owned.partition).ok()?;
                self.topics[*topic].get(partition).copied()
            })
            .filter(|partition| seen.insert(*partition))
            .collect()
    }
}

fn ranks(members: &[GroupMember]) -> PerMember<usize> {
    let mut sorted: Vec<Member> = (0..members.len()).map(Member).collect();
    let id = |member: &Member| {
        members
            .get(member.0)
            .map_or("", |member| &*member.member_id)
    };
    sorted.sort_by(|left, right| java_order::compare(id(left), id(right)));
    let mut ranks = PerMember(vec![0; members.len()]);
    for (rank, member) in sorted.into_iter().enumerate() {
        ranks[member] = rank;
    }
    ranks
}
