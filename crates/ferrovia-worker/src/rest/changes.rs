//! What changes connectors: making, configuring, pausing, stopping, restarting and removing them.
//!
//! # Source
//! `ConnectorsResource` of Kafka 4.2

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::RestState;
use super::body::{self, JsonBody};
use super::client::encode_path;
use super::entities::{ConnectorInfoJson, ConnectorStatusJson};
use super::error::{Answer, ApiError};
use super::forward::{Done, Forwarding, change};
use super::query::Query;
use super::server::Origin;
use crate::herder::validation::GivenSettings;
use crate::herder::{Change, ConnectorInfo, Outcome};

/// What is told of a body that is not there.
const NO_SETTINGS: &str =
    "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null";

/// A request without its body.
#[derive(Debug)]
pub(super) struct Asked {
    method: Method,
    path: String,
    query: Query,
    headers: HeaderMap,
    origin: Origin,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(query) = Query::from_request_parts(parts, state).await;
        Ok(Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers.clone(),
            origin: parts.extensions.get().copied().unwrap_or_default(),
        })
    }
}

impl Asked {
    pub(super) fn with_body(self, body: Option<Bytes>) -> Forwarding {
        Forwarding {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: self.headers,
            body,
        }
    }

    /// Where a connector is, as the caller calls this worker.
    fn location(&self, name: &str) -> HeaderValue {
        let path = format!("/connectors/{}", encode_path(name));
        let host = self.headers.get(header::HOST).and_then(|h| h.to_str().ok());
        let absolute = host.map(|host| format!("{}://{host}{path}", self.origin.scheme()));
        let location = HeaderValue::from_str(&absolute.unwrap_or(path));
        // Everything in it was a header or is ASCII.
        location.unwrap_or(HeaderValue::from_static("/connectors"))
    }
}

pub(super) async fn create(
    State(state): State<RestState>,
    asked: Asked,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let request = body::create(&bytes)?.ok_or_else(|| {
        ApiError::internal(
            "Cannot invoke \"org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest.name()\" \
             because \"createRequest\" is null",
        )
    })?;
    let name = request
        .name
        .as_deref()
        .map(java_trimmed)
        .unwrap_or_default();
    let settings = request
        .config
        .ok_or_else(|| ApiError::internal(NO_SETTINGS))?;
    let wanted = Change::Create {
        name: name.to_owned(),
        settings: named(name, settings)?,
        initial_state: request.initial_state,
    };
    let location = asked.location(name);
    let done = change(&state, wanted, asked.with_body(Some(bytes))).await?;
    let (info, _) = match connector(done)? {
        Ok(changed) => changed,
        Err(answer) => return Ok(answer),
    };
    let body = Json(ConnectorInfoJson::from(&info));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

pub(super) async fn put_config(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let settings = body::settings(&bytes)?.ok_or_else(|| ApiError::internal(NO_SETTINGS))?;
    let location = asked.location(&name);
    let wanted = Change::Put {
        settings: named(&name, settings)?,
        name,
    };
    let done = change(&state, wanted, asked.with_body(Some(bytes))).await?;
    let (info, is_new) = match connector(done)? {
        Ok(changed) => changed,
        Err(answer) => return Ok(answer),
    };
    let body = Json(ConnectorInfoJson::from(&info));
    if is_new {
        return Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response());
    }
    Ok(body.into_response())
}

pub(super) async fn patch_config(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let patch = body::settings(&bytes)?.ok_or_else(|| {
        ApiError::internal(
            "Cannot invoke \"java.util.Map.forEach(java.util.function.BiConsumer)\" because \"patch\" is null",
        )
    })?;
    let wanted = Change::Patch { name, patch };
    let done = change(&state, wanted, asked.with_body(Some(bytes))).await?;
    match connector(done)? {
        Ok((info, _)) => Ok(Json(ConnectorInfoJson::from(&info)).into_response()),
        Err(answer) => Ok(answer),
    }
}

pub(super) async fn delete(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    plain(&state, Change::Delete(name), asked, StatusCode::NO_CONTENT).await
}

pub(super) async fn pause(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    plain(&state, Change::Pause(name), asked, StatusCode::ACCEPTED).await
}

pub(super) async fn resume(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    plain(&state, Change::Resume(name), asked, StatusCode::ACCEPTED).await
}

pub(super) async fn stop(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    plain(&state, Change::Stop(name), asked, StatusCode::NO_CONTENT).await
}

/// Restarts the connector alone, or with parameters also its tasks or what has failed.
pub(super) async fn restart(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    let only_failed = asked.query.boolean("onlyFailed").unwrap_or(false);
    let include_tasks = asked.query.boolean("includeTasks").unwrap_or(false);
    if !only_failed && !include_tasks {
        return plain(&state, Change::Restart(name), asked, StatusCode::NO_CONTENT).await;
    }
    let wanted = Change::RestartMany {
        name,
        only_failed,
        include_tasks,
    };
    match change(&state, wanted, asked.with_body(None)).await? {
        Done::Here(Outcome::Restarting(status)) => {
            let body = Json(ConnectorStatusJson(&status));
            Ok((StatusCode::ACCEPTED, body).into_response())
        }
        Done::Here(other) => Err(unexpected(&other)),
        Done::There(answer) => Ok(answer),
    }
}

pub(super) async fn restart_task(
    State(state): State<RestState>,
    Path((name, task)): Path<(String, String)>,
    asked: Asked,
) -> Answer {
    let number: i32 = task
        .parse()
        .map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))?;
    let wanted = Change::RestartTask {
        connector: name,
        task: number,
    };
    plain(&state, wanted, asked, StatusCode::NO_CONTENT).await
}

/// A change that is answered by its status alone.
async fn plain(state: &RestState, wanted: Change, asked: Asked, status: StatusCode) -> Answer {
    match change(state, wanted, asked.with_body(None)).await? {
        Done::Here(_) => Ok(status.into_response()),
        Done::There(answer) => Ok(answer),
    }
}

/// The settings with the connector's name among them.
fn named(name: &str, mut settings: GivenSettings) -> Result<GivenSettings, ApiError> {
    match settings.get("name") {
        Some(Some(other)) if other != name => Err(ApiError::bad_request(format!(
            "Connector name configuration ({other}) doesn't match connector name in the URL ({name})"
        ))),
        Some(Some(_)) => Ok(settings),
        _ => {
            settings.insert("name".to_owned(), Some(name.to_owned()));
            Ok(settings)
        }
    }
}

fn connector(done: Done) -> Result<Result<(ConnectorInfo, bool), Response>, ApiError> {
    match done {
        Done::Here(Outcome::Connector { info, is_new }) => Ok(Ok((info, is_new))),
        Done::Here(other) => Err(unexpected(&other)),
        Done::There(answer) => Ok(Err(answer)),
    }
}

/// The herder answers each kind of change with its kind of outcome; anything else is a mistake of ours.
pub(super) fn unexpected(outcome: &Outcome) -> ApiError {
    let kind = match outcome {
        Outcome::Done => "done",
        Outcome::Connector { .. } => "a connector",
        Outcome::Restarting(_) => "a restart",
        Outcome::Message(_) => "a message",
    };
    ApiError::internal(format!(
        "the herder answered {kind}, which was not asked for"
    ))
}

/// As Java's `trim`: control characters count as space.
fn java_trimmed(text: &str) -> &str {
    text.trim_matches(|letter| letter <= ' ')
}
