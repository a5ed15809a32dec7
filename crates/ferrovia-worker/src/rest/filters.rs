//! What happens to every request and answer of a listener, whatever the endpoint: addresses that cannot be read, pages of
//! other origins, and headers for all answers.
//!
//! # Source
//! Jetty 12's `CrossOriginHandler` and `HeaderFilter` as Kafka 4.2 sets them up

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::http_date::HttpDate;
use crate::config::rest::{CrossOrigin, HeaderAction, HeaderRule, RestConfig};

/// How long browsers may remember what they may do, in seconds.
const PREFLIGHT_MAX_AGE: &str = "60";
const ALLOWED_HEADERS: &str = "Content-Type";

/// The router behind the filters of the main listeners.
pub(super) fn around(router: Router, config: &RestConfig) -> Router {
    let mut router = router.layer(from_fn(readable));
    if !config.response_headers.is_empty() {
        let rules: Arc<[HeaderRule]> = config.response_headers.clone().into();
        router = router.layer(from_fn(move |request, next| {
            with_headers(Arc::clone(&rules), request, next)
        }));
    }
    if let Some(cross_origin) = &config.cross_origin {
        let rules = Arc::new(cross_origin.clone());
        router = router.layer(from_fn(move |request, next| {
            cross_origins(Arc::clone(&rules), request, next)
        }));
    }
    router
}

/// Refuses an address with an empty part, or whose escapes are no UTF-8 text or control characters.
pub(super) async fn readable(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_readable(path) && !path.contains("//") {
        next.run(request).await
    } else {
        ApiError::plain(StatusCode::BAD_REQUEST).into_response()
    }
}

fn is_readable(path: &str) -> bool {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let Some((high, low)) = digit().zip(digit()) else {
            return false;
        };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    std::str::from_utf8(&bytes).is_ok() && !bytes.iter().any(u8::is_ascii_control)
}

async fn with_headers(rules: Arc<[HeaderRule]>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for rule in rules.iter() {
        apply(rule, response.headers_mut());
    }
    response
}

fn apply(rule: &HeaderRule, headers: &mut HeaderMap) {
    let is_date = matches!(rule.action, HeaderAction::SetDate | HeaderAction::AddDate);
    let value = match is_date {
        true => HttpDate(later(rule.value.parse().unwrap_or_default())).to_string(),
        false => rule.value.clone(),
    };
    // A rule that is no header has no effect; Java's answers would be broken by it.
    let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(rule.name.as_bytes()),
        HeaderValue::from_str(&value),
    ) else {
        return;
    };
    match rule.action {
        HeaderAction::Set | HeaderAction::SetDate => {
            headers.insert(name, value);
        }
        HeaderAction::Add | HeaderAction::AddDate => {
            headers.append(name, value);
        }
    }
}

/// The time so many milliseconds from now, in seconds since 1970.
fn later(millis: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let at = now.unwrap_or_default() + Duration::from_millis(millis);
    at.as_secs()
}

/// Tells browsers which pages may call. As in Java, every request is answered; the browser keeps pages from answers that
/// are not for them.
async fn cross_origins(rules: Arc<CrossOrigin>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asks_first = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let origin = origin.filter(|o| o.to_str().is_ok_and(|text| rules.allows(text)));
    let Some(origin) = origin else {
        return response;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if asks_first {
        if let Ok(methods) = HeaderValue::from_str(&rules.methods.join(",")) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        let allowed = HeaderValue::from_static(ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        let age = HeaderValue::from_static(PREFLIGHT_MAX_AGE);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, age);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_printable_utf_8_behind_their_escapes() {
        for (path, readable) in [
            ("/connectors/a%2Fb", true),
            ("/connectors/%C3%A9", true),
            ("/connectors/%ff", false),
            ("/connectors/%zz", false),
            ("/connectors/%2", false),
            ("/connectors/a%00b", false),
            ("/connectors/a%7Fb", false),
            ("/connectors/a%C2%80b", true),
        ] {
            assert_eq!(is_readable(path), readable, "{path}");
        }
    }
}
