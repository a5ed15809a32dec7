//! `/connector-plugins…`: which plugins there are, how they are configured, and whether a configuration can be used.
//!
//! # Source
//! `ConnectorPluginsResource` of Kafka 4.2

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;

use super::RestState;
use super::body::{self, JsonBody};
use super::entities::{ConfigInfosJson, KeyInfoJson, PluginJson};
use super::error::{Answer, ApiError};
use super::query::Query;
use crate::herder::HerderError;
use crate::plugins::PluginKind;

/// How a class's name may end that users leave out.
const ENDING: &str = "Connector";

/// Connectors, or with `connectorsOnly=false` all plugins.
pub(super) async fn list(State(state): State<RestState>, query: Query) -> Answer {
    let connectors_only = query.boolean("connectorsOnly").unwrap_or(true);
    let plugins = state.herder.plugins().await?;
    let is_listed =
        |kind| !connectors_only || matches!(kind, PluginKind::Sink | PluginKind::Source);
    let listed: Vec<PluginJson> = plugins
        .iter()
        .filter(|plugin| is_listed(plugin.kind))
        .map(PluginJson::from)
        .collect();
    Ok(Json(listed).into_response())
}

/// The definitions of one plugin's settings.
pub(super) async fn config(
    State(state): State<RestState>,
    Path(name): Path<String>,
    query: Query,
) -> Answer {
    let version = query.first("version").unwrap_or("latest");
    let keys = state.herder.plugin_config(&name, version).await?;
    let keys: Vec<KeyInfoJson<'_>> = keys.iter().map(KeyInfoJson).collect();
    Ok(Json(keys).into_response())
}

/// All about a configuration, without making a connector of it.
pub(super) async fn validate(
    State(state): State<RestState>,
    Path(name): Path<String>,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let settings = body::settings(&bytes)?.ok_or_else(|| {
        ApiError::internal(
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null",
        )
    })?;
    if let Some(Some(class)) = settings.get("connector.class")
        && !normalized(class).ends_with(normalized(&name))
    {
        return Err(ApiError::bad_request(format!(
            "Included connector type {class} does not match request type {name}"
        )));
    }
    let infos = state.herder.validate(settings).await.map_err(wrapped)?;
    Ok(Json(ConfigInfosJson(&infos)).into_response())
}

fn normalized(name: &str) -> &str {
    name.strip_suffix(ENDING)
        .filter(|short| !short.is_empty())
        .unwrap_or(name)
}

/// Java validates on another thread, and answers what went wrong there with the exception's class before its text.
fn wrapped(error: HerderError) -> ApiError {
    match error {
        HerderError::BadRequest(text) => ApiError::internal(format!(
            "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: {text}"
        )),
        HerderError::Config(text) => ApiError::internal(format!(
            "org.apache.kafka.common.config.ConfigException: {text}"
        )),
        // The sentence has no full stop here, and one everywhere else.
        HerderError::TimedOut(_) => {
            let text = error.to_string();
            ApiError::internal(text.strip_suffix('.').unwrap_or(&text))
        }
        other => other.into(),
    }
}
