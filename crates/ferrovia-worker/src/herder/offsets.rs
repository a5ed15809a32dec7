//! Offsets as users read and change them: of a sink those of its consumer group, of a source those that it has
//! stored.
//!
//! Whether a connector may be changed at all (it has to be stopped) is the herder's to say.
//!
//! # Source
//! `Worker.connectorOffsets` and `Worker.modifyConnectorOffsets` of Kafka 4.2 (KIP-875)

mod fencing;
mod group;
mod positions;
mod sink;
mod source;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::settings::ClientSettings;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin};
use ferrovia_pipeline::error::ConnectError;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use super::request::{ConnectorOffset, HerderError};
use super::validation::ConnectorValidator;
use crate::config::providers::Redactor;
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, Settings, WorkerConfig};
use crate::storage::offsets::OffsetStore;

/// Reads and changes the offsets of connectors.
#[derive(Debug)]
pub struct ConnectorOffsets {
    worker: Arc<WorkerConfig>,
    validator: Arc<ConnectorValidator>,
    sources: OffsetStore,
}

impl ConnectorOffsets {
    /// For the connectors of a worker, which keeps those of sources in `sources`.
    pub fn new(
        worker: Arc<WorkerConfig>,
        validator: Arc<ConnectorValidator>,
        sources: OffsetStore,
    ) -> Self {
        Self {
            worker,
            validator,
            sources,
        }
    }

    /// The offsets of a connector with these settings, as written. The future may run anywhere on a Tokio runtime with
    /// timers and IO, and does not block.
    ///
    /// # Errors
    /// [`HerderError::Failed`] where they cannot be read; those of [`ConnectorValidator::resolve_offsets`]; and
    /// [`HerderError::BadRequest`] for a class that this worker does not have.
    pub fn read(
        &self,
        connector: Arc<str>,
        settings: Settings,
    ) -> impl Future<Output = Result<Vec<ConnectorOffset>, HerderError>> + Send + 'static + use<>
    {
        let prepared = self.prepare(&connector, Arc::new(settings));
        async move {
            let target = prepared.await?;
            match target.plugin.factory {
                ConnectorFactory::Source(_) => source::read(&target).await,
                _ => sink::read(&target).await,
            }
        }
    }

    /// Sets the offsets of a connector, those without an offset to be forgotten; `None` forgets all. Its tasks must have
    /// stopped. The text is for the user. As [`read`](Self::read), the future does not block.
    ///
    /// # Errors
    /// [`HerderError::BadRequest`] where the offsets make no sense, [`HerderError::Failed`] where the connector or what
    /// keeps them refuses them: then some may have changed, and the request can be repeated. Else as [`read`](Self::read).
    pub fn modify(
        &self,
        connector: Arc<str>,
        settings: Arc<Settings>,
        offsets: Option<Vec<ConnectorOffset>>,
    ) -> impl Future<Output = Result<String, HerderError>> + Send + 'static + use<> {
        let prepared = self.prepare(&connector, settings);
        async move {
            let target = prepared.await?;
            let (change, is_told) = match target.plugin.factory {
                ConnectorFactory::Source(_) => source::modify(target, offsets).await?,
                _ => sink::modify(target, offsets).await?,
            };
            Ok(change.success(is_told))
        }
    }

    /// Reads the settings, which may block, on a thread where it may.
    fn prepare(
        &self,
        connector: &Arc<str>,
        settings: Arc<Settings>,
    ) -> impl Future<Output = Result<Target, HerderError>> + Send + 'static + use<> {
        let worker = Arc::clone(&self.worker);
        let validator = Arc::clone(&self.validator);
        let name = Arc::clone(connector);
        let sources = self.sources.clone();
        async move {
            let until = Instant::now() + CHANGE_LIMIT;
            let reading = tokio::task::spawn_blocking(move || {
                let resolved = validator.resolve_offsets(settings.as_map())?;
                let config = resolved.config;
                let group = validator.exactly_once_group().map(Arc::from);
                Ok(Target {
                    exactly_once_group: group,
                    plugin: validator.connector(&config.class)?,
                    name,
                    config,
                    worker,
                    redactor: resolved.redactor,
                    sources,
                    until,
                })
            });
            reading.await.unwrap_or(Err(HerderError::Stopping))
        }
    }
}

/// A connector whose offsets are wanted.
struct Target {
    name: Arc<str>,
    plugin: ConnectorPlugin,
    config: ConnectorConfig,
    worker: Arc<WorkerConfig>,
    redactor: Redactor,
    sources: OffsetStore,
    /// The workers' group, where sources are exactly once.
    exactly_once_group: Option<Arc<str>>,
    /// When whatever is to be done has to be done.
    until: Instant,
}

impl Target {
    /// The settings of a client of this kind that works for the connector.
    ///
    /// # Source
    /// `Worker.adminConfigs` and `Worker.baseProducerConfigs`
    fn client_properties(&self, kind: ClientKind, id: String) -> BTreeMap<String, String> {
        let servers = self.worker.bootstrap_servers.join(",");
        let mut properties = BTreeMap::from([
            ("bootstrap.servers".to_owned(), servers),
            ("client.id".to_owned(), id),
        ]);
        let chosen = self.config.client_settings(kind, &self.worker);
        properties.extend(chosen.as_map().clone());
        properties
    }

    /// The settings of its admin client, or what is wrong with them.
    fn admin(&self) -> Result<ClientSettings, String> {
        let id = format!("connector-worker-adminclient-{}", self.name);
        let properties = self.client_properties(ClientKind::Admin, id);
        ClientSettings::from_properties(&properties).map_err(|error| error.to_string())
    }
}

/// What is done to offsets.
#[derive(Clone, Copy)]
enum Change {
    Alter,
    Reset,
}

impl Change {
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

/// Calls a connector's code about offsets, on a thread where it may block.
async fn guarded<T: Send + 'static>(
    kind: &str,
    connector: &str,
    until: Instant,
    call: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, HerderError> {
    let telling = tokio::task::spawn_blocking(call);
    let told = timeout_at(until, telling).await;
    let told = told.map_err(|_elapsed| {
        let text = format!(
            "Timed out while calling the 'alterOffsets' method for {kind} connector {connector}"
        );
        error!("{text}");
        HerderError::Failed(text)
    })?;
    match told {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(refusal)) => Err(refusal.into_error(kind, connector)),
        Err(panic) => Err(not_modified(kind, connector, &panic.to_string())),
    }
}

/// A connector's error without secrets.
struct Refusal {
    class: &'static str,
    message: String,
    trace: String,
}

impl Refusal {
    fn new(error: &ConnectError, redactor: &Redactor) -> Self {
        Self {
            class: error.class(),
            message: redactor.redact(&error.to_string()),
            trace: redactor.redact(&error.trace()),
        }
    }

    fn into_error(self, kind: &str, connector: &str) -> HerderError {
        let Self {
            class,
            message,
            trace,
        } = self;
        error!("Failed to modify offsets for {kind} connector {connector}: {trace}");
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
                "Failed to modify offsets for {kind} connector {connector}"
            ))
        }
    }
}

/// The user hears that it failed, and the log why.
fn not_modified(kind: &str, connector: &str, reason: &str) -> HerderError {
    let text = format!("Failed to modify offsets for {kind} connector {connector}");
    error!("{text}: {reason}");
    HerderError::Failed(text)
}

/// How long it may take in all to read offsets, to tell the connector of new ones and to write them: what a request to
/// Java's worker may take, and after which nobody waits for the answer.
const CHANGE_LIMIT: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests;
