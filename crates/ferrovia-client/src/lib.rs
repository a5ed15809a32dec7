//! A Kafka wire client: bytes in, bytes out. It knows brokers and never opens a record.
//!
//! In reading order: what a user sets (`settings`), memory (`budget`), the wire format (`wire`),
//! one connection (`net`), and what is built on them.

pub mod settings;
pub mod budget;
pub mod error;
pub mod wire;
pub mod net;
pub mod cluster;
pub mod fetch;
pub mod admin;
pub mod produce;
pub mod group;
mod topic_partition;

pub use budget::{Credit, FramePool, MemoryBudget};
pub use cluster::Cluster;
pub use error::{ClientError, CloseReason};
pub use net::Connection;
pub use produce::{Producer, TransactionalProducer};
pub use settings::{
    Acks, BrokerAddress, ClientSettings, ConsumerSettings, ProducerSettings, SettingsError,
};
pub use topic_partition::TopicPartition;
pub use wire::ErrorCode;
