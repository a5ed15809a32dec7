//! The basic-auth extension: names and passwords in a file.
//!
//! # Source
//! `JaasBasicAuthFilter` and `PropertyFileLoginModule` of Kafka 4.2. Unlike Java it says in `WWW-Authenticate` what it
//! wants, so that browsers ask for it.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::hmac;
use tracing::debug;

use super::error::ApiError;
use super::extension::{RequestHead, RestExtension};
use super::login::{Credentials, LoginError};
use crate::config::rest::RestConfig;
use crate::signature::decode_base64;

/// The class by which it is configured.
pub(super) const CLASS: &str =
    "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const CHALLENGE: &str = "Basic realm=\"KafkaConnect\", charset=\"UTF-8\"";

/// Lets those pass who have a name and its password.
#[derive(Debug)]
pub(super) struct BasicAuth {
    credentials: Vec<Credentials>,
}

impl BasicAuth {
    pub(super) fn new(config: &RestConfig) -> Result<Self, LoginError> {
        Ok(Self {
            credentials: super::login::credentials(config.login_config.as_deref())?,
        })
    }

    /// Whether every required file has the caller, or has nobody at all, which lets everybody in.
    fn admits(&self, caller: Option<&(String, String)>) -> bool {
        self.credentials.iter().all(|file| match caller {
            _ if file.is_empty() => true,
            Some((name, password)) => {
                let known = file.password(name);
                // The comparison takes as long for names that do not exist.
                let is_same = is_same(known.unwrap_or_default(), password);
                known.is_some() && is_same
            }
            None => false,
        })
    }
}

impl RestExtension for BasicAuth {
    fn filter(&self, request: RequestHead<'_>) -> Option<Response> {
        if is_internal(request.method, request.uri.path()) {
            return None;
        }
        let header = request.headers.get(header::AUTHORIZATION);
        let caller = match header.map(caller).transpose() {
            Ok(caller) => caller.flatten(),
            Err(error) => return Some(error.into_response()),
        };
        if self.admits(caller.as_ref()) {
            return None;
        }
        debug!("Request failed authentication");
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(CHALLENGE),
            ),
        ];
        let text = "User cannot access the resource.";
        Some((StatusCode::UNAUTHORIZED, headers, text).into_response())
    }

    fn authenticates(&self) -> bool {
        true
    }
}

/// Requests of other workers, which are signed.
fn is_internal(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["connectors", name, "tasks"] => !name.is_empty() && method == Method::POST,
        ["connectors", name, "fence"] => !name.is_empty() && method == Method::PUT,
        _ => false,
    }
}

/// The name and password in a header; none if they are not in Java's form. Java answers base64 that is none with 500.
fn caller(header: &HeaderValue) -> Result<Option<(String, String)>, ApiError> {
    let text = header.to_str().unwrap_or_default();
    let Some((scheme, encoded)) = text.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = decode_base64(encoded).map_err(|error| ApiError::internal(error.to_string()))?;
    let decoded = String::from_utf8_lossy(&decoded);
    let pair = decoded.split_once(':').filter(|(name, _)| !name.is_empty());
    Ok(pair.map(|(name, password)| (name.to_owned(), password.to_owned())))
}

/// Compares texts in time that does not tell where they differ, nor how long the expected one is.
fn is_same(expected: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, CLASS.as_bytes());
    let tag = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

#[cfg(test)]
mod tests;
