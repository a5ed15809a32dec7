//! Makes sure that an internal topic exists and is fit for its purpose.
//!
//! # Source
//! `KafkaTopicBasedBackingStore`, `TopicAdmin` and the start of `KafkaBasedLog`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::admin::configs::topic_configs;
use ferrovia_client::admin::topics::{NewTopic, create_topics};
use ferrovia_client::error::ClientError;
use ferrovia_client::{Cluster, ErrorCode};
use tokio::time::{Instant, sleep};

use crate::storage::log::TopicLogError;

/// What an internal topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicPurpose {
    /// The configurations of connectors and tasks. It has one partition.
    Configs,
    /// The offsets of sources.
    Offsets,
    /// The statuses of connectors and tasks.
    Statuses,
}

impl TopicPurpose {
    /// The worker's setting that names the topic.
    pub fn property(self) -> &'static str {
        match self {
            Self::Configs => "config.storage.topic",
            Self::Offsets => "offset.storage.topic",
            Self::Statuses => "status.storage.topic",
        }
    }

    /// What is in it, in Java's words.
    pub fn contents(self) -> &'static str {
        match self {
            Self::Configs => "connector configurations",
            Self::Offsets => "source connector offsets",
            Self::Statuses => "connector and task statuses",
        }
    }
}

/// An internal topic, as it is made if it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalTopic {
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub purpose: TopicPurpose,
    /// How many partitions; `None` for the brokers' default.
    pub partitions: Option<i32>,
    /// How many copies of each; `None` for the brokers' default.
    pub replication_factor: Option<i16>,
    /// Configurations beside `cleanup.policy`, which is always `compact`.
    pub configs: BTreeMap<String, String>,
}

/// Finds or makes the topic and answers how many partitions it has.
pub(super) async fn ensure(cluster: &Cluster, topic: &InternalTopic) -> Result<i32, TopicLogError> {
    if !create(cluster, topic).await? {
        check_cleanup_policy(cluster, topic).await?;
    }
    let partitions = partition_count(cluster, &topic.name).await?;
    if topic.purpose == TopicPurpose::Configs && partitions > 1 {
        return Err(TopicLogError::Partitions {
            topic: Arc::clone(&topic.name),
            purpose: topic.purpose,
            partitions,
        });
    }
    Ok(partitions)
}

/// Whether the topic was made. It was not if it is there already, or if somebody else has to make it.
async fn create(cluster: &Cluster, topic: &InternalTopic) -> Result<bool, TopicLogError> {
    let mut configs = topic.configs.clone();
    configs.insert(CLEANUP_POLICY.to_owned(), COMPACT.to_owned());
    let wanted = NewTopic {
        name: Arc::clone(&topic.name),
        partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        configs,
    };
    let settings = cluster.settings();
    let deadline = Instant::now() + settings.default_api_timeout;
    loop {
        let outcomes = create_topics(cluster, std::slice::from_ref(&wanted), false).await;
        let outcome = match outcomes {
            Ok(mut outcomes) => outcomes.remove(&topic.name).unwrap_or(Ok(())),
            Err(ClientError::NoCommonVersion { .. }) => return Ok(false),
            Err(source) => {
                return Err(TopicLogError::TimedOut {
                    topic: Arc::clone(&topic.name),
                    source,
                });
            }
        };
        let Err((code, detail)) = outcome else {
            tracing::info!("Created topic {}", topic.name);
            return Ok(true);
        };
        match code {
            ErrorCode::TOPIC_ALREADY_EXISTS => return Ok(false),
            ErrorCode::UNSUPPORTED_VERSION
            | CLUSTER_AUTHORIZATION_FAILED
            | ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
                tracing::debug!(
                    "cannot create topic '{}' ({code}); somebody else may have done so",
                    topic.name
                );
                return Ok(false);
            }
            // There may be more brokers in a moment.
            INVALID_REPLICATION_FACTOR | REQUEST_TIMED_OUT if Instant::now() < deadline => {
                tracing::info!(
                    "'{}' topic creation failed due to '{code}', retrying, {}ms remaining",
                    topic.name,
                    (deadline - Instant::now()).as_millis()
                );
                sleep(settings.retry_backoff).await;
            }
            _ => {
                return Err(TopicLogError::Create {
                    topic: Arc::clone(&topic.name),
                    code,
                    detail,
                });
            }
        }
    }
}

/// A topic that somebody else made must not forget records by age.
async fn check_cleanup_policy(
    cluster: &Cluster,
    topic: &InternalTopic,
) -> Result<(), TopicLogError> {
    let names = [Arc::clone(&topic.name)];
    let described = match topic_configs(cluster, &names, Some(&[CLEANUP_POLICY])).await {
        Ok(mut described) => described.remove(&topic.name),
        Err(ClientError::NoCommonVersion { .. }) => None,
        Err(source) => {
            return Err(TopicLogError::Describe {
                topic: Arc::clone(&topic.name),
                source,
            });
        }
    };
    let value = match described {
        Some(Ok(mut configs)) => configs.remove(CLEANUP_POLICY).flatten(),
        _ => None,
    };
    let value = value.unwrap_or_default().to_ascii_lowercase();
    let policies: BTreeSet<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|policy| !policy.is_empty())
        .collect();
    if policies.is_empty() {
        tracing::info!(
            "Unable to use admin client to verify the cleanup policy of '{}' topic is '{COMPACT}', either because the \
             broker is an older version or because the Kafka principal used for Connect internal topics does not have \
             the required permission to describe topic configurations.",
            topic.name
        );
        return Ok(());
    }
    if policies == BTreeSet::from([COMPACT]) {
        return Ok(());
    }
    Err(TopicLogError::CleanupPolicy {
        topic: Arc::clone(&topic.name),
        purpose: topic.purpose,
        found: policies.into_iter().collect::<Vec<_>>().join(","),
    })
}

async fn partition_count(cluster: &Cluster, topic: &Arc<str>) -> Result<i32, TopicLogError> {
    cluster.add_topics([Arc::clone(topic)]);
    let deadline = Instant::now() + METADATA_TIMEOUT;
    let mut pause = METADATA_PAUSE;
    loop {
        if let Ok(view) = cluster.refresh().await
            && let Some(known) = view.topics.get(topic)
            && let Ok(count) = i32::try_from(known.partitions.len())
            && count > 0
        {
            return Ok(count);
        }
        if Instant::now() + pause > deadline {
            let topic = Arc::clone(topic);
            return Err(TopicLogError::NoMetadata { topic });
        }
        sleep(pause).await;
        pause = (pause * 2).min(METADATA_PAUSE_MAX);
    }
}

const CLEANUP_POLICY: &str = "cleanup.policy";
const COMPACT: &str = "compact";
const REQUEST_TIMED_OUT: ErrorCode = ErrorCode(7);
const CLUSTER_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(31);
const INVALID_REPLICATION_FACTOR: ErrorCode = ErrorCode(38);
/// For how long a topic may be missing from the metadata.
const METADATA_TIMEOUT: Duration = Duration::from_secs(30);
/// Between questions for it, at first and at most.
const METADATA_PAUSE: Duration = Duration::from_millis(100);
const METADATA_PAUSE_MAX: Duration = Duration::from_secs(1);
