//! `/admin/loggers…`: which levels loggers have, and changes of them, of this worker or of all.
//!
//! # Source
//! `LoggingResource` of Kafka 4.2, KIP-495 and KIP-976

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::warn;

use super::RestState;
use super::body::{self, JsonBody};
use super::error::{Answer, ApiError};
use super::query::Query;
use crate::herder::Change;
use crate::logging::{Level, LoggerLevel};

#[derive(Serialize)]
struct LoggerJson {
    level: &'static str,
    last_modified: Option<i64>,
}

impl From<LoggerLevel> for LoggerJson {
    fn from(logger: LoggerLevel) -> Self {
        Self {
            level: logger.level.name(),
            last_modified: logger.last_modified,
        }
    }
}

pub(super) async fn list(State(state): State<RestState>) -> Answer {
    let all = state.loggers.all().into_iter();
    let all: Map<String, Value> = all
        .filter(|(_, logger)| logger.level != Level::Off)
        .map(|(name, logger)| (name, serde_json::json!(LoggerJson::from(logger))))
        .collect();
    Ok(Json(all).into_response())
}

pub(super) async fn get(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let logger = state.loggers.get(&name);
    let logger = logger.ok_or_else(|| ApiError::not_found(format!("Logger {name} not found.")))?;
    Ok(Json(LoggerJson::from(logger)).into_response())
}

pub(super) async fn set(
    State(state): State<RestState>,
    Path(name): Path<String>,
    query: Query,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let given = body::settings(&bytes)?.ok_or_else(|| {
        ApiError::internal(
            "Cannot invoke \"java.util.Map.get(Object)\" because \"levelMap\" is null",
        )
    })?;
    let Some(Some(text)) = given.get("level") else {
        return Err(ApiError::bad_request(
            "Desired 'level' parameter was not specified in request.",
        ));
    };
    if text.is_empty() {
        return Err(ApiError::internal("Illegal null or empty Level name."));
    }
    let level = Level::named(text)
        .ok_or_else(|| ApiError::not_found(format!("invalid log level '{text}'.")))?;
    let scope = query.first("scope").unwrap_or("worker");
    if scope.eq_ignore_ascii_case("cluster") {
        let change = Change::LogLevel {
            namespace: name,
            level: level.name().to_owned(),
        };
        state.herder.change(change).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if !scope.eq_ignore_ascii_case("worker") {
        warn!(
            "Received invalid scope '{scope}' in request to adjust logging level; will default to worker"
        );
    }
    Ok(Json(state.loggers.set(&name, level)).into_response())
}
