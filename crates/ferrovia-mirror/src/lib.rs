//! MirrorMaker's connectors: they copy topics of another Kafka cluster, how far its groups have read, and heartbeats.
//!
//! In reading order: what users set (`settings`), how topics are called at the target (`policy`), what is copied
//! (`filter`), how both clusters are reached (`clients`), what the connectors have in common in writing and altering
//! offsets, and the three connectors.
//!
//! # Source
//! `org.apache.kafka.connect.mirror` of Kafka 4.2 (KIP-382)

pub mod settings;
pub mod policy;
pub mod filter;
pub mod clients;
pub mod sync;
mod jobs;
mod topics;
mod internal_topic;
mod altered;
mod bytes;
mod walk;
mod topic_reader;
#[cfg(test)]
mod testing;
pub mod source;
pub mod heartbeat;
pub mod checkpoint;

use ferrovia_pipeline::connector::ConnectorPlugin;

/// MirrorMaker's connectors, in the order in which plugins are listed.
pub fn plugins() -> Vec<ConnectorPlugin> {
    vec![source::PLUGIN, checkpoint::PLUGIN, heartbeat::PLUGIN]
}

/// What the plugins' statuses show: the version of Kafka whose connectors these are.
const VERSION: &str = "4.2.0";
