//! Typed requests about offsets, topics, their configurations, groups and producers: each a plain async function over a
//! [`Cluster`](crate::Cluster), with retries until `default.api.timeout.ms` where a retry can help.

pub mod configs;
pub mod fence;
pub mod groups;
pub mod offsets;
pub mod topics;

mod leaders;
mod retry;

pub use self::configs::TopicConfigs;
pub use self::fence::fence_producers;
pub use self::groups::{CommittedOffset, OffsetToCommit};
pub use self::offsets::{EpochEnd, ListedOffset, OffsetQuery, OffsetSpec};
pub use self::topics::{NewTopic, TopicOutcome};
