//! How an internal topic is read and written.

use std::sync::Arc;

use ferrovia_client::settings::{ClientSettings, ConsumerSettings, IsolationLevel, SettingsError};

use crate::config::distributed::{DistributedConfig, ExactlyOnceSource};
use crate::storage::log::{InternalTopic, TopicPurpose};

/// The client of one internal topic.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The worker's own client settings.
    pub client: ClientSettings,
    /// Whether records of open and aborted transactions are read.
    pub isolation: IsolationLevel,
}

impl LogSettings {
    /// How the worker's settings say that the topic is read and written: transactions count for configurations and offsets
    /// where sources are exactly once, else as `isolation.level` says.
    ///
    /// # Errors
    /// A client setting cannot be used.
    ///
    /// # Source
    /// `setupAndCreateKafkaBasedLog` and `configure` of the three stores
    pub fn of(config: &DistributedConfig, purpose: TopicPurpose) -> Result<Self, SettingsError> {
        let consumer = ConsumerSettings::from_properties(config.own_client_settings().as_map())?;
        let is_transactional = config.exactly_once_source == ExactlyOnceSource::Enabled
            && purpose != TopicPurpose::Statuses;
        let name = match purpose {
            TopicPurpose::Configs => "configs",
            TopicPurpose::Offsets => "offsets",
            TopicPurpose::Statuses => "statuses",
        };
        Ok(Self {
            client: ClientSettings {
                client_id: format!("{}{name}", config.client_id).into(),
                ..consumer.client
            },
            isolation: match is_transactional {
                true => IsolationLevel::ReadCommitted,
                false => consumer.isolation_level,
            },
        })
    }
}

impl InternalTopic {
    /// The topic that the worker's settings name for a purpose.
    pub fn of(config: &DistributedConfig, purpose: TopicPurpose) -> Self {
        let topic = match purpose {
            TopicPurpose::Configs => &config.config_topic,
            TopicPurpose::Offsets => &config.offset_topic,
            TopicPurpose::Statuses => &config.status_topic,
        };
        Self {
            name: Arc::from(topic.name.as_str()),
            purpose,
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs.clone(),
        }
    }
}
