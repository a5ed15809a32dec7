//! JoinGroup (key 11), versions 0–9.
//!
//! v1 rebalance timeout (KIP-62), v4 member id required (KIP-394), v5 static members (KIP-345),
//! v6 flexible, v7 protocol type in the answer (KIP-559), v8 reason (KIP-800), v9 the static
//! leader may skip the assignment (KIP-814).

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequest;
use kafka_protocol::messages::join_group_response::{JoinGroupResponse, JoinGroupResponseMember};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Api, Call, owned};
use crate::broker::{lock, now};
use crate::group::join::{JoinAnswer, JoinRequest};
use crate::shape::{Shape, blob, fixed, rows, text};

/// See the module.
pub(crate) struct JoinGroup;

const REBALANCE_TIMEOUT_SINCE: i16 = 1;
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;
const NULL_PROTOCOL_SINCE: i16 = 7;
const SKIP_ASSIGNMENT_SINCE: i16 = 9;

impl Api for JoinGroup {
    type Request = JoinGroupRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=9;
    const SHAPE: Shape = Shape {
        flexible_from: 6,
        fields: &[
            text(),
            fixed(4),
            fixed(4).since(1),
            text(),
            text().since(5),
            text(),
            rows(&[text(), blob()]),
            text().since(8),
        ],
    };

    async fn answer(call: &Call, request: JoinGroupRequest) -> Answer<JoinGroupResponse> {
        let group = request.group_id.to_string();
        let member_id = request.member_id.to_string();
        let joining = lock(&call.broker.groups).join(&group, to_machine(call, request), now());
        call.broker.groups_changed.notify_one();
        let answer = match joining {
            Ok(answer) => answer
                .await
                .unwrap_or_else(|_| JoinAnswer::refused(ResponseError::NotCoordinator, &member_id)),
            Err(error) => JoinAnswer::refused(error, &member_id),
        };
        Answer::Message(response(call, answer))
    }

    fn refuse(call: &Call, request: JoinGroupRequest, error: i16) -> JoinGroupResponse {
        let error = ResponseError::try_from_code(error);
        let refused = JoinAnswer {
            error,
            generation: -1,
            member_id: request.member_id.to_string(),
            ..JoinAnswer::default()
        };
        response(call, refused)
    }
}

fn to_machine(call: &Call, request: JoinGroupRequest) -> JoinRequest {
    let milliseconds =
        |time: i32| Duration::from_millis(u64::try_from(time).unwrap_or_default());
    let session_timeout = milliseconds(request.session_timeout_ms);
    let rebalance_timeout = if call.version >= REBALANCE_TIMEOUT_SINCE {
        milliseconds(request.rebalance_timeout_ms)
    } else {
        session_timeout
    };
    let instance_id = owned(request.group_instance_id.as_ref());
    let named_after = instance_id.as_deref().unwrap_or(&call.client_id);
    // Copies: a slice would keep the whole request frame alive as long as the member.
    let protocols = request.protocols.iter().map(|protocol| {
        (protocol.name.to_string(), Bytes::copy_from_slice(&protocol.metadata))
    });
    JoinRequest {
        fresh_id: format!("{named_after}-{}", Uuid::new_v4()),
        member_id: request.member_id.to_string(),
        client_id: call.client_id.clone(),
        client_host: call.client_host.clone(),
        session_timeout,
        rebalance_timeout,
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.collect(),
        id_required: call.version >= MEMBER_ID_REQUIRED_SINCE,
        can_skip_assignment: call.version >= SKIP_ASSIGNMENT_SINCE,
        instance_id,
    }
}

fn response(call: &Call, answer: JoinAnswer) -> JoinGroupResponse {
    let members = answer.members.into_iter().map(|member| {
        JoinGroupResponseMember::default()
            .with_member_id(member.id.into())
            .with_group_instance_id(member.instance_id.map(StrBytes::from))
            .with_metadata(member.metadata)
    });
    let mut protocol = answer.protocol.map(StrBytes::from);
    if call.version < NULL_PROTOCOL_SINCE {
        protocol = Some(protocol.unwrap_or_default());
    }
    JoinGroupResponse::default()
        .with_error_code(answer.error.map_or(0, |error| error.code()))
        .with_generation_id(answer.generation)
        .with_protocol_type(answer.protocol_type.map(StrBytes::from))
        .with_protocol_name(protocol)
        .with_leader(answer.leader.into())
        .with_skip_assignment(answer.skip_assignment)
        .with_member_id(answer.member_id.into())
        .with_members(members.collect())
}
