//! Predicates: which records a transformation applies to.
//!
//! # Source
//! `org.apache.kafka.connect.transforms.predicates` of Kafka 4.2

mod has_header_key;
mod record_is_tombstone;
mod topic_name_matches;

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::config::ConfigDef;
use crate::connector::is_plugin_named;
use crate::data::Record;
use crate::error::ConnectError;
use crate::transform::Scope;

/// Tells records apart.
///
/// # Source
/// `org.apache.kafka.connect.transforms.predicates.Predicate`
pub trait Predicate: Send + Debug {
    /// Whether it holds for a record.
    fn test(&self, record: &Record<'_>) -> bool;

    /// What it looks at, so that the rest need not be decoded for it.
    fn scope(&self) -> Scope;
}

/// A predicate that users can configure: its name, its settings and how to make one.
#[derive(Clone, Copy, Debug)]
pub struct PredicatePlugin {
    /// Java's class name.
    pub class: &'static str,
    /// The definitions of its settings, without the prefix that says whose they are.
    pub config: fn() -> ConfigDef,
    /// Makes one with these settings, without a prefix.
    #[expect(
        clippy::type_complexity,
        reason = "the type says everything, and a name for it would hide that"
    )]
    pub new: fn(&BTreeMap<String, String>) -> Result<Box<dyn Predicate>, ConnectError>,
}

impl PredicatePlugin {
    /// Whether users may call this predicate `name`.
    pub fn is_named(&self, name: &str) -> bool {
        is_plugin_named(self.class, "Predicate", name)
    }

    /// The predicate that users call `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        PLUGINS.iter().find(|plugin| plugin.is_named(name))
    }
}

/// All predicates, in the order in which Java lists them.
pub const PLUGINS: &[PredicatePlugin] = &[
    PredicatePlugin {
        class: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        config: has_header_key::config,
        new: |settings| Ok(Box::new(has_header_key::new(settings)?)),
    },
    PredicatePlugin {
        class: "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        config: record_is_tombstone::config,
        new: |_| Ok(Box::new(record_is_tombstone::RecordIsTombstone)),
    },
    PredicatePlugin {
        class: "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        config: topic_name_matches::config,
        new: |settings| Ok(Box::new(topic_name_matches::new(settings)?)),
    },
];
