//! How topics of the source are called at the target, and which topics the connectors keep for themselves.
//!
//! # Source
//! `ReplicationPolicy`, `DefaultReplicationPolicy` and `IdentityReplicationPolicy`

use std::collections::BTreeMap;

const SEPARATOR: &str = "replication.policy.separator";
const INTERNAL_SEPARATOR_ENABLED: &str = "replication.policy.internal.topic.separator.enabled";
const HEARTBEATS: &str = "heartbeats";

/// Names topics. Pure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationPolicy {
    separator: String,
    internal_separator: String,
    /// Whether topics keep their names, and then of which cluster they are.
    identity: Option<Option<String>>,
}

impl ReplicationPolicy {
    /// Puts the source's alias before the topic: `A.orders`. Reads the settings as they were given, as Java does: the
    /// separator keeps its white space, and only a chosen separator can be kept out of internal names.
    pub fn prefixing(settings: &BTreeMap<String, String>) -> Self {
        let separator = settings.get(SEPARATOR);
        let internal = settings
            .get(INTERNAL_SEPARATOR_ENABLED)
            .is_none_or(|text| text.eq_ignore_ascii_case("true"));
        let separator = separator.map_or(".", String::as_str);
        Self {
            separator: separator.to_owned(),
            internal_separator: if internal { separator } else { "." }.to_owned(),
            identity: None,
        }
    }

    /// Leaves names as they are, but for heartbeats.
    pub fn identity(settings: &BTreeMap<String, String>) -> Self {
        Self {
            identity: Some(settings.get("source.cluster.alias").cloned()),
            ..Self::prefixing(settings)
        }
    }

    /// What a topic of the cluster `source` is called at the target.
    pub fn remote_topic(&self, source: &str, topic: &str) -> String {
        if self.keeps_name(topic) {
            topic.to_owned()
        } else {
            format!("{source}{}{topic}", self.separator)
        }
    }

    /// The cluster that a topic was copied from; `None` for one that was not copied.
    pub fn topic_source<'a>(&'a self, topic: &'a str) -> Option<&'a str> {
        match &self.identity {
            Some(alias) if self.keeps_name(topic) => alias.as_deref(),
            _ => self.prefix(topic),
        }
    }

    /// What a topic is called at the cluster that it was copied from; `None` for one that was not copied.
    pub fn upstream_topic<'a>(&self, topic: &'a str) -> Option<&'a str> {
        if self.keeps_name(topic) {
            return Some(topic);
        }
        let prefix = self.prefix(topic)?;
        topic.get(prefix.len() + self.separator.len()..)
    }

    /// What a topic is called where its records were produced.
    pub fn original_topic<'a>(&self, topic: &'a str) -> &'a str {
        let mut topic = topic;
        while let Some(upstream) = self.upstream_topic(topic)
            && upstream != topic
        {
            topic = upstream;
        }
        topic
    }

    /// The topic that heartbeats are written to.
    pub fn heartbeats_topic(&self) -> &'static str {
        HEARTBEATS
    }

    /// The topic of offset syncs that bears this alias.
    pub fn offset_syncs_topic(&self, alias: &str) -> String {
        let separator = &self.internal_separator;
        format!("mm2-offset-syncs{separator}{alias}{separator}internal")
    }

    /// The topic of checkpoints of this cluster's groups.
    pub fn checkpoints_topic(&self, alias: &str) -> String {
        format!("{alias}{}", self.checkpoints_suffix())
    }

    /// Whether a topic holds heartbeats, of whichever cluster.
    pub fn is_heartbeats_topic(&self, topic: &str) -> bool {
        self.original_topic(topic) == HEARTBEATS
    }

    /// Whether a topic holds checkpoints.
    pub fn is_checkpoints_topic(&self, topic: &str) -> bool {
        topic.ends_with(&self.checkpoints_suffix())
    }

    /// Whether a topic is Kafka's own or MirrorMaker's.
    pub fn is_internal_topic(&self, topic: &str) -> bool {
        let suffix = format!("{}internal", self.internal_separator);
        topic.starts_with("mm2") && topic.ends_with(&suffix)
            || self.is_checkpoints_topic(topic)
            || topic.starts_with("__")
            || topic.starts_with('.')
    }

    fn keeps_name(&self, topic: &str) -> bool {
        self.identity.is_some() && !topic.ends_with(HEARTBEATS)
    }

    fn checkpoints_suffix(&self) -> String {
        let separator = &self.internal_separator;
        format!("{separator}checkpoints{separator}internal")
    }

    /// What stands before the first separator, if anything but separators follows. Java splits the name and drops empty
    /// parts at the end; an empty separator splits behind each character.
    fn prefix<'a>(&self, topic: &'a str) -> Option<&'a str> {
        if self.separator.is_empty() {
            let (end, _) = topic.char_indices().nth(1)?;
            return topic.get(..end);
        }
        let (prefix, rest) = topic.split_once(&self.separator)?;
        let followed = rest.split(&self.separator).any(|part| !part.is_empty());
        followed.then_some(prefix)
    }
}

#[cfg(test)]
mod tests;
