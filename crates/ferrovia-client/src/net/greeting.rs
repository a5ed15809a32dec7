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

/// What a broker says of itself.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    /// Oldest and newest version of each request.
    pub(super) versions: BTreeMap<i16, (i16, i16)>,
    /// The cluster's level of the feature `transaction.version`; 0 where it has none.
    pub(super) transaction_version: i16,
}

/// Asks in version 3, and once more in version 0 if the broker is too old for that.
///
/// # Source
/// KIP-35 and KIP-511: a broker that does not know the version answers `UNSUPPORTED_VERSION` in the
/// layout of version 0.
pub(super) async fn negotiate(shared: &Shared) -> Result<Greeting, ClientError> {
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
    let features = answer.finalized_features.iter();
    let mut transactions = features.filter(|it| it.name.as_str() == TRANSACTION_FEATURE);
    Ok(Greeting {
        versions: offers
            .map(|offer| (offer.api_key, (offer.min_version, offer.max_version)))
            .collect(),
        transaction_version: transactions.next().map_or(0, |it| it.max_version_level),
    })
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

/// The transaction protocol (KIP-890).
const TRANSACTION_FEATURE: &str = "transaction.version";
const API: &ApiInfo = ApiVersionsRequest::INFO;
/// Version 4 differs in the meaning of supported features only, which this client does not read.
const NEWEST_VERSION: i16 = 3;
