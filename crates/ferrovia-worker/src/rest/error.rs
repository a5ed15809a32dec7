//! Answers to what went wrong: Java's envelope.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::herder::HerderError;

/// What an endpoint answers.
pub(super) type Answer = Result<Response, ApiError>;

#[derive(Serialize)]
struct ErrorJson<'a> {
    error_code: u16,
    message: &'a str,
}

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            message: message.into(),
        }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: message.into(),
        }
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: message.into(),
        }
    }

    /// A status that nobody explains further, in Jersey's words.
    pub(super) fn plain(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self {
            status,
            message: format!("HTTP {} {reason}", status.as_u16()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorJson {
            error_code: self.status.as_u16(),
            message: &self.message,
        };
        (self.status, Json(body)).into_response()
    }
}

impl From<HerderError> for ApiError {
    fn from(error: HerderError) -> Self {
        let status = match &error {
            HerderError::NotFound(_) => StatusCode::NOT_FOUND,
            HerderError::BadRequest(_) => StatusCode::BAD_REQUEST,
            HerderError::AlreadyExists(_)
            | HerderError::Conflict(_)
            | HerderError::Elsewhere { .. } => StatusCode::CONFLICT,
            // Workers ask again after most errors, and not after this one.
            HerderError::Refused(_) => StatusCode::FAILED_DEPENDENCY,
            HerderError::Forbidden(_) => StatusCode::FORBIDDEN,
            HerderError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            HerderError::Config(_)
            | HerderError::Failed(_)
            | HerderError::Stopping
            | HerderError::TimedOut(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            message: error.to_string(),
        }
    }
}

/// The answer of the server itself, before any endpoint: as in Java, JSON without a content type.
pub(super) fn without_content_type(status: StatusCode) -> Response {
    let mut response = ApiError::plain(status).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}
