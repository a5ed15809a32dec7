//! Why a batch or a transaction failed, and what Java's producer calls that.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::stamp::ProducerIdentity;
use crate::error::ClientError;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Why a batch was not produced or a transaction not completed. Messages that Java has are Java's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProduceError {
    /// The partition's leader refused the batch, for good or for the last of its `retries`.
    #[error("Produce refused for {partition}: {code}{}", in_words(detail.as_deref()))]
    Refused {
        /// The partition.
        partition: TopicPartition,
        /// Kafka's error code.
        code: ErrorCode,
        /// The broker's own words, where it sent some.
        detail: Option<Arc<str>>,
    },
    /// The batch was neither acknowledged nor refused within `delivery.timeout.ms`. It may be in the
    /// log.
    #[error("Expiring {records} record(s) for {partition}:{} ms has passed since batch creation{}", waited.as_millis(), in_words(last.as_deref()))]
    Expired {
        /// Records in the batch.
        records: i32,
        /// The partition.
        partition: TopicPartition,
        /// Since the batch was queued, after what `max.block.ms` limits.
        waited: Duration,
        /// What stood in the way last.
        last: Option<Arc<str>>,
    },
    /// The metadata did not name the partition within `max.block.ms`.
    #[error("{}", missing_text(partition, *partition_count, *waited))]
    NotInMetadata {
        /// The partition.
        partition: TopicPartition,
        /// The topic's partitions, if it exists.
        partition_count: Option<usize>,
        /// `max.block.ms`
        waited: Duration,
    },
    /// Brokers refuse the topic itself.
    #[error("{}", bad_topic_text(topic, *code))]
    BadTopic {
        /// The topic.
        topic: Arc<str>,
        /// Kafka's error code.
        code: ErrorCode,
    },
    /// `buffer.memory` was used up for all of `max.block.ms`.
    #[error("Failed to allocate {bytes} bytes within the configured max blocking time {} ms. Total memory: {total} bytes. Available memory: {available} bytes. Poolable size: {poolable} bytes", waited.as_millis())]
    BufferExhausted {
        /// Bytes of the batch.
        bytes: usize,
        /// `max.block.ms`
        waited: Duration,
        /// `buffer.memory`
        total: usize,
        /// Free at the end of the wait.
        available: usize,
        /// `batch.size`
        poolable: usize,
    },
    /// What was handed over is not one sealed batch of record format 2.
    #[error("not a record batch: {reason}")]
    NotABatch {
        /// What is wrong with its header.
        reason: &'static str,
    },
    /// A transactional producer was asked for without a `transactional.id`.
    #[error("Transactional method invoked on a non-transactional producer.")]
    NoTransactionalId,
    /// A newer producer with the same transactional id took over.
    #[error("Producer with transactionalId '{transactional_id}' and {} has been fenced by another producer with the same transactionalId", java_text(*identity))]
    Fenced {
        /// The transactional id.
        transactional_id: Arc<str>,
        /// The fenced producer.
        identity: Option<ProducerIdentity>,
    },
    /// The transaction was aborted before the batch was sent.
    #[error("Failing batch since transaction was aborted")]
    Aborted,
    /// The transaction has failed and can only be aborted.
    #[error("Cannot execute transactional method because we are in an error state: {cause}")]
    Abortable {
        /// What made it fail.
        #[source]
        cause: Box<Self>,
    },
    /// The producer has failed and can only be dropped.
    #[error("Cannot execute transactional method because we are in an error state: {cause}")]
    Fatal {
        /// What made it fail.
        #[source]
        cause: Box<Self>,
    },
    /// The coordinator refused a request of a transaction.
    #[error("{api}: {code}")]
    Coordinator {
        /// The request.
        api: &'static str,
        /// Kafka's error code.
        code: ErrorCode,
    },
    /// The call was not completed within `max.block.ms`. What becomes of a commit is not known.
    #[error("Timeout expired after {}ms while awaiting {operation}", waited.as_millis())]
    TimedOut {
        /// What Java calls it.
        operation: &'static str,
        /// `max.block.ms`
        waited: Duration,
    },
    /// A request failed below the level of batches, for a batch for the last of its `retries`.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The producer was dropped first.
    #[error("The producer closed forcefully")]
    Closed,
}

impl ProduceError {
    /// Whether handing the same batch over again may succeed. It may then be in the log twice,
    /// because an idempotent producer knows repetitions of its own only.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Expired { .. }
            | Self::NotInMetadata { .. }
            | Self::BufferExhausted { .. }
            | Self::TimedOut { .. } => true,
            Self::Refused { code, .. } | Self::Coordinator { code, .. } => code.is_retriable(),
            Self::Client(error) => {
                error.is_retriable() || matches!(error, ClientError::GaveUp { .. })
            }
            _ => false,
        }
    }

    /// Whether a transactional producer is of no further use after this error.
    ///
    /// # Source
    /// `TransactionManager.maybeTransitionToErrorState`
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Fenced { .. } | Self::Fatal { .. } | Self::Closed => true,
            Self::Client(ClientError::NoCommonVersion { .. }) => true,
            Self::Client(_) | Self::Refused { .. } | Self::Coordinator { .. } => {
                self.code().is_some_and(ErrorCode::is_fatal_to_producers)
            }
            _ => false,
        }
    }

    /// The error code, where a broker sent one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. }
            | Self::BadTopic { code, .. }
            | Self::Coordinator { code, .. } => Some(*code),
            Self::Client(error) => error.code(),
            Self::Abortable { cause } | Self::Fatal { cause } => cause.code(),
            Self::Fenced { .. } => Some(ErrorCode::PRODUCER_FENCED),
            _ => None,
        }
    }

    /// The class of the exception that Java's producer throws in this case.
    #[must_use]
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Refused { code, .. }
            | Self::BadTopic { code, .. }
            | Self::Coordinator { code, .. } => code.java_class(),
            Self::Expired { .. } | Self::NotInMetadata { .. } | Self::TimedOut { .. } => {
                "org.apache.kafka.common.errors.TimeoutException"
            }
            Self::BufferExhausted { .. } => {
                "org.apache.kafka.clients.producer.BufferExhaustedException"
            }
            Self::NotABatch { .. } => "java.lang.IllegalArgumentException",
            Self::NoTransactionalId => "java.lang.IllegalStateException",
            Self::Fenced { .. } => "org.apache.kafka.common.errors.ProducerFencedException",
            Self::Aborted => "org.apache.kafka.common.errors.TransactionAbortedException",
            Self::Abortable { .. } | Self::Fatal { .. } | Self::Closed => {
                "org.apache.kafka.common.KafkaException"
            }
            Self::Client(error) => error.code().map_or_else(
                || match error.is_retriable() || matches!(error, ClientError::GaveUp { .. }) {
                    true => "org.apache.kafka.common.errors.TimeoutException",
                    false => "org.apache.kafka.common.KafkaException",
                },
                ErrorCode::java_class,
            ),
        }
    }
}

fn in_words(detail: Option<&str>) -> String {
    detail.map(|text| format!(": {text}")).unwrap_or_default()
}

/// `ProducerIdAndEpoch.toString`
fn java_text(identity: Option<ProducerIdentity>) -> String {
    let (id, epoch) = identity.map_or((-1, -1), |identity| (identity.id, identity.epoch));
    format!("ProducerIdAndEpoch(producerId={id}, epoch={epoch})")
}

/// `KafkaProducer.getErrorMessage`
fn missing_text(partition: &TopicPartition, count: Option<usize>, waited: Duration) -> String {
    let (topic, number, millis) = (&partition.topic, partition.partition, waited.as_millis());
    match count {
        None => format!("Topic {topic} not present in metadata after {millis} ms."),
        Some(count) => format!(
            "Partition {number} of topic {topic} with partition count {count} is not present in \
             metadata after {millis} ms."
        ),
    }
}

/// The messages of Java's `TopicAuthorizationException` and `InvalidTopicException`.
fn bad_topic_text(topic: &str, code: ErrorCode) -> String {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            format!("Not authorized to access topics: [{topic}]")
        }
        ErrorCode::INVALID_TOPIC_EXCEPTION => format!("Invalid topics: [{topic}]"),
        code => format!("topic {topic} cannot be produced to: {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_javas() {
        let bad_topic = |code| ProduceError::BadTopic {
            topic: "t".into(),
            code,
        };
        let check = |error: ProduceError, text: &str| assert_eq!(error.to_string(), text);
        check(
            bad_topic(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            "Not authorized to access topics: [t]",
        );
        check(
            bad_topic(ErrorCode::INVALID_TOPIC_EXCEPTION),
            "Invalid topics: [t]",
        );
        let timed_out = ProduceError::TimedOut {
            operation: "EndTxn(true)",
            waited: Duration::from_secs(60),
        };
        check(
            timed_out,
            "Timeout expired after 60000ms while awaiting EndTxn(true)",
        );
    }
}
