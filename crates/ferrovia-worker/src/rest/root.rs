//! `GET /`: which version this is and which cluster it works for. Never waits for the herder.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::RestState;

/// The version of Kafka Connect that this worker answers as.
pub(super) const VERSION: &str = "4.2.0";
/// The commit that Kafka 4.2.0 was built from.
const COMMIT: &str = "a18251bae0b825c6";

#[derive(Serialize)]
struct ServerInfo<'a> {
    version: &'static str,
    commit: &'static str,
    kafka_cluster_id: Option<&'a str>,
}

pub(super) async fn info(State(state): State<RestState>) -> Response {
    let kafka_cluster_id = state.kafka_cluster_id.as_deref();
    Json(ServerInfo {
        version: VERSION,
        commit: COMMIT,
        kafka_cluster_id,
    })
    .into_response()
}
