//! What can be wrong with an internal topic.

use std::sync::Arc;

use ferrovia_client::ErrorCode;
use ferrovia_client::error::ClientError;
use ferrovia_client::produce::ProduceError;
use ferrovia_pipeline::batch::WriteError;

use crate::storage::log::TopicPurpose;

/// Why an internal topic cannot be used, or a record not be written. The words are Java's where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicLogError {
    /// The brokers refuse to make the topic.
    #[error("Error while attempting to create/find topic(s) '{topic}': {code}{}", detail.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Create {
        /// The topic.
        topic: Arc<str>,
        /// Kafka's error code.
        code: ErrorCode,
        /// The broker's words.
        detail: Option<Arc<str>>,
    },
    /// No broker answered in time.
    #[error(
        "Timed out while checking for or creating topic(s) '{topic}'. This could indicate a connectivity issue, \
         unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create."
    )]
    TimedOut {
        /// The topic.
        topic: Arc<str>,
        /// What stood in the way.
        #[source]
        source: ClientError,
    },
    /// The topic does not appear in the brokers' metadata.
    #[error(
        "Could not look up partition metadata for topic '{topic}' in the allotted period. This could indicate a \
         connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken \
         too long to create."
    )]
    NoMetadata {
        /// The topic.
        topic: Arc<str>,
    },
    /// The topic forgets records by age or size.
    #[error(
        "Topic '{topic}' supplied via the '{}' property is required to have 'cleanup.policy=compact' to guarantee \
         consistency and durability of {}, but found the topic currently has 'cleanup.policy={found}'. Continuing would \
         likely result in eventually losing {} and problems restarting this Connect cluster in the future. Change the \
         '{}' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact'.",
        purpose.property(), purpose.contents(), purpose.contents(), purpose.property()
    )]
    CleanupPolicy {
        /// The topic.
        topic: Arc<str>,
        /// What it is for.
        purpose: TopicPurpose,
        /// Its policies.
        found: String,
    },
    /// The config topic has several partitions, so that its records have no order.
    #[error(
        "Topic '{topic}' supplied via the '{}' property is required to have a single partition in order to guarantee \
         consistency of {}, but found {partitions} partitions.",
        purpose.property(), purpose.contents()
    )]
    Partitions {
        /// The topic.
        topic: Arc<str>,
        /// What it is for.
        purpose: TopicPurpose,
        /// How many it has.
        partitions: i32,
    },
    /// The brokers do not answer a question about the topic.
    #[error("cannot describe topic '{topic}'")]
    Describe {
        /// The topic.
        topic: Arc<str>,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// The brokers refuse records for good.
    #[error("cannot write to topic '{topic}'")]
    Refused {
        /// The topic.
        topic: Arc<str>,
        /// Why.
        #[source]
        source: ProduceError,
    },
    /// A record is larger than the format allows.
    #[error("cannot write a record to topic '{topic}'")]
    TooLarge {
        /// The topic.
        topic: Arc<str>,
        /// Why.
        #[source]
        source: WriteError,
    },
    /// The log was closed.
    #[error("the log was closed")]
    Closed,
}
