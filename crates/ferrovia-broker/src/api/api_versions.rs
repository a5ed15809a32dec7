//! ApiVersions (key 18), versions 0–4. v1 throttle time, v3 flexible and the client's software
//! name (KIP-511), v4 features down to version 0. Announces the feature `transaction.version`.

use std::ops::RangeInclusive;

use kafka_protocol::messages::api_versions_request::ApiVersionsRequest;
use kafka_protocol::messages::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call, advertised};
use crate::config::TransactionVersion;
use crate::shape::{Shape, text};

/// See the module.
pub(crate) struct ApiVersions;

const TRANSACTION_VERSION: &str = "transaction.version";
const FEATURES_SINCE: i16 = 3;
const ZERO_LEVELS_SINCE: i16 = 4;

/// Features never change while a broker runs.
const FEATURES_EPOCH: i64 = 0;

impl Api for ApiVersions {
    type Request = ApiVersionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const SHAPE: Shape = Shape { flexible_from: 3, fields: &[text().since(3), text().since(3)] };

    async fn answer(call: &Call, _request: ApiVersionsRequest) -> Answer<ApiVersionsResponse> {
        Answer::Message(with_features(call, versions(0)))
    }

    fn refuse(call: &Call, _request: ApiVersionsRequest, error: i16) -> ApiVersionsResponse {
        with_features(call, versions(error))
    }
}

/// Adds the one feature there is: the level of the transaction protocol.
fn with_features(call: &Call, response: ApiVersionsResponse) -> ApiVersionsResponse {
    if call.version < FEATURES_SINCE {
        return response;
    }
    let name = StrBytes::from_static_str(TRANSACTION_VERSION);
    let supported = SupportedFeatureKey::default()
        .with_name(name.clone())
        .with_min_version(0)
        .with_max_version(TransactionVersion::Two.level());
    let level = call.broker.config.transaction_version.level();
    let finalized = FinalizedFeatureKey::default()
        .with_name(name)
        .with_min_version_level(level)
        .with_max_version_level(level);
    // As in Kafka: clients before v4 may stumble over a lowest level of 0, and a feature at level 0
    // is not finalized.
    response
        .with_supported_features(
            Some(supported).filter(|_| call.version >= ZERO_LEVELS_SINCE).into_iter().collect(),
        )
        .with_finalized_features_epoch(FEATURES_EPOCH)
        .with_finalized_features(Some(finalized).filter(|_| level > 0).into_iter().collect())
}

/// What this broker answers, with an error code beside it.
pub(super) fn versions(error: i16) -> ApiVersionsResponse {
    let keys = advertised().into_iter().map(|(key, versions)| {
        ApiVersion::default()
            .with_api_key(key)
            .with_min_version(*versions.start())
            .with_max_version(*versions.end())
    });
    ApiVersionsResponse::default().with_error_code(error).with_api_keys(keys.collect())
}
