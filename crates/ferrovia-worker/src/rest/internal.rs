//! What only other workers of the cluster ask, signed with the session key that they share.
//!
//! # Source
//! `InternalClusterResource` of Kafka 4.2, KIP-507 and KIP-618

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::RestState;
use super::body::{self, SignedBody};
use super::changes::Asked;
use super::error::{Answer, ApiError};
use super::forward::{Done, change};
use crate::herder::{Change, Signature};
use crate::signature::{
    self, ALGORITHM_HEADER, AUTHORIZATION_HEADER, SignatureError, decode_base64,
};

pub(super) async fn put_tasks(
    State(state): State<RestState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    asked: Asked,
    SignedBody(bytes): SignedBody,
) -> Answer {
    let wanted = Change::PutTasks {
        name,
        tasks: body::task_settings(&bytes)?,
        signature: signature_of(&headers, &bytes)?,
    };
    done(change(&state, wanted, asked.with_body(Some(bytes))).await?)
}

pub(super) async fn fence(
    State(state): State<RestState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    asked: Asked,
    SignedBody(bytes): SignedBody,
) -> Answer {
    let wanted = Change::Fence {
        name,
        signature: signature_of(&headers, &bytes)?,
    };
    let body = (!bytes.is_empty()).then_some(bytes);
    done(change(&state, wanted, asked.with_body(body)).await?)
}

fn done(done: Done) -> Answer {
    match done {
        Done::Here(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Done::There(answer) => Ok(answer),
    }
}

/// The signature as it came. Whether it is right is the herder's to say, who knows the key.
fn signature_of(headers: &HeaderMap, body: &[u8]) -> Result<Signature, ApiError> {
    let text = |name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let given = Signature {
        authorization: text(AUTHORIZATION_HEADER),
        algorithm: text(ALGORITHM_HEADER),
        body: body.to_vec(),
    };
    if let (Some(authorization), Some(algorithm)) = (&given.authorization, &given.algorithm) {
        signature::check_algorithm(algorithm).map_err(unreadable)?;
        decode_base64(authorization).map_err(|error| unreadable(error.into()))?;
    }
    Ok(given)
}

fn unreadable(error: SignatureError) -> ApiError {
    ApiError::bad_request(error.to_string())
}
