//! The config topic: what users want to run, and what its leader has made of it.
//!
//! A [`ConfigRecord`] is one record of it, [`ConfigFold`] reads them in order, and a [`ConfigSnapshot`] is what they came
//! to.
//!
//! # Source
//! `KafkaConfigBackingStore` and `ClusterConfigState` of Kafka 4.2

mod fold;
mod parse;
mod record;
mod restart;
mod session_key;
mod snapshot;
mod target_state;

pub use fold::{ConfigChange, ConfigFold};
pub use parse::RecordFault;
pub use record::ConfigRecord;
pub use restart::RestartRequest;
pub use session_key::SessionKey;
pub use snapshot::ConfigSnapshot;
pub use target_state::TargetState;
