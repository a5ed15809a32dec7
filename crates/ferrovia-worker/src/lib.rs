//! The Kafka Connect worker: runs connectors and tasks.
