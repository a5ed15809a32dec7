//! The offsets of sinks, as users read and change them: those of the connector's consumer group.
//!
//! What users write is read by `positions`, the group is asked by `group`. Whether a connector may be changed at all
//! (it has to be stopped) is the herder's to say.
//!
//! # Source
//! `Worker.sinkConnectorOffsets` and `Worker.modifySinkConnectorOffsets` of Kafka 4.2 (KIP-875)

mod group;
mod positions;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::settings::ClientSettings;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};
use ferrovia_pipeline::error::ConnectError;
use tracing::error;

use self::group::SinkGroup;
use self::positions::Positions;
use super::request::{ConnectorOffset, HerderError};
use super::validation::ConnectorValidator;
use crate::config::providers::Redactor;
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, Settings, WorkerConfig};

/// Reads and changes the offsets of sinks.
#[derive(Debug)]
pub struct SinkOffsets {
    worker: Arc<WorkerConfig>,
    validator: Arc<ConnectorValidator>,
}

impl SinkOffsets {
    /// For the connectors of a worker.
    pub fn new(worker: Arc<WorkerConfig>, validator: Arc<ConnectorValidator>) -> Self {
        Self { worker, validator }
    }

    /// The offsets of a sink with these settings, as written, by topic and partition. The future may run anywhere on a
    /// Tokio runtime with timers and IO, and does not block.
    ///
    /// # Errors
    /// [`HerderError::Failed`] where the group cannot be read; those of [`ConnectorValidator::resolve_offsets`]; and
    /// [`HerderError::BadRequest`] for a class that this worker does not have.
    pub fn read(
        &self,
        connector: Arc<str>,
        settings: Settings,
    ) -> impl Future<Output = Result<Vec<ConnectorOffset>, HerderError>> + Send + 'static + use<>
    {
        let prepared = self.prepare(&connector, Arc::new(settings));
        async move {
            let sink = prepared.await?;
            let client = sink.client.map_err(|reason| {
                error!("Failed to retrieve consumer group offsets for sink connector {connector}: {reason}");
                HerderError::Failed("Failed create new KafkaAdminClient".to_owned())
            })?;
            let listed = SinkGroup::new(client, sink.group).list().await;
            let listed = listed.map_err(|cause| {
                let text = format!(
                    "Failed to retrieve consumer group offsets for sink connector {connector}"
                );
                failed(text, &cause)
            })?;
            Ok(positions::shown(&listed))
        }
    }

    /// Sets the offsets of a sink, those without an offset to be forgotten; `None` forgets all. Its tasks must have
    /// stopped. The text is for the user. As [`read`](Self::read), the future does not block.
    ///
    /// # Errors
    /// [`HerderError::BadRequest`] where the offsets make no sense, [`HerderError::Failed`] where the connector or the
    /// group refuses them: then some may have changed, and the request can be repeated. Else as [`read`](Self::read).
    pub fn modify(
        &self,
        connector: Arc<str>,
        settings: Arc<Settings>,
        offsets: Option<Vec<ConnectorOffset>>,
    ) -> impl Future<Output = Result<String, HerderError>> + Send + 'static + use<> {
        let prepared = self.prepare(&connector, settings);
        async move {
            let sink = prepared.await?;
            let client = sink
                .client
                .clone()
                .map_err(|reason| not_modified(&connector, &reason))?;
            let group = SinkGroup::new(client, Arc::clone(&sink.group));
            let (change, positions) = match offsets {
                Some(offsets) => (Modification::Alter, positions::parse(&offsets)?),
                None => (Modification::Reset, known(&group, &connector).await?),
            };
            let (is_told, positions) = tell_connector(sink, &connector, positions).await?;
            match change {
                Modification::Alter => alter(&group, &connector, &positions).await?,
                Modification::Reset => reset(&group, &connector).await?,
            }
            Ok(change.success(is_told))
        }
    }

    /// Reads the settings, which may block, on a thread where it may.
    fn prepare(
        &self,
        connector: &Arc<str>,
        settings: Arc<Settings>,
    ) -> impl Future<Output = Result<Sink, HerderError>> + Send + 'static + use<> {
        let worker = Arc::clone(&self.worker);
        let validator = Arc::clone(&self.validator);
        let connector = Arc::clone(connector);
        async move {
            let reading = tokio::task::spawn_blocking(move || {
                let resolved = validator.resolve_offsets(settings.as_map())?;
                let config = resolved.config;
                Ok(Sink {
                    plugin: validator.connector(&config.class)?,
                    group: config.group_id(&worker).into(),
                    client: client_settings(&worker, &config, &connector),
                    config,
                    redactor: resolved.redactor,
                })
            });
            reading.await.unwrap_or(Err(HerderError::Stopping))
        }
    }
}

/// A sink whose offsets are wanted.
struct Sink {
    plugin: ConnectorPlugin,
    config: ConnectorConfig,
    redactor: Redactor,
    group: Arc<str>,
    /// The settings of an admin client, or what is wrong with them.
    client: Result<ClientSettings, String>,
}

#[derive(Clone, Copy)]
enum Modification {
    Alter,
    Reset,
}

impl Modification {
    fn success(self, is_told: bool) -> String {
        let done = match self {
            Self::Alter => "altered",
            Self::Reset => "reset",
        };
        match is_told {
            true => format!("The offsets for this connector have been {done} successfully"),
            false => format!(
                "The Connect framework-managed offsets for this connector have been {done} successfully. However, if \
                 this connector manages offsets externally, they will need to be manually {done} in the system that the \
                 connector uses."
            ),
        }
    }
}

/// # Source
/// `Worker.adminConfigs`
fn client_settings(
    worker: &WorkerConfig,
    config: &ConnectorConfig,
    connector: &str,
) -> Result<ClientSettings, String> {
    let mut properties = BTreeMap::from([
        (
            "bootstrap.servers".to_owned(),
            worker.bootstrap_servers.join(","),
        ),
        (
            "client.id".to_owned(),
            format!("connector-worker-adminclient-{connector}"),
        ),
    ]);
    let chosen = config.client_settings(ClientKind::Admin, worker);
    properties.extend(chosen.as_map().clone());
    ClientSettings::from_properties(&properties).map_err(|error| error.to_string())
}

/// All partitions that the group has offsets of, each to be forgotten.
async fn known(group: &SinkGroup, connector: &str) -> Result<Positions, HerderError> {
    let listed = group.list().await.map_err(|cause| {
        let text = format!(
            "Failed to list offsets prior to resetting offsets for sink connector {connector}"
        );
        failed(text, &cause)
    })?;
    Ok(listed
        .into_keys()
        .map(|partition| (partition, None))
        .collect())
}

/// Lets the connector's code have its say, on a thread where it may block. Tells whether it took care of the offsets.
async fn tell_connector(
    sink: Sink,
    connector: &str,
    positions: Positions,
) -> Result<(bool, Positions), HerderError> {
    let telling = tokio::task::spawn_blocking(move || {
        let told = match sink.plugin.factory {
            ConnectorFactory::Sink(make) => {
                make().alter_offsets(sink.config.originals.as_map(), &positions)
            }
            _ => Err(ConnectError::failed("this is not a sink")),
        };
        let redact = |error: ConnectError| Refusal {
            class: error.class(),
            message: sink.redactor.redact(&error.to_string()),
            trace: sink.redactor.redact(&error.trace()),
        };
        told.map(|is_told| (is_told, positions)).map_err(redact)
    });
    let told = tokio::time::timeout(TELL_LIMIT, telling).await;
    let told = told.map_err(|_elapsed| {
        let text = format!(
            "Timed out while calling the 'alterOffsets' method for sink connector {connector}"
        );
        error!("{text}");
        HerderError::Failed(text)
    })?;
    match told {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(refusal)) => Err(refusal.into_error(connector)),
        Err(panic) => Err(not_modified(connector, &panic.to_string())),
    }
}

/// A connector's error without secrets.
struct Refusal {
    class: &'static str,
    message: String,
    trace: String,
}

impl Refusal {
    fn into_error(self, connector: &str) -> HerderError {
        let Self {
            class,
            message,
            trace,
        } = self;
        error!("Failed to modify offsets for sink connector {connector}: {trace}");
        if class == "java.lang.UnsupportedOperationException" {
            HerderError::Failed(format!(
                "Failed to modify offsets for connector {connector} because it doesn't support external modification of \
                 offsets"
            ))
        } else if class.starts_with("org.apache.kafka.connect.") {
            HerderError::Failed(message)
        } else {
            // Only what is a `ConnectException` reaches the user as it is.
            HerderError::Failed(format!(
                "Failed to modify offsets for sink connector {connector}"
            ))
        }
    }
}

async fn alter(
    group: &SinkGroup,
    connector: &str,
    positions: &Positions,
) -> Result<(), HerderError> {
    let negative = |offset: &Option<i64>| offset.is_some_and(|offset| offset < 0);
    if positions.values().any(negative) {
        // Java finds out so late, and says no more.
        return Err(not_modified(connector, "Invalid negative offset"));
    }
    group.alter(positions).await.map_err(|cause| {
        let text = format!("Failed to alter consumer group offsets for connector {connector}");
        match cause.has_members() {
            true => failed(format!("{text}{}", still_busy("alter")), &cause),
            false => failed(text, &cause),
        }
    })
}

async fn reset(group: &SinkGroup, connector: &str) -> Result<(), HerderError> {
    group
        .delete()
        .await
        .map_err(|cause| match cause.has_members() {
            true => {
                let text =
                    format!("Failed to reset consumer group offsets for connector {connector}");
                failed(format!("{text}{}", still_busy("reset")), &cause)
            }
            false => {
                let text = format!(
                    "Failed to reset consumer group offsets for sink connector {connector}"
                );
                failed(text, &cause)
            }
        })
}

/// Why a group may have members that should have none, and what to do.
fn still_busy(verb: &str) -> String {
    format!(
        " either because its tasks haven't stopped completely yet or the connector was resumed before the request to \
         {verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can \
         be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of \
         the zombie sink tasks."
    )
}

/// The user gets the text, and the log the cause as well.
fn failed(text: String, cause: &group::GroupFault) -> HerderError {
    error!("{text}: {cause}");
    HerderError::Failed(text)
}

fn not_modified(connector: &str, reason: &str) -> HerderError {
    let text = format!("Failed to modify offsets for sink connector {connector}");
    error!("{text}: {reason}");
    HerderError::Failed(text)
}

/// For how long a connector may take to hear of new offsets: what a request to Java's worker may take in all.
const TELL_LIMIT: Duration = Duration::from_secs(90);
