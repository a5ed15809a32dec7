//! `/connectors/{name}/offsets`: where a connector stands, and changes of that while it is stopped.
//!
//! # Source
//! `ConnectorsResource` of Kafka 4.2, KIP-875

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::json;

use super::RestState;
use super::body::{self, JsonBody};
use super::changes::{Asked, unexpected};
use super::error::{Answer, ApiError};
use super::forward::{Done, change};
use crate::herder::{Change, Outcome};

pub(super) async fn get(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let offsets = state.herder.offsets(&name).await?;
    let offsets: Vec<_> = offsets
        .into_iter()
        .map(|each| json!({"partition": each.partition, "offset": each.offset}))
        .collect();
    Ok(Json(json!({"offsets": offsets})).into_response())
}

pub(super) async fn alter(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
    JsonBody(bytes): JsonBody,
) -> Answer {
    let offsets = body::offsets(&bytes)?.ok_or_else(|| {
        ApiError::internal(
            "Cannot invoke \"org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets.offsets()\" because \
             \"offsets\" is null",
        )
    })?;
    if offsets.is_empty() {
        return Err(ApiError::bad_request(
            "Partitions / offsets need to be provided for an alter offsets request",
        ));
    }
    let wanted = Change::AlterOffsets { name, offsets };
    message(change(&state, wanted, asked.with_body(Some(bytes))).await?)
}

pub(super) async fn reset(
    State(state): State<RestState>,
    Path(name): Path<String>,
    asked: Asked,
) -> Answer {
    let wanted = Change::ResetOffsets(name);
    message(change(&state, wanted, asked.with_body(None)).await?)
}

fn message(done: Done) -> Answer {
    match done {
        Done::Here(Outcome::Message(text)) => Ok(Json(json!({"message": text})).into_response()),
        Done::Here(other) => Err(unexpected(&other)),
        Done::There(answer) => Ok(answer),
    }
}
