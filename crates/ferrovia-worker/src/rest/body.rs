//! Bodies of requests, read as leniently and as strictly as Java reads them.
//!
//! # Source
//! Jackson as Kafka 4.2 sets it up: numbers and booleans are taken as their text, `null` is kept, what follows the first
//! value is ignored, and every fault is answered with status 500.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use self::json::{Node, Wanted};
use super::error::ApiError;
use crate::config::InitialState;
use crate::herder::ConnectorOffset;
use crate::herder::validation::GivenSettings;

mod json;

/// Bytes of a request's body: a connector's settings are far smaller.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The same for requests of other workers, which hold the settings of all tasks of a connector.
const TASKS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a body may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

const STRING: &str = "java.lang.String";
const CREATE: &str = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
const OFFSETS: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets";
const OFFSET: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset";

/// The body of a request that has to be JSON.
#[derive(Debug)]
pub(super) struct JsonBody(pub(super) Bytes);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if has_body(request.headers()) {
            check_content_type(request.headers())?;
        }
        read(request.into_body(), BODY_BYTES_MAX).await.map(Self)
    }
}

/// The body of another worker's request, of whatever kind it says it is.
#[derive(Debug)]
pub(super) struct SignedBody(pub(super) Bytes);

impl<S: Sync> FromRequest<S> for SignedBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request.into_body(), TASKS_BYTES_MAX).await.map(Self)
    }
}

async fn read(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, collected).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(ApiError::plain(StatusCode::PAYLOAD_TOO_LARGE))
        }
        Ok(Err(_)) => Err(ApiError::plain(StatusCode::BAD_REQUEST)),
        Err(_) => Err(ApiError::plain(StatusCode::REQUEST_TIMEOUT)),
    }
}

/// Whether a body comes with these headers.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING)
        || length.is_some_and(|length| length.as_bytes() != b"0")
}

/// Whether a body with these headers says that it is JSON; `None` if it does not say what it is.
pub(super) fn is_json(headers: &HeaderMap) -> Option<bool> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    Some(kind.eq_ignore_ascii_case("application/json"))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    match is_json(headers) {
        Some(true) => Ok(()),
        _ => Err(ApiError::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

/// The settings in a body; `None` for no body or `null`.
pub(super) fn settings(bytes: &[u8]) -> Result<Option<GivenSettings>, ApiError> {
    Node::root(bytes)?.map(|root| given(&root)).transpose()
}

fn given(node: &Node<'_>) -> Result<GivenSettings, ApiError> {
    let members = node.members(Wanted::Map(STRING))?;
    members
        .into_iter()
        .map(|(key, value)| Ok((key, value.text()?)))
        .collect()
}

/// What `POST /connectors` asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CreateRequest {
    pub(super) name: Option<String>,
    pub(super) config: Option<GivenSettings>,
    pub(super) initial_state: Option<InitialState>,
}

/// A request for a connector; `None` for no body or `null`.
pub(super) fn create(bytes: &[u8]) -> Result<Option<CreateRequest>, ApiError> {
    let Some(root) = Node::root(bytes)? else {
        return Ok(None);
    };
    let mut request = CreateRequest::default();
    root.bean(
        CREATE,
        &["config", "name", "initial_state"],
        |name, value| {
            match name {
                "name" => request.name = value.text()?,
                "config" if value.is_null() => request.config = None,
                "config" => request.config = Some(given(&value)?),
                _ => request.initial_state = initial_state(&value)?,
            }
            Ok(())
        },
    )?;
    Ok(Some(request))
}

fn initial_state(value: &Node<'_>) -> Result<Option<InitialState>, ApiError> {
    let Some(text) = value.scalar(&format!("{CREATE}$InitialState"))? else {
        return Ok(None);
    };
    let text = text.to_uppercase();
    let state = match text.as_str() {
        "RUNNING" => InitialState::Running,
        "PAUSED" => InitialState::Paused,
        "STOPPED" => InitialState::Stopped,
        _ => {
            return Err(value.fault(&format!(
                "Cannot construct instance of `{CREATE}$InitialState`, problem: No enum constant \
                 {CREATE}.InitialState.{text}"
            )));
        }
    };
    Ok(Some(state))
}

/// The offsets in a body; `None` for no body or `null`. Of those for one partition the last counts.
pub(super) fn offsets(bytes: &[u8]) -> Result<Option<Vec<ConnectorOffset>>, ApiError> {
    let Some(root) = Node::root(bytes)? else {
        return Ok(None);
    };
    let mut offsets = Vec::new();
    root.bean(OFFSETS, &["offsets"], |_, value| {
        offsets = match value.is_null() {
            true => Vec::new(),
            false => offset_list(&value)?,
        };
        Ok(())
    })?;
    Ok(Some(offsets))
}

fn offset_list(list: &Node<'_>) -> Result<Vec<ConnectorOffset>, ApiError> {
    let mut read = Vec::new();
    for item in list.items(OFFSET)? {
        read.push((!item.is_null()).then(|| offset(&item)).transpose()?);
    }
    let mut offsets: Vec<ConnectorOffset> = Vec::new();
    for offset in read {
        let Some(offset) = offset else {
            return Err(ApiError::internal(format!(
                "Cannot invoke \"{OFFSET}.partition()\" because \"offset\" is null"
            )));
        };
        let earlier = offsets.iter_mut().find(|e| e.partition == offset.partition);
        match earlier {
            Some(earlier) => *earlier = offset,
            None => offsets.push(offset),
        }
    }
    Ok(offsets)
}

fn offset(item: &Node<'_>) -> Result<ConnectorOffset, ApiError> {
    let mut read = ConnectorOffset {
        partition: serde_json::Value::Null,
        offset: serde_json::Value::Null,
    };
    item.bean(OFFSET, &["partition", "offset"], |name, value| {
        if !value.is_null() {
            value.members(Wanted::Map("java.lang.Object"))?;
        }
        let member = match name {
            "partition" => &mut read.partition,
            _ => &mut read.offset,
        };
        *member = value.value()?;
        Ok(())
    })?;
    Ok(read)
}

/// The settings of each task in another worker's request. A setting that is `null` is none.
pub(super) fn task_settings(bytes: &[u8]) -> Result<Vec<BTreeMap<String, String>>, ApiError> {
    let Some(root) = Node::root(bytes)? else {
        return Err(json::no_content());
    };
    let mut tasks = Vec::new();
    for item in root.items("java.util.Map<java.lang.String,java.lang.String>")? {
        let settings = given(&item)?.into_iter();
        tasks.push(
            settings
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
        );
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests;
