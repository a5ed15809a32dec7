//! The offsets topic: how far sources have read.
//!
//! # Source
//! `KafkaOffsetBackingStore` and `OffsetUtils` of Kafka 4.2

mod fold;
mod record;
mod store;

pub use fold::{MergedOffsets, OffsetFold, SourceOffset};
pub use record::{offset_key, offset_value};
pub use store::{OffsetStore, OffsetStoreError};
