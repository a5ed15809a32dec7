//! Decides what is copied and what has to be made at the target. No IO, no clock.
//!
//! # Source
//! `MirrorSourceConnector`, the methods that its tests call

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ferrovia_client::TopicPartition;
use ferrovia_client::admin::acls::{AclOperation, AclPermission};
use ferrovia_client::admin::config_entries::ConfigSource;
use ferrovia_client::admin::{ConfigChange, ConfigEntry, TopicAcl};
use ferrovia_pipeline::error::ConnectError;

use crate::settings::SourceSettings;
use crate::topics::PartitionCount;

/// Topics and how many partitions each is to have.
pub(super) type Counts = BTreeMap<Arc<str>, i32>;

/// Whether a topic of the source is copied.
pub(super) fn replicates(settings: &SourceSettings, topic: &str) -> bool {
    let policy = &settings.base.policy;
    let is_chosen = settings.topics.chooses(topic)
        || settings.replicate_heartbeats && policy.is_heartbeats_topic(topic);
    is_chosen && !policy.is_internal_topic(topic) && !is_cycle(settings, topic)
}

/// Whether a topic came from the target, so that copying it there would never end.
fn is_cycle(settings: &SourceSettings, topic: &str) -> bool {
    let (policy, target) = (&settings.base.policy, &settings.base.target_alias);
    let mut topic = topic;
    loop {
        match policy.topic_source(topic) {
            None => return false,
            Some(source) if source == target => return true,
            Some(_) => {}
        }
        match policy.upstream_topic(topic) {
            // Policies that keep names say nothing about where a topic has been.
            Some(upstream) if upstream != topic => topic = upstream,
            _ => return false,
        }
    }
}

/// What a topic is called at the target.
pub(super) fn remote(settings: &SourceSettings, topic: &str) -> Arc<str> {
    let base = &settings.base;
    base.policy.remote_topic(&base.source_alias, topic).into()
}

/// The source's topics that are copied.
///
/// # Errors
/// One of them is not known well enough to say how many partitions it has: it would look as if it were gone.
pub(super) fn source_topics(
    settings: &SourceSettings,
    listed: &BTreeMap<Arc<str>, PartitionCount>,
) -> Result<Counts, ConnectError> {
    counted(listed, |topic| replicates(settings, topic))
}

/// The target's topics that are copies of the source's.
///
/// # Errors
/// As for the source's.
pub(super) fn target_topics(
    settings: &SourceSettings,
    listed: &BTreeMap<Arc<str>, PartitionCount>,
) -> Result<Counts, ConnectError> {
    let base = &settings.base;
    let checkpoints = settings.checkpoints_topic();
    counted(listed, |topic| {
        base.policy.topic_source(topic) == Some(&base.source_alias) && topic != checkpoints
    })
}

fn counted(
    listed: &BTreeMap<Arc<str>, PartitionCount>,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Counts, ConnectError> {
    let wanted = listed.iter().filter(|(topic, _)| is_wanted(topic));
    let counts = wanted.map(|(topic, count)| {
        let count = count.map_err(|code| {
            ConnectError::failed(format!(
                "Cannot tell the partitions of topic {topic}: {code}"
            ))
        })?;
        Ok((Arc::clone(topic), count))
    });
    counts.collect()
}

/// All partitions of topics.
pub(super) fn partitions(counts: &Counts) -> BTreeSet<TopicPartition> {
    let all = counts.iter().flat_map(|(topic, count)| {
        (0..*count).map(|partition| TopicPartition::new(Arc::clone(topic), partition))
    });
    all.collect()
}

/// What has to be made at the target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Topics of the source that have no copy.
    pub(super) topics: Counts,
    /// Copies with fewer partitions than the source's topic, by their own names.
    pub(super) partitions: Counts,
}

/// Compares both clusters.
pub(super) fn missing(settings: &SourceSettings, source: &Counts, target: &Counts) -> Missing {
    let mut missing = Missing::default();
    for (topic, count) in source {
        let remote = remote(settings, topic);
        match target.get(&remote) {
            None => {
                missing.topics.insert(Arc::clone(topic), *count);
            }
            Some(there) if there < count => {
                missing.partitions.insert(remote, *count);
            }
            Some(_) => {}
        }
    }
    missing
}

/// What a look at both clusters has brought since the last one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Partitions that are new at the source.
    pub(super) added: usize,
    /// Partitions that are gone there.
    pub(super) deleted: usize,
    /// Partitions of the source without a copy.
    pub(super) missing: usize,
}

impl News {
    /// Compares what was known of the source with what is there now.
    pub(super) fn of(
        settings: &SourceSettings,
        known: &Counts,
        source: &Counts,
        target: &Counts,
    ) -> Self {
        let (known, source) = (partitions(known), partitions(source));
        let copied: BTreeSet<TopicPartition> = partitions(target)
            .into_iter()
            .filter_map(|copy| {
                let upstream = settings.base.policy.upstream_topic(&copy.topic)?;
                Some(TopicPartition::new(upstream, copy.partition))
            })
            .collect();
        Self {
            added: source.difference(&known).count(),
            deleted: known.difference(&source).count(),
            missing: source.difference(&copied).count(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Deals the partitions to at most `tasks_max` tasks in turn, as topics differ in their traffic.
pub(super) fn divided(counts: &Counts, tasks_max: usize) -> Vec<Vec<TopicPartition>> {
    let all = partitions(counts);
    let tasks = tasks_max.min(all.len());
    let mut divided = vec![Vec::new(); tasks];
    for (place, partition) in all.into_iter().enumerate() {
        if let Some(task) = divided.get_mut(place % tasks.max(1)) {
            task.push(partition);
        }
    }
    divided
}

/// Whether a configuration is one to copy at all.
fn is_copied(settings: &SourceSettings, entry: &ConfigEntry) -> bool {
    !entry.is_read_only
        && !entry.is_sensitive
        && entry.source != ConfigSource::StaticBroker
        && settings.properties.chooses(&entry.name)
}

/// The configurations that a new copy gets: those that somebody has set, and with `use.defaults.from=source` the
/// defaults too.
pub(super) fn new_configs(
    settings: &SourceSettings,
    source: &[ConfigEntry],
) -> BTreeMap<String, String> {
    let copied = source.iter().filter(|entry| {
        let is_default = entry.source == ConfigSource::Default;
        (!is_default || settings.properties.copies_defaults()) && is_copied(settings, entry)
    });
    copied
        .filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
        .collect()
}

/// What is to change at a copy: what was set is set there, and what has its default gets it there too.
pub(super) fn config_changes(
    settings: &SourceSettings,
    source: &[ConfigEntry],
) -> BTreeMap<String, ConfigChange> {
    let copied = source.iter().filter(|entry| is_copied(settings, entry));
    copied
        .map(|entry| {
            let is_default = entry.source == ConfigSource::Default;
            let change = if is_default && !settings.properties.copies_defaults() {
                ConfigChange::Delete
            } else {
                ConfigChange::Set(entry.value.clone())
            };
            (entry.name.clone(), change)
        })
        .collect()
}

/// The rules that copies get. Nobody may write to them by these rules, as only the connector does.
pub(super) fn target_acls(settings: &SourceSettings, source: &[TopicAcl]) -> Vec<TopicAcl> {
    let copied = source.iter().filter(|rule| {
        let allows_writing =
            rule.permission == AclPermission::ALLOW && rule.operation == AclOperation::WRITE;
        !allows_writing && replicates(settings, &rule.topic)
    });
    let copies = copied.map(|rule| {
        let allows_all =
            rule.permission == AclPermission::ALLOW && rule.operation == AclOperation::ALL;
        TopicAcl {
            topic: remote(settings, &rule.topic),
            operation: if allows_all {
                AclOperation::READ
            } else {
                rule.operation
            },
            ..rule.clone()
        }
    });
    copies.collect()
}

#[cfg(test)]
mod tests;
