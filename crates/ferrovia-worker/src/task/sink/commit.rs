//! Which offsets a sink task has taken, which of them are safe, and which are committed.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.WorkerSinkTask`, `commitOffsets`. Beyond Java, every offset is committed with the
//! leader epoch of the record before it (KIP-320), so that a truncated log is noticed after a restart.

use std::collections::{BTreeMap, BTreeSet};

use ferrovia_pipeline::topic::{Offsets, TopicPartition};

/// The offset to commit for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommitPosition {
    /// The next offset to read.
    pub(super) offset: i64,
    /// The leader epoch of the record before it.
    pub(super) epoch: Option<i32>,
}

/// The offsets of a task's partitions.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// After the last record that was put.
    current: BTreeMap<TopicPartition, CommitPosition>,
    /// As the group knows them.
    committed: BTreeMap<TopicPartition, CommitPosition>,
    /// Read from elsewhere since the last commit began, whose answer says nothing of these.
    moved: BTreeSet<TopicPartition>,
    /// Numbers the commits, so that the answer to an older one is told apart.
    sequence: u64,
}

/// One commit on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// Its number.
    pub(super) sequence: u64,
    /// What it commits.
    pub(super) offsets: BTreeMap<TopicPartition, CommitPosition>,
}

impl Commits {
    /// Reading of `partition` begins here: that is also what the group knows.
    pub(super) fn start(&mut self, partition: TopicPartition, position: CommitPosition) {
        self.moved.insert(partition.clone());
        self.current.insert(partition.clone(), position);
        self.committed.insert(partition, position);
    }

    /// Whether reading of `partition` has begun.
    pub(super) fn has_started(&self, partition: &TopicPartition) -> bool {
        self.current.contains_key(partition)
    }

    /// The records up to here were put.
    pub(super) fn on_put(&mut self, partition: &TopicPartition, position: CommitPosition) {
        self.current.insert(partition.clone(), position);
    }

    /// The task reads `partition` from another offset.
    pub(super) fn rewind(&mut self, partition: &TopicPartition, offset: i64) {
        let position = CommitPosition {
            offset,
            epoch: None,
        };
        self.start(partition.clone(), position);
    }

    /// `partition` is gone.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.moved.remove(partition);
        self.current.remove(partition);
        self.committed.remove(partition);
    }

    /// What the task is asked about: the offsets after the last records that were put.
    pub(super) fn current(&self, of: impl Fn(&TopicPartition) -> bool) -> Offsets {
        let wanted = self.current.iter().filter(|(partition, _)| of(partition));
        wanted
            .map(|(partition, position)| (partition.clone(), position.offset))
            .collect()
    }

    /// The commit of what the task says is safe. `None` when that is nothing new.
    pub(super) fn begin(&mut self, safe: &Offsets, asked: &Offsets) -> Option<Commit> {
        let mut offsets = BTreeMap::new();
        for (partition, offset) in safe.iter() {
            let Some(current) = self
                .current
                .get(partition)
                .filter(|_| asked.get(partition).is_some())
            else {
                tracing::warn!(%partition, offset, "ignoring offset to commit: the partition is not assigned to this task");
                continue;
            };
            if offset > current.offset {
                tracing::warn!(
                    %partition, offset, current = current.offset,
                    "ignoring offset to commit: it is beyond the last record that was put"
                );
                continue;
            }
            let epoch = if offset == current.offset {
                current.epoch
            } else {
                None
            };
            if self
                .committed
                .get(partition)
                .is_none_or(|known| known.offset != offset)
            {
                offsets.insert(partition.clone(), CommitPosition { offset, epoch });
            }
        }
        if offsets.is_empty() {
            return None;
        }
        self.sequence += 1;
        self.moved.clear();
        Some(Commit {
            sequence: self.sequence,
            offsets,
        })
    }

    /// The group has taken these offsets. The answer to a commit that a later one has overtaken changes nothing, and
    /// neither does one about partitions that are gone or are read from elsewhere since.
    pub(super) fn on_committed(&mut self, commit: &Commit) -> bool {
        if commit.sequence != self.sequence {
            return false;
        }
        for (partition, position) in &commit.offsets {
            if let Some(known) = self.committed.get_mut(partition)
                && !self.moved.contains(partition)
            {
                *known = *position;
            }
        }
        true
    }

    /// The task could not make its records safe: what was put since the last commit has to be put again. Answers
    /// where to read on.
    pub(super) fn roll_back(&mut self) -> BTreeMap<TopicPartition, CommitPosition> {
        self.current.clone_from(&self.committed);
        self.committed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("t", number)
    }

    fn at(offset: i64) -> CommitPosition {
        CommitPosition {
            offset,
            epoch: Some(3),
        }
    }

    fn commits() -> Commits {
        let mut commits = Commits::default();
        commits.start(partition(0), at(10));
        commits.start(partition(1), at(20));
        commits
    }

    fn safe(entries: &[(i32, i64)]) -> Offsets {
        entries
            .iter()
            .map(|(number, offset)| (partition(*number), *offset))
            .collect()
    }

    #[test]
    fn only_what_changed_is_committed_and_with_its_epoch() {
        let mut commits = commits();
        commits.on_put(&partition(0), at(15));
        let asked = commits.current(|_| true);
        let commit = commits.begin(&asked, &asked).unwrap();
        assert_eq!(commit.offsets, BTreeMap::from([(partition(0), at(15))]));
        assert!(commits.on_committed(&commit));
        assert_eq!(commits.begin(&asked, &asked), None);
    }

    #[test]
    fn smaller_safe_offset_is_committed_without_an_epoch_that_is_not_its_own() {
        let mut commits = commits();
        commits.on_put(&partition(0), at(15));
        let asked = commits.current(|_| true);
        let commit = commits.begin(&safe(&[(0, 12)]), &asked).unwrap();
        assert_eq!(
            commit.offsets[&partition(0)],
            CommitPosition {
                offset: 12,
                epoch: None
            }
        );
    }

    #[test]
    fn offset_beyond_the_last_record_is_ignored() {
        let mut commits = commits();
        let asked = commits.current(|_| true);
        assert_eq!(commits.begin(&safe(&[(0, 11)]), &asked), None);
    }

    #[test]
    fn offset_of_a_partition_that_was_not_asked_about_is_ignored() {
        let mut commits = commits();
        commits.on_put(&partition(1), at(25));
        let asked = commits.current(|p| p.partition == 0);
        assert_eq!(commits.begin(&safe(&[(1, 25), (7, 1)]), &asked), None);
    }

    #[test]
    fn late_answer_does_not_undo_a_later_commit() {
        let mut commits = commits();
        let asked = |commits: &Commits| commits.current(|_| true);
        commits.on_put(&partition(0), at(15));
        let first = commits.begin(&asked(&commits), &asked(&commits)).unwrap();
        commits.on_put(&partition(0), at(18));
        let second = commits.begin(&asked(&commits), &asked(&commits)).unwrap();
        assert!(commits.on_committed(&second));
        assert!(!commits.on_committed(&first));
        assert_eq!(commits.roll_back()[&partition(0)], at(18));
    }

    #[test]
    fn answer_to_a_commit_does_not_undo_a_rewind_made_meanwhile() {
        let mut commits = commits();
        commits.on_put(&partition(0), at(15));
        commits.on_put(&partition(1), at(25));
        let asked = commits.current(|_| true);
        let commit = commits.begin(&asked, &asked).unwrap();
        commits.rewind(&partition(0), 12);
        assert!(commits.on_committed(&commit));
        let back = commits.roll_back();
        assert_eq!(
            back[&partition(0)].offset,
            12,
            "12 to 14 are to be put again"
        );
        assert_eq!(back[&partition(1)], at(25));
    }

    #[test]
    fn answer_to_a_commit_says_nothing_of_a_partition_that_has_come_back() {
        let mut commits = commits();
        commits.on_put(&partition(0), at(15));
        let asked = commits.current(|_| true);
        let commit = commits.begin(&asked, &asked).unwrap();
        commits.forget(&partition(0));
        commits.start(partition(0), at(11));
        commits.on_committed(&commit);
        assert_eq!(commits.roll_back()[&partition(0)], at(11));
    }

    #[test]
    fn failed_flush_goes_back_to_what_is_committed() {
        let mut commits = commits();
        commits.on_put(&partition(0), at(15));
        assert_eq!(commits.roll_back()[&partition(0)], at(10));
        assert_eq!(commits.current(|_| true).get(&partition(0)), Some(10));
    }

    #[test]
    fn partition_that_is_gone_is_neither_asked_about_nor_rolled_back() {
        let mut commits = commits();
        commits.forget(&partition(0));
        assert_eq!(commits.current(|_| true).len(), 1);
        assert!(!commits.roll_back().contains_key(&partition(0)));
    }
}
