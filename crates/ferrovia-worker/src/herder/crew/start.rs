//! The start of a connector: its code is made, the offsets of a source are read, then the code is called.
//!
//! No thread waits for offsets: brokers may be away for long, and there are fewer threads than connectors.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use ferrovia_pipeline::connector::ConnectorContext;
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tracing::{Span, info};

use super::{Shared, guarded, make, trace};
use crate::config::Settings;
use crate::config::providers::Redactor;
use crate::herder::code::ConnectorCode;
use crate::herder::signals::Voice;
use crate::herder::validation::{ConnectorValidator, ResolvedConnector};
use crate::storage::offsets::OffsetStore;

/// A connector that is to be started.
pub(super) struct Start<V> {
    pub(super) name: Arc<str>,
    pub(super) settings: Arc<Settings>,
    pub(super) validator: Arc<ConnectorValidator>,
    /// Where the offsets of sources are kept.
    pub(super) offsets: OffsetStore,
    /// Makes its way to be heard.
    pub(super) voice: V,
    /// Resolves when nobody waits for it any more.
    pub(super) given_up: oneshot::Receiver<Infallible>,
}

/// A connector whose code was not called yet.
struct Made {
    code: ConnectorCode,
    resolved: ResolvedConnector,
}

impl<V: FnOnce(Arc<str>, Redactor) -> Voice> Start<V> {
    /// Starts it, or tells the trace of what stands in the way. To be run where there are timers and IO.
    pub(super) async fn perform(self) -> Result<Shared, String> {
        let Self {
            name,
            settings,
            validator,
            offsets,
            voice,
            given_up,
        } = self;
        let made = blocking(move || made(&settings, &validator)).await?;
        let redactor = made.resolved.redactor.clone();
        let redacted = |error: ConnectError| redactor.redact(&error.trace());
        let context = match &made.code {
            ConnectorCode::Sink(_) => None,
            ConnectorCode::Source(_) => {
                let store = offsets.of_connector(&made.resolved.config, &name);
                let store = store.map_err(redacted)?;
                let read = tokio::select! {
                    read = store.read(&name) => read,
                    _dropped = given_up => return Err("it was given up".to_owned()),
                };
                let read = read.map_err(|error| ConnectError::failed(error.to_string()));
                let voice = voice(Arc::clone(&name), redactor.clone());
                Some(ConnectorContext::new(
                    Arc::new(voice),
                    read.map_err(redacted)?,
                ))
            }
        };
        blocking(move || started(&name, made, context)).await
    }
}

/// Calls a connector's code on a thread where it may block.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let span = Span::current();
    let called = spawn_blocking(move || span.in_scope(|| guarded("it started", call)));
    called.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn made(settings: &Settings, validator: &ConnectorValidator) -> Result<Made, String> {
    let code = make(settings, validator)?;
    let resolved = validator
        .resolve(settings.as_map())
        .map_err(|error| trace(&error))?;
    Ok(Made { code, resolved })
}

fn started(name: &str, made: Made, context: Option<ConnectorContext>) -> Result<Shared, String> {
    let Made { mut code, resolved } = made;
    code.start(resolved.config.originals.as_map(), context)
        .map_err(|error| resolved.redactor.redact(&error.trace()))?;
    info!("Finished creating connector {name}");
    Ok(Arc::new(Mutex::new(code)))
}
