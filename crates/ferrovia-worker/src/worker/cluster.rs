//! Opens a worker's way to its cluster: the internal topics, the group, and the leader's REST interface.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ferrovia_client::group::cohort::CohortSettings;
use ferrovia_client::settings::{ClientSettings, SettingsError};
use ferrovia_client::{Cluster as Brokers, FramePool};

use crate::config::DistributedConfig;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::herder::Cluster;
use crate::herder::cluster::{ClusterParts, Leader, Opening};
use crate::herder::machine::ForwardFailure;
use crate::membership::protocol::PROTOCOL_TYPE;
use crate::rest::{ClientError, InternalClient, RestServer};
use crate::storage::config::SessionKey;
use crate::storage::log::{InternalTopic, LogEvents, LogSettings, TopicLog, TopicPurpose};
use crate::storage::offsets::OffsetStore;

/// Idle buffers of the group's connections.
const GROUP_POOL_BYTES: usize = 256 * 1024;

/// Why a worker of a cluster cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A client's setting is wrong.
    #[error(transparent)]
    Client(#[from] SettingsError),
    /// The operating system refuses a thread.
    #[error(transparent)]
    Thread(#[from] io::Error),
}

/// Opens the way to the cluster as soon as somebody waits for it.
///
/// # Errors
/// A client's setting is wrong.
pub(super) fn opening(
    config: &DistributedConfig,
    offsets: OffsetStore,
    rest: &RestServer,
) -> Result<Opening, SettingsError> {
    let status = log(config, TopicPurpose::Statuses)?;
    let configs = log(config, TopicPurpose::Configs)?;
    let client = client(config)?;
    let group = CohortSettings {
        group_id: config.group_id.as_str().into(),
        protocol_type: PROTOCOL_TYPE.into(),
        instance_id: None,
        session_timeout: config.session_timeout,
        rebalance_timeout: config.rebalance_timeout,
        heartbeat_interval: config.heartbeat_interval,
        request_timeout: client.request_timeout,
        retry_backoff: client.retry_backoff,
        retry_backoff_max: client.retry_backoff_max,
        discovery_timeout: Some(config.heartbeat_interval),
    };
    let leader = Arc::new(LeaderAtRest {
        client: rest.client().clone(),
        algorithm: config.signatures.algorithm,
    });
    let signatures = config.signatures.clone();
    Ok(Box::pin(async move {
        offsets.open().await.map_err(|error| in_one_line(&error))?;
        let status = open(status).await?;
        let config = open(configs).await?;
        Ok(Box::new(Cluster::new(ClusterParts {
            config,
            status,
            client: Brokers::new(client, FramePool::new(GROUP_POOL_BYTES)),
            group,
            leader,
            signatures,
        })))
    }))
}

fn log(
    config: &DistributedConfig,
    purpose: TopicPurpose,
) -> Result<(InternalTopic, LogSettings), SettingsError> {
    let settings = LogSettings::of(config, purpose)?;
    Ok((InternalTopic::of(config, purpose), settings))
}

/// Opens a topic, or says in one line why it cannot be.
async fn open(
    (topic, settings): (InternalTopic, LogSettings),
) -> Result<(TopicLog, LogEvents), String> {
    let opened = TopicLog::open(topic, settings).await;
    opened.map_err(|error| in_one_line(&error))
}

fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}

/// The client of the group.
fn client(config: &DistributedConfig) -> Result<ClientSettings, SettingsError> {
    let mut properties = config.own_client_settings().as_map().clone();
    let servers = config.worker.bootstrap_servers.join(",");
    properties.insert("bootstrap.servers".to_owned(), servers);
    let id = config.client_id.trim_end_matches('-').to_owned();
    properties.insert("client.id".to_owned(), id);
    ClientSettings::from_properties(&properties)
}

/// The leader, asked at its REST interface.
struct LeaderAtRest {
    client: InternalClient,
    algorithm: MacAlgorithm,
}

impl Leader for LeaderAtRest {
    fn put_tasks(
        &self,
        url: &str,
        connector: &str,
        tasks: &[BTreeMap<String, String>],
        key: Option<&SessionKey>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ForwardFailure>> + Send>> {
        let client = self.client.clone();
        let algorithm = self.algorithm;
        let (url, connector, tasks) = (url.to_owned(), connector.to_owned(), tasks.to_vec());
        // A cluster whose workers do not sign has no key, and nobody looks at the signature.
        let key = key.map(|key| Arc::clone(&key.key)).unwrap_or_default();
        Box::pin(async move {
            let asked = client.put_tasks(&url, &connector, &tasks, &key, algorithm);
            asked.await.map_err(|error| failure(&error))
        })
    }

    fn fence(
        &self,
        url: &str,
        connector: &str,
        key: Option<&SessionKey>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ForwardFailure>> + Send>> {
        let client = self.client.clone();
        let algorithm = self.algorithm;
        let (url, connector) = (url.to_owned(), connector.to_owned());
        let key = key.map(|key| Arc::clone(&key.key)).unwrap_or_default();
        Box::pin(async move {
            let asked = client.fence(&url, &connector, &key, algorithm);
            asked.await.map_err(|error| failure(&error))
        })
    }
}

fn failure(error: &ClientError) -> ForwardFailure {
    ForwardFailure {
        status: match error {
            ClientError::Refused { status, .. } => Some(*status),
            _ => None,
        },
        is_retriable: error.is_retriable(),
        reason: error.to_string(),
    }
}
