//! `GET /connectors…`: which connectors there are, how they are configured and how they are doing; and the topics that they
//! have used.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use tracing::info;

use super::RestState;
use super::entities::{
    ConfigJson, ConnectorInfoJson, ConnectorStatusJson, StateJson, TaskInfoJson,
};
use super::error::{Answer, ApiError};
use super::query::Query;
use crate::herder::{Change, ConnectorOverview};
use crate::status::TaskId;

/// All names, or an object with what `expand` asks for, in the order asked.
pub(super) async fn list(State(state): State<RestState>, query: Query) -> Answer {
    let overview = state.herder.overview().await?;
    // Anything else that it may name expands to nothing.
    let expansions: Vec<&str> = query.all("expand").collect();
    if expansions.is_empty() {
        let names: Vec<&str> = overview.iter().map(|each| &*each.info.name).collect();
        return Ok(Json(names).into_response());
    }
    let expanded =
        |each: &ConnectorOverview| (each.info.name.to_string(), expand(each, &expansions));
    let connectors: Map<String, Value> = overview.iter().map(expanded).collect();
    Ok(Json(connectors).into_response())
}

pub(super) async fn info(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let info = state.herder.info(&name).await?;
    Ok(Json(ConnectorInfoJson::from(&info)).into_response())
}

pub(super) async fn config(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let info = state.herder.info(&name).await?;
    Ok(Json(ConfigJson(&info.config)).into_response())
}

pub(super) async fn status(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let status = state.herder.status(&name).await?;
    Ok(Json(ConnectorStatusJson(&status)).into_response())
}

pub(super) async fn tasks(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    let tasks = state.herder.tasks(&name).await?;
    let tasks: Vec<TaskInfoJson<'_>> = tasks.iter().map(TaskInfoJson::from).collect();
    Ok(Json(tasks).into_response())
}

pub(super) async fn task_status(
    State(state): State<RestState>,
    Path((name, task)): Path<(String, String)>,
) -> Answer {
    // Java reads a signed number, so a negative one is a task that does not exist, not a wrong address.
    let number: i32 = task
        .parse()
        .map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))?;
    let unknown = || ApiError::not_found(format!("No status found for task {name}-{number}"));
    let id = TaskId::new(name.as_str(), u32::try_from(number).map_err(|_| unknown())?);
    let status = state.herder.task_status(id).await?.ok_or_else(unknown)?;
    let id = u32::try_from(number).ok();
    Ok(Json(StateJson {
        id,
        status: &status,
    })
    .into_response())
}

/// The topics that a connector has used; none of one that does not exist.
pub(super) async fn topics(State(state): State<RestState>, Path(name): Path<String>) -> Answer {
    if !state.tracks_topics {
        return Err(ApiError::forbidden("Topic tracking is disabled."));
    }
    let active = state.herder.topics(&name).await?;
    let name = active.connector.to_string();
    Ok(Json(json!({ name: {"topics": active.topics} })).into_response())
}

pub(super) async fn reset_topics(
    State(state): State<RestState>,
    Path(name): Path<String>,
) -> Answer {
    if !state.tracks_topics {
        return Err(ApiError::forbidden("Topic tracking is disabled."));
    }
    if !state.resets_topics {
        return Err(ApiError::forbidden("Topic tracking reset is disabled."));
    }
    state.herder.change(Change::ResetTopics(name)).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn expand(connector: &ConnectorOverview, expansions: &[&str]) -> Value {
    let mut expanded = Map::new();
    for &expansion in expansions {
        let value = match (expansion, &connector.status) {
            ("info", _) => json!(ConnectorInfoJson::from(&connector.info)),
            ("status", Some(status)) => json!(ConnectorStatusJson(status)),
            ("status", None) => continue,
            _ => {
                info!("Ignoring unknown expansion type {expansion}");
                continue;
            }
        };
        expanded.insert(expansion.to_owned(), value);
    }
    Value::Object(expanded)
}
