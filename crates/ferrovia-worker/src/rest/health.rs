//! `GET /health`: whether the worker has come up and answers.
//!
//! # Source
//! KIP-1017

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::RestState;

/// How long the herder may take before the worker counts as unwell.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    message: String,
}

pub(super) async fn health(State(state): State<RestState>) -> (StatusCode, Json<Health>) {
    let (code, status, message) = match state.herder.is_ready(HEALTH_TIMEOUT).await {
        Ok(true) => (
            StatusCode::OK,
            "healthy",
            "Worker has completed startup and is ready to handle requests.",
        ),
        Ok(false) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting",
            "Worker is still starting up.",
        ),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "unhealthy",
            "Worker was unable to handle this request and may be unable to handle other requests.",
        ),
    };
    let message = match state.herder.stage() {
        Some(stage) if code != StatusCode::OK => format!("{message} {stage}"),
        _ => message.to_owned(),
    };
    (code, Json(Health { status, message }))
}
