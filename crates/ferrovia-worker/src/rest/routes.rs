//! The router: which address is answered by which endpoint, and what is refused before one is asked.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, options};

use super::RestState;
use super::body::{has_body, is_json};
use super::endpoints::{Audience, Endpoint, endpoints};
use super::error::without_content_type;
use super::extension::{ActiveExtension, ask_extensions};
use crate::config::java_map::sort_in_java_order;

/// The endpoints that `wanted` picks, behind the extensions.
pub(super) fn routes(
    state: RestState,
    extensions: &[ActiveExtension],
    wanted: impl Fn(&Endpoint) -> bool,
) -> Router {
    let mut paths: Vec<(&str, Vec<Endpoint>)> = Vec::new();
    for endpoint in endpoints().into_iter().filter(wanted) {
        match paths.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, of_path)) => of_path.push(endpoint),
            None => paths.push((endpoint.path, vec![endpoint])),
        }
    }
    paths
        .into_iter()
        .map(|(path, endpoints)| (path, merged(endpoints, extensions)))
        .fold(Router::new(), with_and_without_slash)
        .method_not_allowed_fallback(|| async {
            without_content_type(StatusCode::METHOD_NOT_ALLOWED)
        })
        .route_layer(from_fn(accept_json))
        .fallback(|| async { without_content_type(StatusCode::NOT_FOUND) })
        .with_state(state)
}

/// The methods of one address, with the answer to those who ask which there are.
fn merged(endpoints: Vec<Endpoint>, extensions: &[ActiveExtension]) -> MethodRouter<RestState> {
    let mut methods: Vec<String> = endpoints
        .iter()
        .map(|endpoint| endpoint.method.to_uppercase())
        .collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.push("OPTIONS".to_owned());
    sort_in_java_order(&mut methods, |method| method);
    let (allow, text) = (methods.join(","), methods.join(", "));
    let allow = HeaderValue::from_str(&allow).unwrap_or(HeaderValue::from_static("OPTIONS"));
    let told = options(move || async move {
        let kind = HeaderValue::from_static("text/plain");
        ([(header::CONTENT_TYPE, kind), (header::ALLOW, allow)], text).into_response()
    });
    // As in Java, an address or a method that does not exist is answered before anybody is asked who calls.
    let told = told.route_layer(from_fn(ask_extensions(extensions)));
    endpoints.into_iter().fold(told, |merged, endpoint| {
        let mut router = endpoint
            .router
            .route_layer(from_fn(ask_extensions(extensions)));
        // Java's own workers do not say of which kind their bodies are, so theirs is not looked at.
        if endpoint.audience != Audience::Workers {
            router = router.route_layer(from_fn(consume_json));
        }
        merged.merge(router)
    })
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

/// Refuses bodies that say that they are anything but JSON.
async fn consume_json(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if has_body(headers) && is_json(headers) == Some(false) {
        return without_content_type(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    next.run(request).await
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
