//! What can go wrong in a connector, converter or transformation. The kind of an error is its policy.

use crate::batch::BatchError;
use crate::topic::TopicPartition;

/// An error of a connector's or a record's making.
///
/// # Source
/// `org.apache.kafka.connect.errors`: the kind says what the worker does, as Java's exception classes do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Call again: the same records are delivered anew, without a limit on attempts.
    #[error("{message}")]
    Retriable {
        /// What did not work this time.
        message: String,
        /// The cause below, if there is one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A record cannot be converted or transformed.
    #[error("{message}")]
    Data {
        /// What is wrong with the record.
        message: String,
        /// The cause below, if there is one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A schema cannot be built.
    #[error("{message}")]
    SchemaBuilder {
        /// What is wrong with it.
        message: String,
        /// The cause below, if there is one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A record is of a form that Java's code does not expect: there one of Java's own exceptions is thrown, or a kind of
    /// `DataException` with a class of its own. It counts as an error in the record.
    #[error("{message}")]
    Java {
        /// The exception's class.
        class: &'static str,
        /// Its message.
        message: String,
        /// The cause below, if there is one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A setting is missing or has an unusable value.
    #[error("{message}")]
    Config {
        /// Names the key and what is wrong with its value.
        message: String,
    },
    /// Stop the task: only a person can help.
    #[error("{message}")]
    Failed {
        /// What happened.
        message: String,
        /// The cause below, if there is one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The bytes that a broker sent are not a valid record batch.
    #[error("record batch for partition {partition} at offset {offset} is invalid")]
    Corrupt {
        /// The partition it was fetched from.
        partition: TopicPartition,
        /// The batch's base offset.
        offset: i64,
        /// What is wrong with it.
        #[source]
        source: BatchError,
    },
}

impl ConnectError {
    /// An error after which the same call is made again.
    pub fn retriable(message: impl Into<String>) -> Self {
        Self::Retriable {
            message: message.into(),
            source: None,
        }
    }

    /// An error in a record.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data {
            message: message.into(),
            source: None,
        }
    }

    /// An error in a record, with its cause.
    pub fn data_by(
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Data {
            message: message.into(),
            source: Some(cause.into()),
        }
    }

    /// An error in a record that has an exception class of its own in Java.
    pub fn java(class: &'static str, message: impl Into<String>) -> Self {
        Self::Java {
            class,
            message: message.into(),
            source: None,
        }
    }

    /// As [`java`](Self::java), with its cause.
    pub fn java_by(
        class: &'static str,
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Java {
            class,
            message: message.into(),
            source: Some(cause.into()),
        }
    }

    /// An error in building a schema.
    pub fn schema_builder(message: impl Into<String>) -> Self {
        Self::SchemaBuilder {
            message: message.into(),
            source: None,
        }
    }

    /// An error in building a schema, with its cause.
    pub fn schema_builder_by(
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::SchemaBuilder {
            message: message.into(),
            source: Some(cause.into()),
        }
    }

    /// An error in the configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config {
            message: message.into(),
        }
    }

    /// An error that stops the task.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            source: None,
        }
    }

    /// An error that stops the task, with its cause.
    pub fn failed_by(
        message: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Failed {
            message: message.into(),
            source: Some(Box::new(cause)),
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Retriable { .. })
    }

    /// The Java class that users know this kind of error by.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Retriable { .. } => "org.apache.kafka.connect.errors.RetriableException",
            Self::Data { .. } => "org.apache.kafka.connect.errors.DataException",
            Self::SchemaBuilder { .. } => "org.apache.kafka.connect.errors.SchemaBuilderException",
            Self::Java { class, .. } => class,
            Self::Config { .. } => "org.apache.kafka.common.config.ConfigException",
            Self::Failed { .. } => "org.apache.kafka.connect.errors.ConnectException",
            Self::Corrupt { .. } => "org.apache.kafka.common.KafkaException",
        }
    }

    /// The error and its causes as a trace in Java's form: a line each, the causes after `Caused by: `.
    pub fn trace(&self) -> String {
        let mut trace = format!("{}: {self}", self.class());
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            trace.push_str("\nCaused by: ");
            if let Some(known) = error.downcast_ref::<Self>() {
                trace.push_str(known.class());
                trace.push_str(": ");
            }
            trace.push_str(&error.to_string());
            cause = error.source();
        }
        trace
    }
}
