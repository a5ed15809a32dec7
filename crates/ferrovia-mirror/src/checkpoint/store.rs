//! The checkpoints that were written last, so that none is written twice and none goes back. No IO, no clock.
//!
//! # Source
//! `org.apache.kafka.connect.mirror.CheckpointStore`, and `checkpointIsMoreRecent` of the task

use std::collections::{BTreeMap, BTreeSet};

use ferrovia_client::TopicPartition;

use super::record::Checkpoint;
use crate::bytes::BytesError;

/// The newest checkpoints of a task's groups.
#[derive(Debug, Default)]
pub(super) struct CheckpointStore {
    groups: BTreeMap<String, BTreeMap<TopicPartition, Checkpoint>>,
}

impl CheckpointStore {
    /// Takes a record of the topic of checkpoints, if it is about one of `groups`. Those that were deleted tell nothing.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub(super) fn on_record(
        &mut self,
        groups: &BTreeSet<String>,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), BytesError> {
        let Some(value) = value else { return Ok(()) };
        let checkpoint = Checkpoint::decode(key, value)?;
        if groups.contains(&checkpoint.group) {
            self.put(checkpoint);
        }
        Ok(())
    }

    /// Whether a checkpoint is to be written: the first of its partition, one that follows its group back, or one that is
    /// further at the target than the last.
    pub(super) fn is_news(&self, checkpoint: &Checkpoint) -> bool {
        let of_group = self.groups.get(&checkpoint.group);
        let last = of_group.and_then(|partitions| partitions.get(&checkpoint.partition));
        last.is_none_or(|last| {
            checkpoint.upstream < last.upstream || checkpoint.downstream > last.downstream
        })
    }

    /// Remembers a checkpoint that is written.
    pub(super) fn put(&mut self, checkpoint: Checkpoint) {
        self.groups
            .entry(checkpoint.group.clone())
            .or_default()
            .insert(checkpoint.partition.clone(), checkpoint);
    }

    /// The checkpoints of each group.
    pub(super) fn groups(&self) -> &BTreeMap<String, BTreeMap<TopicPartition, Checkpoint>> {
        &self.groups
    }

    /// Forgets all: they could not be read to the end.
    pub(super) fn clear(&mut self) {
        self.groups.clear();
    }
}

#[cfg(test)]
mod tests;
