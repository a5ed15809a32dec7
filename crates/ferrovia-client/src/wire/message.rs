//! Frames: a request with its header and length, and the header of an answer.

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::Decodable;

use super::api::{Api, ApiInfo};
use super::error_code::ErrorCode;
use super::shape::{Cursor, ShapeError};
use crate::error::ClientError;

/// Encodes the body of a request.
///
/// # Errors
/// [`ClientError::Encode`] when a field is set that this version does not have.
pub(crate) fn encode_body<R: Api>(request: &R, version: i16) -> Result<Bytes, ClientError> {
    let refused = |error: &dyn fmt::Display| ClientError::Encode {
        api: R::INFO.name,
        version,
        reason: error.to_string().into(),
    };
    let size = request
        .compute_size(version)
        .map_err(|error| refused(&error))?;
    let mut body = BytesMut::with_capacity(size);
    request
        .encode(&mut body, version)
        .map_err(|error| refused(&error))?;
    Ok(body.freeze())
}

/// Length prefix and request header (v1, or v2 where the version is flexible) for a body of
/// `body_length` bytes. `None` when the frame would not fit Kafka's 31-bit length.
///
/// # Source
/// `RequestHeader.json`: the client id keeps its two-byte length even in the flexible header.
pub(crate) fn frame_head(
    api: &ApiInfo,
    version: i16,
    correlation_id: i32,
    client_id: &str,
    body_length: usize,
) -> Option<Bytes> {
    let client_id_length = i16::try_from(client_id.len()).ok()?;
    let flexible = api.is_flexible(version);
    let header_length = 2 + 2 + 4 + 2 + client_id.len() + usize::from(flexible);
    let mut head = BytesMut::with_capacity(4 + header_length);
    head.put_i32(i32::try_from(header_length.checked_add(body_length)?).ok()?);
    head.put_i16(api.key);
    head.put_i16(version);
    head.put_i32(correlation_id);
    head.put_i16(client_id_length);
    head.put_slice(client_id.as_bytes());
    if flexible {
        head.put_u8(0);
    }
    Some(head.freeze())
}

/// Cuts what follows the correlation id in the header off an answer, and proves that what remains has the layout of `api`.
/// Gives the body and the time, in milliseconds, for which the broker wants to be left alone.
///
/// # Errors
/// [`ClientError::Malformed`] when header or body are not what the version prescribes.
pub(crate) fn open_response(
    api: &ApiInfo,
    version: i16,
    mut frame: Bytes,
    address: &Arc<str>,
) -> Result<(Bytes, i32), ClientError> {
    let malformed = |reason: ShapeError| ClientError::Malformed {
        api: api.name,
        version,
        address: Arc::clone(address),
        reason: reason.to_string().into(),
    };
    let mut cursor = Cursor::new(&frame);
    // An ApiVersions answer has the old header at all versions, so that any client can read it.
    if api.is_flexible(version) && api.key != API_VERSIONS_KEY {
        cursor.unknown_tags().map_err(malformed)?;
    }
    let header_length = cursor.position();
    let body = frame.split_off(header_length);
    let layout = layout_version(api, version, &body);
    let throttle_ms = api.shape.check(&body, layout).map_err(malformed)?;
    Ok((body, throttle_ms))
}

/// The version an answer is written in: the request's, but for an ApiVersions answer that refuses
/// that version, which has the layout of version 0 (KIP-511).
pub(crate) fn layout_version(api: &ApiInfo, version: i16, body: &[u8]) -> i16 {
    let code = body.first_chunk().copied().map(i16::from_be_bytes);
    let refused = code == Some(ErrorCode::UNSUPPORTED_VERSION.0);
    if api.key == API_VERSIONS_KEY && refused {
        0
    } else {
        version
    }
}

/// Decodes a body that [`open_response`] has proven sound.
///
/// # Errors
/// [`ClientError::Malformed`] for what a layout cannot tell, such as text that is not UTF-8.
pub(crate) fn decode_body<R: Api>(
    mut body: Bytes,
    version: i16,
    address: &Arc<str>,
) -> Result<R::Response, ClientError> {
    R::Response::decode(&mut body, version).map_err(|error| ClientError::Malformed {
        api: R::INFO.name,
        version,
        address: Arc::clone(address),
        reason: error.to_string().into(),
    })
}

/// The request whose answers never have a flexible header.
const API_VERSIONS_KEY: i16 = 18;
