//! Sends sealed record batches to the partitions' leaders and tells where they landed.
//!
//! It never opens a batch: of an idempotent or transactional producer's batches it writes three
//! numbers into the header. One that is too large for its topic goes in parts, where the settings name
//! somebody who divides it. Order holds per partition, also when batches are sent again. Without
//! idempotence a partition has one batch on its way at a time, and an answer that was lost means
//! that a batch may be in the log twice; with it, several are on their way and none is there twice.
//!
//! In reading order: what is written into a batch (`stamp`), which batches go when (`window`), how
//! they travel (`message`, `driver`), where ids come from (`idempotence`), and `transaction`.

mod driver;
mod entrance;
mod error;
mod idempotence;
mod message;
mod stamp;
pub mod partitioner;
pub mod transaction;
mod window;

pub use self::entrance::Ack;
pub use self::error::ProduceError;
pub(crate) use self::idempotence::init_producer_id;
pub use self::message::{Part, Produced};
pub use self::stamp::ProducerIdentity;
pub use self::transaction::{Transaction, TransactionalProducer};

use bytes::Bytes;

use self::entrance::Entrance;
use self::window::Numbering;
use crate::cluster::Cluster;
use crate::settings::ProducerSettings;
use crate::topic_partition::TopicPartition;

/// Sends batches, each on its own. Dropping it abandons what has not been acknowledged.
#[derive(Debug)]
pub struct Producer {
    entrance: Entrance,
}

impl Producer {
    /// A producer on the current runtime, idempotent if the settings say so. It takes no notice of
    /// a transactional id: that is for [`TransactionalProducer`].
    #[must_use]
    pub fn new(cluster: Cluster, settings: ProducerSettings) -> Self {
        let numbering = if settings.is_idempotent {
            Numbering::Idempotent
        } else {
            Numbering::None
        };
        let entrance = Entrance::open(cluster, settings, numbering, None);
        Self { entrance }
    }

    /// Queues one sealed record batch, with no producer in its header. Bytes that nobody else holds
    /// are not copied. Waits for at most `max.block.ms` until the metadata names the partition and
    /// there is room in `buffer.memory`; a batch larger than that waits until it is alone.
    ///
    /// All that goes wrong is told by the [`Ack`], so that it is told in order.
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    ///
    /// # Source
    /// `KafkaProducer.doSend`
    pub async fn send(&self, partition: TopicPartition, batch: Bytes) -> Ack {
        self.entrance.send(partition, batch).await
    }
}
