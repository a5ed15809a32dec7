//! Makes topics that records are for and that are not there (KIP-158). Each topic is looked at once in a task's life.
//!
//! # Source
//! `AbstractWorkerSourceTask.maybeCreateTopic`, and `TopicAdmin` for what refusals mean

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use ferrovia_client::ErrorCode;
use ferrovia_client::admin::topics::{NewTopic, TopicOutcome, create_topics};
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::error::ClientError;
use ferrovia_client::settings::ClientSettings;
use ferrovia_pipeline::error::ConnectError;

use crate::config::connector::SourceConfig;

/// How topics are made.
#[derive(Clone, Debug)]
pub struct CreationSpec {
    /// Who asks.
    pub admin: ClientSettings,
    /// What is asked for.
    pub config: SourceConfig,
}

/// Makes topics.
pub(super) struct Creation {
    /// `None` where topics are not made: then brokers make them, or wait for somebody who does.
    admin: Option<Admin>,
    checked: BTreeSet<Arc<str>>,
}

struct Admin {
    cluster: Cluster,
    config: SourceConfig,
}

impl Creation {
    /// Connects on the current event loop.
    pub(super) fn new(spec: Option<CreationSpec>) -> Self {
        let admin = spec.map(|spec| Admin {
            cluster: Cluster::new(spec.admin, FramePool::new(IDLE_BUFFERS_BYTES)),
            config: spec.config,
        });
        Self {
            admin,
            checked: BTreeSet::new(),
        }
    }

    /// Makes sure that a topic is there, or that nobody is to make it.
    ///
    /// # Errors
    /// In Java's words: retriable when the brokers cannot say whether it is there.
    ///
    /// # Cancel safety
    /// The topic may have been made or not when the future is dropped.
    pub(super) async fn ensure(&mut self, topic: &Arc<str>) -> Result<(), ConnectError> {
        let Some(admin) = &self.admin else {
            return Ok(());
        };
        if self.checked.contains(topic) {
            return Ok(());
        }
        tracing::info!(
            "The task will send records to topic '{topic}' for the first time. Checking whether topic exists"
        );
        if admin.exists(topic).await? {
            tracing::info!("Topic '{topic}' already exists.");
        } else {
            admin.create(topic).await?;
        }
        self.checked.insert(Arc::clone(topic));
        Ok(())
    }
}

impl Admin {
    async fn exists(&self, topic: &Arc<str>) -> Result<bool, ConnectError> {
        self.cluster.add_topics([Arc::clone(topic)]);
        let view = self.cluster.refresh().await.map_err(|error| {
            let what = format!("Timed out while describing topics '{topic}'");
            ConnectError::Retriable {
                message: what,
                source: Some(Box::new(error)),
            }
        })?;
        let error = view
            .topics
            .get(topic)
            .map_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, |known| known.error);
        match error {
            ErrorCode::NONE => Ok(true),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Ok(false),
            ErrorCode::TOPIC_AUTHORIZATION_FAILED => Err(failed(
                format!(
                    "Not authorized to describe topic(s) '{topic}' on the brokers {}",
                    self.brokers()
                ),
                error,
            )),
            // It is being made, or looks for a leader: it is there.
            error if error.is_retriable() => Ok(true),
            error => Err(failed(
                format!("Error while attempting to describe topics '{topic}'"),
                error,
            )),
        }
    }

    async fn create(&self, topic: &Arc<str>) -> Result<(), ConnectError> {
        tracing::info!("Creating topic '{topic}'");
        let group = self.config.group_of(topic);
        let new = NewTopic {
            name: Arc::clone(topic),
            partitions: group.and_then(|group| group.partitions),
            replication_factor: group.and_then(|group| group.replication_factor),
            configs: group.map(|group| group.configs.clone()).unwrap_or_default(),
        };
        let group = group.map_or("default", |group| &*group.name);
        let answered = create_topics(&self.cluster, std::slice::from_ref(&new), false).await;
        let outcome = match answered {
            Ok(outcomes) => outcomes.into_values().next().unwrap_or(Ok(())),
            Err(error) => return Err(unanswered(topic, error)),
        };
        judge(&new, group, outcome)
    }

    fn brokers(&self) -> String {
        let servers = &self.cluster.settings().bootstrap_servers;
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        servers.join(",")
    }
}

/// What the brokers' answer means.
fn judge(new: &NewTopic, group: &str, outcome: TopicOutcome) -> Result<(), ConnectError> {
    let (topic, shown) = (&new.name, Shown(new));
    let Err((code, reason)) = outcome else {
        tracing::info!("Created topic '{shown}' using creation group {group}");
        return Ok(());
    };
    match code {
        ErrorCode::TOPIC_ALREADY_EXISTS => {
            tracing::info!("Found existing topic '{shown}'");
            Ok(())
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED
        | ErrorCode::UNSUPPORTED_VERSION
        | CLUSTER_AUTHORIZATION_FAILED => {
            tracing::warn!("Request to create new topic '{topic}' failed");
            Err(ConnectError::failed(format!(
                "Task failed to create new topic {shown}. Ensure that the task is authorized to create topics or that \
                 the topic exists and restart the task"
            )))
        }
        INVALID_CONFIG => {
            let reason = reason.as_deref().unwrap_or_else(|| code.message());
            let what = format!("Unable to create topic(s) '{topic}': {reason}");
            Err(failed(what, code))
        }
        code => {
            let reason = reason.as_deref().unwrap_or_else(|| code.message());
            Err(ConnectError::Failed {
                message: format!("Error while attempting to create/find topic(s) '{topic}'"),
                source: Some(format!("{}: {reason}", code.name()).into()),
            })
        }
    }
}

fn unanswered(topic: &str, error: ClientError) -> ConnectError {
    ConnectError::failed_by(
        format!(
            "Timed out while checking for or creating topic(s) '{topic}'. This could indicate a connectivity issue, \
             unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create."
        ),
        error,
    )
}

fn failed(message: String, code: ErrorCode) -> ConnectError {
    ConnectError::Failed {
        message,
        source: Some(format!("{}: {}", code.name(), code.message()).into()),
    }
}

/// A topic to be made, as Java shows it.
struct Shown<'n>(&'n NewTopic);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(new) = self;
        let or_default = |number: Option<String>| number.unwrap_or_else(|| "default".to_owned());
        let configs: Vec<String> = new
            .configs
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        write!(
            f,
            "(name={}, numPartitions={}, replicationFactor={}, replicasAssignments=null, configs={{{}}})",
            new.name,
            or_default(new.partitions.map(|it| it.to_string())),
            or_default(new.replication_factor.map(|it| it.to_string())),
            configs.join(", ")
        )
    }
}

const CLUSTER_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(31);
const INVALID_CONFIG: ErrorCode = ErrorCode(40);
/// Idle buffers of the admin's connections.
const IDLE_BUFFERS_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewTopic {
        NewTopic {
            name: "t".into(),
            partitions: Some(3),
            replication_factor: None,
            configs: [("a".to_owned(), "b".to_owned())].into(),
        }
    }

    #[test]
    fn refusals_are_told_in_javas_words() {
        let told = |code, reason: Option<&str>| {
            let outcome = Err((code, reason.map(Into::into)));
            judge(&new(), "g", outcome).map_err(|error| error.to_string())
        };
        assert_eq!(told(ErrorCode::TOPIC_ALREADY_EXISTS, None), Ok(()));
        assert_eq!(
            told(ErrorCode::TOPIC_AUTHORIZATION_FAILED, None).unwrap_err(),
            "Task failed to create new topic (name=t, numPartitions=3, replicationFactor=default, \
             replicasAssignments=null, configs={a=b}). Ensure that the task is authorized to create topics or that the \
             topic exists and restart the task"
        );
        assert_eq!(
            told(INVALID_CONFIG, Some("Unknown topic config name: a")).unwrap_err(),
            "Unable to create topic(s) 't': Unknown topic config name: a"
        );
        assert_eq!(
            told(ErrorCode(38), None).unwrap_err(),
            "Error while attempting to create/find topic(s) 't'"
        );
    }
}
