//! Which address is answered by which endpoint.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodRouter, get, put};

use super::error::without_content_type;
use super::{RestState, connectors, health, plugins, root};

pub(super) fn routes(state: RestState) -> Router {
    let endpoints = [
        ("/", get(root::info)),
        ("/health", get(health::health)),
        ("/connector-plugins", get(plugins::list)),
        ("/connector-plugins/{name}/config", get(plugins::config)),
        (
            "/connector-plugins/{name}/config/validate",
            put(plugins::validate),
        ),
        ("/connectors", get(connectors::list)),
        ("/connectors/{name}", get(connectors::info)),
        ("/connectors/{name}/config", get(connectors::config)),
        ("/connectors/{name}/status", get(connectors::status)),
        ("/connectors/{name}/tasks", get(connectors::tasks)),
        (
            "/connectors/{name}/tasks/{task}/status",
            get(connectors::task_status),
        ),
    ];
    endpoints
        .into_iter()
        .fold(Router::new(), with_and_without_slash)
        .method_not_allowed_fallback(|| async {
            without_content_type(StatusCode::METHOD_NOT_ALLOWED)
        })
        .route_layer(from_fn(accept_json))
        .fallback(|| async { without_content_type(StatusCode::NOT_FOUND) })
        .with_state(state)
}

/// As in Java, a slash at the end changes nothing.
fn with_and_without_slash(
    router: Router<RestState>,
    (path, endpoint): (&str, MethodRouter<RestState>),
) -> Router<RestState> {
    match path {
        "/" => router.route(path, endpoint),
        _ => router
            .route(&format!("{path}/"), endpoint.clone())
            .route(path, endpoint),
    }
}

/// Refuses callers that want anything but JSON.
async fn accept_json(request: Request, next: Next) -> Response {
    if accepts_json(request.headers()) {
        next.run(request).await
    } else {
        without_content_type(StatusCode::NOT_ACCEPTABLE)
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut wanted = headers.get_all(header::ACCEPT).iter().peekable();
    if wanted.peek().is_none() {
        return true;
    }
    let ranges = wanted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    let mut kinds = ranges
        .filter_map(|range| range.split(';').next())
        .map(str::trim);
    kinds.any(|kind| matches!(kind, "*/*" | "application/*" | "application/json"))
}
