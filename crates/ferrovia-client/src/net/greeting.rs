//! The first exchange on a connection: which requests, in which versions, does the broker serve?

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Shared;
use crate::error::ClientError;
use crate::wire::api::{Api, ApiInfo};
use crate::wire::error_code::ErrorCode;
use crate::wire::message;

/// Asks in version 3, and once more in version 0 if the broker is too old for that.
///
/// # Source
/// KIP-35 and KIP-511: a broker that does not know the version answers `UNSUPPORTED_VERSION` in the
/// layout of version 0.
pub(super) async fn negotiate(shared: &Shared) -> Result<BTreeMap<i16, (i16, i16)>, ClientError> {
    let answer = match ask(shared, NEWEST_VERSION).await? {
        answer if ErrorCode(answer.error_code) == ErrorCode::UNSUPPORTED_VERSION => {
            ask(shared, 0).await?
        }
        answer => answer,
    };
    ErrorCode(answer.error_code)
        .ok()
        .map_err(|code| ClientError::Refused {
            api: API.name,
            address: Arc::clone(&shared.link.address),
            code,
            detail: None,
        })?;
    // A range whose ends are swapped offers nothing.
    let offers = answer
        .api_keys
        .iter()
        .filter(|offer| offer.min_version <= offer.max_version);
    Ok(offers
        .map(|offer| (offer.api_key, (offer.min_version, offer.max_version)))
        .collect())
}

async fn ask(shared: &Shared, version: i16) -> Result<ApiVersionsResponse, ClientError> {
    let request = match version {
        0 => ApiVersionsRequest::default(),
        _ => ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("ferrovia"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION"))),
    };
    let body = message::encode_body(&request, version)?;
    let frame = shared
        .exchange(API, version, body, None, shared.request_timeout)
        .await?;
    let version = message::layout_version(API, version, &frame);
    message::decode_body::<ApiVersionsRequest>(frame, version, &shared.link.address)
}

const API: &ApiInfo = ApiVersionsRequest::INFO;
/// Version 4 differs in the meaning of feature ranges only, which this client does not read.
const NEWEST_VERSION: i16 = 3;
