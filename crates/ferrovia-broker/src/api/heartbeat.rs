//! Heartbeat (key 12), versions 0–4. v3 static members (KIP-345), v4 flexible.

use std::ops::RangeInclusive;

use kafka_protocol::messages::heartbeat_request::HeartbeatRequest;
use kafka_protocol::messages::heartbeat_response::HeartbeatResponse;

use super::{Answer, Api, Call, code_of};
use crate::broker::{lock, now};
use crate::shape::{Shape, fixed, text};

/// See the module.
pub(crate) struct Heartbeat;

impl Api for Heartbeat {
    type Request = HeartbeatRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const SHAPE: Shape =
        Shape { flexible_from: 4, fields: &[text(), fixed(4), text(), text().since(3)] };

    async fn answer(call: &Call, request: HeartbeatRequest) -> Answer<HeartbeatResponse> {
        let alive = lock(&call.broker.groups).heartbeat(
            &request.group_id,
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id,
            now(),
        );
        Answer::Message(Self::refuse(call, request, code_of(&alive)))
    }

    fn refuse(_call: &Call, _request: HeartbeatRequest, error: i16) -> HeartbeatResponse {
        HeartbeatResponse::default().with_error_code(error)
    }
}
