//! Requests that another worker has to do: sent on to it, and its answer given back as it is.
//!
//! A leader that has just died is still the leader until the group has noticed. What could not be sent to it, or may be
//! done twice, waits here for the next one, as long as a request may take.
//!
//! # Source
//! `HerderRequestHandler` of Kafka 4.2: at most two hops, which the parameter `forward` counts

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, error, warn};

use super::RestState;
use super::client::{Answer, ClientError};
use super::error::ApiError;
use super::query::Query;
use crate::herder::{Change, HerderError, Outcome};
use crate::signature;

/// How long it takes until it is asked again who leads.
const LEADER_PAUSE: Duration = Duration::from_millis(500);
/// By how much later than this worker another one may give up: it was asked later, and knows better why.
const ANSWER_GRACE: Duration = Duration::from_secs(1);

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

/// Asks the herder, or the worker that it names; anew where that worker is gone, until the patience is over.
pub(super) async fn change(
    state: &RestState,
    change: Change,
    request: Forwarding,
) -> Result<Done, ApiError> {
    let until = Instant::now() + state.patience;
    let mut has_warned = false;
    loop {
        let asked = timeout_at(until, state.herder.change(change.clone())).await;
        let url = match asked.unwrap_or_else(|_| Err(HerderError::TimedOut(state.herder.stage()))) {
            Ok(outcome) => return Ok(Done::Here(outcome)),
            Err(HerderError::Elsewhere { url, .. }) => url,
            Err(error) => return Err(error.into()),
        };
        let target = target(&request, url.as_deref())?;
        let sent = state.client.send(
            request.method.clone(),
            &target,
            passed_on(&request.headers),
            request.body.clone(),
        );
        let failure = match timeout_at(until + ANSWER_GRACE, sent).await {
            Ok(Ok(answer)) => return there(answer),
            Ok(Err(failure)) => failure,
            Err(_late) => return Err(HerderError::TimedOut(state.herder.stage()).into()),
        };
        let is_in_time = Instant::now() + LEADER_PAUSE < until;
        if !is_in_time || !may_repeat(&request.method, &failure) {
            error!("IO error forwarding REST request to {target}: {failure}");
            return Err(ApiError::internal(format!(
                "IO Error trying to forward REST request: {failure}"
            )));
        }
        if has_warned {
            debug!("Still no answer from {target}: {failure}");
        } else {
            warn!("Waiting for another leader, because {target} gives no answer: {failure}");
            has_warned = true;
        }
        sleep(LEADER_PAUSE).await;
    }
}

/// Whether a worker that is gone has not done the request, or may as well have: then another one may be asked.
fn may_repeat(method: &Method, failure: &ClientError) -> bool {
    match failure {
        ClientError::NotReached(_) => true,
        ClientError::CutOff(_) => method.is_idempotent(),
        _ => false,
    }
}

/// Where the request goes.
fn target(request: &Forwarding, url: Option<&str>) -> Result<String, ApiError> {
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
    Ok(target)
}

/// The headers that another worker gets too.
fn passed_on(given: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let copied = [
        header::AUTHORIZATION.as_str(),
        signature::AUTHORIZATION_HEADER,
        signature::ALGORITHM_HEADER,
    ];
    for name in copied {
        if let (Ok(name), Some(value)) = (
            header::HeaderName::from_bytes(name.as_bytes()),
            given.get(name),
        ) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

fn there(answer: Answer) -> Result<Done, ApiError> {
    if answer.status.is_redirection() || answer.status < StatusCode::OK {
        let status = answer.status.as_u16();
        return Err(ApiError::internal(format!(
            "Unexpected status code when handling forwarded request: {status}"
        )));
    }
    Ok(Done::There(answer.passed_on()))
}
