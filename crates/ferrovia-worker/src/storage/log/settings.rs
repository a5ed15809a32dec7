//! How an internal topic is read and written.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_client::settings::{
    ClientSettings, ConsumerSettings, IsolationLevel, ProducerSettings, SettingsError,
};
use ferrovia_pipeline::batch::{BatchOptions, Codec};

use crate::config::distributed::DistributedConfig;
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, Settings, WorkerConfig};
use crate::storage::log::{InternalTopic, TopicPurpose};

/// The client of one internal topic.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The worker's own client settings.
    pub client: ClientSettings,
    /// Whether records of open and aborted transactions are read.
    pub isolation: IsolationLevel,
    /// How records are compressed.
    pub batch: BatchOptions,
    /// The producer of what only one may write; `None` where that needs no transactions.
    pub privileged: Option<ProducerSettings>,
}

impl LogSettings {
    /// How the worker's settings say that the topic is read and written: transactions count for configurations and offsets
    /// where sources are exactly once, else as `isolation.level` says. Of a producer's settings `compression.type` counts;
    /// all in-sync replicas have to have a record, whatever `acks` says.
    ///
    /// # Errors
    /// A client setting cannot be used.
    ///
    /// # Source
    /// `setupAndCreateKafkaBasedLog` and `configure` of the three stores
    pub fn of(config: &DistributedConfig, purpose: TopicPurpose) -> Result<Self, SettingsError> {
        let consumer = ConsumerSettings::from_properties(config.own_client_settings().as_map())?;
        let is_transactional =
            config.exactly_once_source.is_enabled() && purpose != TopicPurpose::Statuses;
        let name = match purpose {
            TopicPurpose::Configs => "configs",
            TopicPurpose::Offsets => "offsets",
            TopicPurpose::Statuses => "statuses",
        };
        let is_fenced = config.exactly_once_source.has_transactional_leader()
            && purpose == TopicPurpose::Configs;
        Ok(Self {
            privileged: is_fenced.then(|| privileged(config)).transpose()?,
            client: ClientSettings {
                client_id: format!("{}{name}", config.client_id).into(),
                ..consumer.client
            },
            batch: BatchOptions {
                codec: codec(config.own_client_settings())?,
                ..BatchOptions::default()
            },
            isolation: match is_transactional {
                true => IsolationLevel::ReadCommitted,
                false => consumer.isolation_level,
            },
        })
    }

    /// How a connector's own topic of offsets is read and written: as its clients' settings say, in the cluster that its
    /// producer writes to. Transactions count unless its consumer's settings say otherwise.
    ///
    /// # Errors
    /// A client setting cannot be used.
    ///
    /// # Source
    /// `Worker.regularSourceOffsetsConsumerConfigs` and `Worker.baseProducerConfigs`
    pub fn of_connector(
        connector: &ConnectorConfig,
        worker: &WorkerConfig,
        client: &str,
    ) -> Result<Self, SettingsError> {
        let least = [
            ("bootstrap.servers", worker.bootstrap_servers.join(",")),
            ("client.id", format!("connector-consumer-{client}")),
            ("isolation.level", "read_committed".to_owned()),
        ];
        let least = least.map(|(key, value)| (key.to_owned(), value));
        let producer = connector.client_settings(ClientKind::Producer, worker);
        let consumer = connector.client_settings(ClientKind::Consumer, worker);
        let mut settings = Settings::from(BTreeMap::from(least)).overridden_by(consumer);
        if let Some(servers) = producer.text("bootstrap.servers") {
            let servers = BTreeMap::from([("bootstrap.servers".to_owned(), servers.to_owned())]);
            settings = settings.overridden_by(servers.into());
        }
        let consumer = ConsumerSettings::from_properties(settings.as_map())?;
        Ok(Self {
            client: consumer.client,
            isolation: consumer.isolation_level,
            privileged: None,
            batch: BatchOptions {
                codec: codec(&producer)?,
                ..BatchOptions::default()
            },
        })
    }
}

/// The producer of the group's leader: others of the group are fenced by its transactional id.
///
/// # Source
/// `KafkaConfigBackingStore.fencableProducerProps`
fn privileged(config: &DistributedConfig) -> Result<ProducerSettings, SettingsError> {
    let demanded = [
        ("client.id", format!("{}configs-leader", config.client_id)),
        ("acks", "all".to_owned()),
        ("enable.idempotence", "true".to_owned()),
        ("max.in.flight.requests.per.connection", "5".to_owned()),
        ("delivery.timeout.ms", i32::MAX.to_string()),
        (
            "transactional.id",
            format!("connect-cluster-{}", config.group_id),
        ),
    ];
    let demanded = demanded.map(|(key, value)| (key.to_owned(), value));
    let settings = config.own_client_settings().clone();
    let settings = settings.overridden_by(BTreeMap::from(demanded).into());
    ProducerSettings::from_properties(settings.as_map())
}

fn codec(settings: &Settings) -> Result<Codec, SettingsError> {
    let Some(name) = settings.text(COMPRESSION).map(str::trim) else {
        return Ok(Codec::None);
    };
    Codec::from_name(name).ok_or_else(|| SettingsError::Invalid {
        name: COMPRESSION,
        value: name.to_owned(),
        reason: "String must be one of: none, gzip, snappy, lz4, zstd".to_owned(),
    })
}

const COMPRESSION: &str = "compression.type";

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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(compression: &str) -> Result<Codec, String> {
        let set = BTreeMap::from([(COMPRESSION.to_owned(), compression.to_owned())]);
        codec(&Settings::from(set)).map_err(|error| error.to_string())
    }

    #[test]
    fn records_are_compressed_as_the_worker_says() {
        assert_eq!(codec(&Settings::default()), Ok(Codec::None));
        assert_eq!(of("zstd"), Ok(Codec::Zstd));
        assert_eq!(
            of("zip").unwrap_err(),
            "Invalid value zip for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd"
        );
    }
}
