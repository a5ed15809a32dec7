//! The status topic: how connectors and tasks are doing, and which topics they use.
//!
//! # Source
//! `KafkaStatusBackingStore` of Kafka 4.2

mod fold;
mod record;

pub use fold::{StatusFold, may_write_safely};
pub use record::StatusRecord;
