//! ApiVersions (key 18), versions 0–4. v1 throttle time, v3 flexible and the client's software
//! name (KIP-511), v4 features down to version 0.

use std::ops::RangeInclusive;

use kafka_protocol::messages::api_versions_request::ApiVersionsRequest;
use kafka_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};

use super::{Answer, Api, Call, advertised};
use crate::shape::{Shape, text};

/// See the module.
pub(crate) struct ApiVersions;

impl Api for ApiVersions {
    type Request = ApiVersionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const SHAPE: Shape =
        Shape { flexible_from: 3, fields: &[text().since(3), text().since(3)] };

    async fn answer(_call: &Call, _request: ApiVersionsRequest) -> Answer<ApiVersionsResponse> {
        Answer::Message(versions(0))
    }

    fn refuse(_call: &Call, _request: ApiVersionsRequest, error: i16) -> ApiVersionsResponse {
        versions(error)
    }
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
