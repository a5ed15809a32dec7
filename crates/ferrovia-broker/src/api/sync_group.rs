//! SyncGroup (key 14), versions 0–5. v3 static members (KIP-345), v4 flexible, v5 protocol type
//! and name (KIP-559).

use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::sync_group_request::SyncGroupRequest;
use kafka_protocol::messages::sync_group_response::SyncGroupResponse;
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call, owned};
use crate::broker::{lock, now};
use crate::group::sync::{SyncAnswer, SyncRequest};
use crate::shape::{Shape, blob, fixed, rows, text};

/// See the module.
pub(crate) struct SyncGroup;

impl Api for SyncGroup {
    type Request = SyncGroupRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 4,
        fields: &[
            text(),
            fixed(4),
            text(),
            text().since(3),
            text().since(5),
            text().since(5),
            rows(&[text(), blob()]),
        ],
    };

    async fn answer(call: &Call, request: SyncGroupRequest) -> Answer<SyncGroupResponse> {
        let group = request.group_id.to_string();
        let syncing = lock(&call.broker.groups).sync(&group, to_machine(&request), now());
        call.broker.groups_changed.notify_one();
        let answer = match syncing {
            Ok(answer) => answer
                .await
                .unwrap_or_else(|_| SyncAnswer::refused(ResponseError::NotCoordinator)),
            Err(error) => SyncAnswer::refused(error),
        };
        Answer::Message(
            SyncGroupResponse::default()
                .with_error_code(answer.error.map_or(0, |error| error.code()))
                .with_protocol_type(answer.protocol_type.map(StrBytes::from))
                .with_protocol_name(answer.protocol.map(StrBytes::from))
                .with_assignment(answer.assignment),
        )
    }

    fn refuse(_call: &Call, _request: SyncGroupRequest, error: i16) -> SyncGroupResponse {
        SyncGroupResponse::default().with_error_code(error)
    }
}

/// Copies the assignments: a slice would keep the whole request frame alive with the member.
fn to_machine(request: &SyncGroupRequest) -> SyncRequest {
    let assignments = request.assignments.iter().map(|assignment| {
        (assignment.member_id.to_string(), Bytes::copy_from_slice(&assignment.assignment))
    });
    SyncRequest {
        member_id: request.member_id.to_string(),
        instance_id: owned(request.group_instance_id.as_ref()),
        generation: request.generation_id,
        protocol_type: owned(request.protocol_type.as_ref()),
        protocol: owned(request.protocol_name.as_ref()),
        assignments: assignments.collect(),
    }
}
