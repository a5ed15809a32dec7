//! What commands that talk to a cluster have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ferrovia_client::admin::topics::{NewTopic, create_topics};
use ferrovia_client::produce::Producer;
use ferrovia_client::settings::{ClientSettings, ProducerSettings};
use ferrovia_client::{Cluster, ErrorCode, FramePool, TopicPartition};
use ferrovia_worker::config::properties;

use crate::failure::Failure;

/// How long a cluster may take to answer at first.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(30);
/// Idle buffers of the connection.
const IDLE_BUFFERS_BYTES: usize = 4 << 20;
/// Bytes of the batches in one request; brokers take up to 100 MiB.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// Which cluster to talk to, named as Kafka's own tools name it.
#[derive(Clone, Debug, Args)]
pub(crate) struct BootstrapArguments {
    /// Brokers as host:port, separated by commas.
    #[arg(long, value_name = "HOST:PORT", alias = "bootstrap")]
    pub(crate) bootstrap_server: String,
    /// A properties file with further client settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) command_config: Option<PathBuf>,
}

impl BootstrapArguments {
    /// The cluster at this address, with default settings.
    pub(crate) fn to(address: &str) -> Self {
        Self {
            bootstrap_server: address.to_owned(),
            command_config: None,
        }
    }

    /// The client settings that the arguments mean.
    pub(crate) fn settings(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut settings = match &self.command_config {
            Some(file) => properties::load(file).map_err(Failure::of)?,
            None => BTreeMap::new(),
        };
        settings.insert(
            "bootstrap.servers".to_owned(),
            self.bootstrap_server.clone(),
        );
        Ok(settings)
    }
}

/// Connects, and waits until a broker has answered.
pub(crate) async fn connect(arguments: &BootstrapArguments) -> Result<Cluster, Failure> {
    let settings = ClientSettings::from_properties(&arguments.settings()?).map_err(Failure::of)?;
    let cluster = Cluster::new(settings, FramePool::new(IDLE_BUFFERS_BYTES));
    cluster.ready(FIRST_ANSWER_MAX).await.map_err(Failure::of)?;
    Ok(cluster)
}

/// A producer of many large batches.
pub(crate) fn bulk_producer(cluster: Cluster) -> Producer {
    let settings = ProducerSettings {
        request_bytes_max: REQUEST_BYTES_MAX,
        ..ProducerSettings::with_defaults(cluster.settings().clone())
    };
    Producer::new(cluster, settings)
}

/// Creates a topic unless it exists.
pub(crate) async fn create_topic(
    cluster: &Cluster,
    name: &str,
    partitions: i32,
) -> Result<(), Failure> {
    let new = NewTopic {
        name: name.into(),
        partitions: Some(partitions),
        replication_factor: None,
        configs: BTreeMap::new(),
    };
    let outcomes = create_topics(cluster, &[new], false)
        .await
        .map_err(Failure::of)?;
    match outcomes.into_values().next() {
        Some(Err((code, reason))) if code != ErrorCode::TOPIC_ALREADY_EXISTS => {
            let reason = reason.as_deref().unwrap_or_default();
            Err(Failure::saying(format!(
                "cannot create topic {name}: {code} {reason}"
            )))
        }
        _ => Ok(()),
    }
}

/// All partitions of a topic.
pub(crate) async fn partitions(
    cluster: &Cluster,
    topic: &Arc<str>,
) -> Result<Vec<TopicPartition>, Failure> {
    cluster.add_topics([Arc::clone(topic)]);
    let view = cluster.refresh().await.map_err(Failure::of)?;
    let known = view.topics.get(topic).map(|known| &known.partitions);
    let known = known.filter(|partitions| !partitions.is_empty());
    let known = known.ok_or_else(|| Failure::saying(format!("topic {topic} does not exist")))?;
    let one = |number: &i32| TopicPartition {
        topic: Arc::clone(topic),
        partition: *number,
    };
    Ok(known.keys().map(one).collect())
}
