//! Typed requests about offsets, topics, their configurations, groups and producers: each a plain async function over a
//! [`Cluster`](crate::Cluster), with retries until `default.api.timeout.ms` where a retry can help.

pub mod acls;
pub mod alter_configs;
pub mod config_entries;
pub mod configs;
pub mod fence;
pub mod groups;
pub mod list_groups;
pub mod offsets;
pub mod partitions;
pub mod topics;

mod leaders;
mod retry;

pub use self::acls::TopicAcl;
pub use self::alter_configs::ConfigChange;
pub use self::config_entries::ConfigEntry;
pub use self::configs::TopicConfigs;
pub use self::fence::fence_producers;
pub use self::groups::{CommittedOffset, OffsetToCommit};
pub use self::offsets::{EpochEnd, ListedOffset, OffsetQuery, OffsetSpec};
pub use self::topics::{NewTopic, TopicOutcome};
