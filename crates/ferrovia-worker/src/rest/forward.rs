//! Requests that another worker has to do: sent on to it, and its answer given back as it is.
//!
//! # Source
//! `HerderRequestHandler` of Kafka 4.2: at most two hops, which the parameter `forward` counts

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use tracing::error;

use super::RestState;
use super::error::ApiError;
use super::query::Query;
use crate::herder::{Change, HerderError, Outcome};
use crate::signature;

/// What another worker needs to know of a request.
#[derive(Debug)]
pub(super) struct Forwarding {
    pub(super) method: Method,
    /// The path as it came, without the query.
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

/// Where a change was done.
#[derive(Debug)]
pub(super) enum Done {
    /// By this worker's herder.
    Here(Outcome),
    /// By another worker, which answered this.
    There(Response),
}

/// The parameters that another worker gets too.
const PASSED_ON: [&str; 2] = ["includeTasks", "onlyFailed"];

/// Asks the herder, or the worker that it names.
pub(super) async fn change(
    state: &RestState,
    change: Change,
    request: Forwarding,
) -> Result<Done, ApiError> {
    match state.herder.change(change).await {
        Ok(outcome) => Ok(Done::Here(outcome)),
        Err(HerderError::Elsewhere { url, .. }) => forward(state, request, url.as_deref())
            .await
            .map(Done::There),
        Err(error) => Err(error.into()),
    }
}

async fn forward(
    state: &RestState,
    request: Forwarding,
    url: Option<&str>,
) -> Result<Response, ApiError> {
    let is_last = match request.query.boolean("forward") {
        Some(false) => {
            return Err(ApiError::conflict(
                "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
            ));
        }
        Some(true) => true,
        None => false,
    };
    let url = url.ok_or_else(|| {
        ApiError::conflict(
            "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
        )
    })?;
    let mut target = format!(
        "{}{}?forward={}",
        url.trim_end_matches('/'),
        request.path,
        !is_last
    );
    for name in PASSED_ON {
        if let Some(value) = request.query.boolean(name) {
            target.push_str(&format!("&{name}={value}"));
        }
    }
    let mut headers = HeaderMap::new();
    let copied = [
        header::AUTHORIZATION.as_str(),
        signature::AUTHORIZATION_HEADER,
        signature::ALGORITHM_HEADER,
    ];
    for name in copied {
        if let (Ok(name), Some(value)) = (
            header::HeaderName::from_bytes(name.as_bytes()),
            request.headers.get(name),
        ) {
            headers.insert(name, value.clone());
        }
    }
    let sent = state
        .client
        .send(request.method, &target, headers, request.body);
    let answer = sent.await.map_err(|failure| {
        error!("IO error forwarding REST request to {target}: {failure}");
        ApiError::internal(format!(
            "IO Error trying to forward REST request: {failure}"
        ))
    })?;
    if answer.status.is_redirection() || answer.status < StatusCode::OK {
        let status = answer.status.as_u16();
        return Err(ApiError::internal(format!(
            "Unexpected status code when handling forwarded request: {status}"
        )));
    }
    Ok(answer.passed_on())
}
