//! How far sources have read: the records that say so, and the places in which they are kept.
//!
//! A worker of a cluster keeps them in the offsets `topic`, to which a connector may add one of its own; a worker that is
//! alone keeps them in a `file`, which holds the same records in a map of Java's (`java_file`).
//!
//! # Source
//! `KafkaOffsetBackingStore`, `FileOffsetBackingStore`, `ConnectorOffsetBackingStore` and `OffsetUtils` of Kafka 4.2

mod record;
mod fold;
mod table;
mod topic;
mod java_file;
mod file;
mod store;
mod reader;

pub use fold::{MergedOffsets, OffsetFold, SourceOffset};
pub use record::{map_of_json, offset_key, offset_value};
pub use store::{OffsetStore, OffsetStoreError, Offsets, SealedOffsets};
