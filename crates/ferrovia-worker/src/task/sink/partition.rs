//! Partitions on either side of the worker: the client and the pipeline do not know each other, and meet here.

use std::sync::Arc;

use ferrovia_client::TopicPartition as ClientPartition;
use ferrovia_pipeline::topic::TopicPartition;

pub(super) fn from_client(partition: &ClientPartition) -> TopicPartition {
    TopicPartition {
        topic: Arc::clone(&partition.topic),
        partition: partition.partition,
    }
}

pub(super) fn to_client(partition: &TopicPartition) -> ClientPartition {
    ClientPartition {
        topic: Arc::clone(&partition.topic),
        partition: partition.partition,
    }
}
