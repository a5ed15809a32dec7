//! What the journal's entries amount to.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Entry, TransactionEntry};
use crate::transaction::{Contents, Phase, Standing};

/// What the journal's entries amount to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) cluster_id: Option<String>,
    pub(crate) topics: BTreeMap<Uuid, KnownTopic>,
    pub(crate) offsets: BTreeMap<(String, String, i32), Entry>,
    pub(crate) next_producer_id: i64,
    pub(crate) transactions: BTreeMap<String, (Standing, Contents)>,
}

#[derive(Clone, Debug)]
pub(crate) struct KnownTopic {
    pub(crate) name: String,
    pub(crate) partitions: usize,
    pub(crate) configs: BTreeMap<String, String>,
}

impl Known {
    pub(crate) fn replay(&mut self, entry: Entry) {
        match entry {
            Entry::Cluster { id } => self.cluster_id = Some(id),
            Entry::TopicCreated {
                id,
                name,
                partitions,
                configs,
            } => {
                let partitions = usize::try_from(partitions).unwrap_or_default();
                self.topics.insert(
                    id,
                    KnownTopic {
                        name,
                        partitions,
                        configs,
                    },
                );
            }
            Entry::PartitionsAdded { id, partitions } => {
                if let Some(topic) = self.topics.get_mut(&id) {
                    topic.partitions = usize::try_from(partitions).unwrap_or_default();
                }
            }
            Entry::TopicDeleted { id } => drop(self.topics.remove(&id)),
            Entry::OffsetDeleted {
                group,
                topic,
                partition,
            } => {
                self.offsets.remove(&(group, topic, partition));
            }
            Entry::OffsetCommitted {
                ref group,
                ref topic,
                partition,
                ..
            } => {
                self.offsets
                    .insert((group.clone(), topic.clone(), partition), entry);
            }
            Entry::ProducerIdsUsed { next } => self.next_producer_id = next,
            Entry::Transaction { id, entry } => self.replay_transaction(id, entry),
        }
    }

    fn replay_transaction(&mut self, id: String, entry: TransactionEntry) {
        if let TransactionEntry::Stood(standing) = entry {
            let kept = matches!(standing.phase, Phase::Ongoing | Phase::Prepare(_));
            let before = self.transactions.remove(&id).filter(|_| kept);
            let contents = before.map(|(_, contents)| contents).unwrap_or_default();
            self.transactions.insert(id, (standing, contents));
        } else if let Some((_, contents)) = self.transactions.get_mut(&id) {
            join(contents, entry);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let cluster = self
            .cluster_id
            .iter()
            .map(|id| Entry::Cluster { id: id.clone() });
        let topics = self.topics.iter().map(|(id, topic)| Entry::TopicCreated {
            id: *id,
            name: topic.name.clone(),
            partitions: u32::try_from(topic.partitions).unwrap_or_default(),
            configs: topic.configs.clone(),
        });
        let producers = Entry::ProducerIdsUsed {
            next: self.next_producer_id,
        };
        let offsets = self.offsets.values().cloned();
        cluster
            .chain([producers])
            .chain(topics)
            .chain(offsets)
            .chain(self.transaction_entries())
            .collect()
    }

    fn transaction_entries(&self) -> impl Iterator<Item = Entry> {
        self.transactions
            .iter()
            .flat_map(|(id, (standing, contents))| {
                let partitions = contents.partitions.iter().cloned();
                let groups = contents.groups.iter().cloned();
                let offsets = contents.offsets.iter();
                let standing = TransactionEntry::Stood(standing.clone());
                let entries =
                    std::iter::once(standing)
                        .chain(partitions.map(|(topic, partition)| {
                            TransactionEntry::PartitionJoined { topic, partition }
                        }))
                        .chain(groups.map(|group| TransactionEntry::GroupJoined { group }))
                        .chain(offsets.map(|((group, topic, partition), committed)| {
                            TransactionEntry::OffsetJoined {
                                group: group.clone(),
                                topic: topic.clone(),
                                partition: *partition,
                                committed: committed.clone(),
                            }
                        }));
                entries.map(|entry| Entry::Transaction {
                    id: id.clone(),
                    entry,
                })
            })
    }
}

fn join(contents: &mut Contents, entry: TransactionEntry) {
    match entry {
        TransactionEntry::Stood(_) => {}
        TransactionEntry::PartitionJoined { topic, partition } => {
            contents.partitions.insert((topic, partition));
        }
        TransactionEntry::GroupJoined { group } => {
            contents.groups.insert(group);
        }
        TransactionEntry::OffsetJoined {
            group,
            topic,
            partition,
            committed,
        } => {
            contents
                .offsets
                .insert((group, topic, partition), committed);
        }
    }
}
