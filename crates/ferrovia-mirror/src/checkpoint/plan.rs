//! Decides which groups are looked after, which checkpoints are written, and which offsets are set. No IO, no clock.
//!
//! # Source
//! `MirrorCheckpointConnector` and `MirrorCheckpointTask`, the methods that their tests call

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ferrovia_client::TopicPartition;
use ferrovia_client::admin::list_groups::ListedGroup;
use ferrovia_client::admin::{CommittedOffset, OffsetToCommit};

use super::record::Checkpoint;
use super::store::CheckpointStore;
use super::sync_store::{SyncStore, Translation};
use crate::settings::CheckpointSettings;

/// Offsets that a group has committed.
pub(super) type Offsets = BTreeMap<TopicPartition, CommittedOffset>;

/// The groups of consumers that the filter chooses.
pub(super) fn chosen(
    settings: &CheckpointSettings,
    listed: &BTreeMap<String, ListedGroup>,
) -> Vec<String> {
    let consumers = listed
        .iter()
        .filter(|(_, group)| matches!(group.protocol_type.as_str(), "consumer" | ""));
    let names = consumers.map(|(name, _)| name);
    names
        .filter(|name| settings.groups.chooses(name))
        .cloned()
        .collect()
}

/// Whether a group has read anything that is copied.
pub(super) fn is_relevant(settings: &CheckpointSettings, offsets: &Offsets) -> bool {
    let mut topics = offsets.keys().map(|partition| &partition.topic);
    topics.any(|topic| settings.topics.chooses(topic))
}

/// Divides groups among at most `tasks_max` tasks: neighbours stay together, and shares differ by one at most.
///
/// # Source
/// `org.apache.kafka.connect.util.ConnectorUtils.groupPartitions`
pub(super) fn divided(groups: &BTreeSet<String>, tasks_max: usize) -> Vec<Vec<String>> {
    let tasks = tasks_max.min(groups.len());
    let (share, left) = (
        groups.len().checked_div(tasks).unwrap_or(0),
        groups.len().checked_rem(tasks).unwrap_or(0),
    );
    let mut groups = groups.iter().cloned();
    let share_of = |task| share + usize::from(task < left);
    (0..tasks)
        .map(|task| groups.by_ref().take(share_of(task)).collect())
        .collect()
}

/// The checkpoints that a group's offsets at the source ask for.
pub(super) fn checkpoints(
    settings: &CheckpointSettings,
    syncs: &SyncStore,
    written: &CheckpointStore,
    group: &str,
    offsets: &Offsets,
) -> Vec<Checkpoint> {
    let chosen = offsets
        .iter()
        .filter(|(partition, _)| settings.topics.chooses(&partition.topic));
    let translated = chosen.filter_map(|(partition, offset)| {
        let downstream = match syncs.translate(partition, offset.offset) {
            Translation::To(downstream) if downstream >= 0 => downstream,
            _ => return None,
        };
        Some(Checkpoint {
            group: group.to_owned(),
            partition: renamed(settings, partition),
            upstream: offset.offset,
            downstream,
            metadata: Arc::clone(&offset.metadata),
        })
    });
    translated
        .filter(|checkpoint| written.is_news(checkpoint))
        .collect()
}

/// What a partition is called at the target. One that came from there has its own name back.
fn renamed(settings: &CheckpointSettings, partition: &TopicPartition) -> TopicPartition {
    let base = &settings.base;
    let topic = &partition.topic;
    if base.policy.topic_source(topic) == Some(&base.target_alias) {
        TopicPartition::new(base.policy.original_topic(topic), partition.partition)
    } else {
        let remote = base.policy.remote_topic(&base.source_alias, topic);
        TopicPartition::new(remote, partition.partition)
    }
}

/// What a group is at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtTarget {
    /// It does not exist.
    Absent,
    /// It has offsets and no members.
    Idle,
    /// It has members, whose offsets are theirs.
    Active,
    /// Not all brokers have told.
    Unknown,
}

impl AtTarget {
    pub(super) fn of(listed: Option<&ListedGroup>, is_complete: bool) -> Self {
        match listed.map(|group| group.state.as_str()) {
            Some("Empty") => Self::Idle,
            Some("Dead") => Self::Absent,
            Some(_) => Self::Active,
            None if is_complete => Self::Absent,
            None => Self::Unknown,
        }
    }
}

/// The offsets to set for a group without members: those that are further than what it has there.
pub(super) fn offsets_to_set(
    checkpoints: &BTreeMap<TopicPartition, Checkpoint>,
    at_target: &Offsets,
) -> Vec<OffsetToCommit> {
    let further = checkpoints.values().filter(|checkpoint| {
        let there = at_target.get(&checkpoint.partition);
        there.is_none_or(|there| there.offset < checkpoint.downstream)
    });
    further
        .map(|checkpoint| OffsetToCommit {
            partition: checkpoint.partition.clone(),
            offset: checkpoint.downstream,
            leader_epoch: None,
            metadata: Arc::clone(&checkpoint.metadata),
        })
        .collect()
}

#[cfg(test)]
mod tests;
