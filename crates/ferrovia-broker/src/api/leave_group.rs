//! LeaveGroup (key 13), versions 0–5.
//!
//! v3 several members at once, static ones by instance id (KIP-345), v4 flexible, v5 reason
//! (KIP-800).

use std::ops::RangeInclusive;

use kafka_protocol::messages::leave_group_request::LeaveGroupRequest;
use kafka_protocol::messages::leave_group_response::{LeaveGroupResponse, MemberResponse};

use super::{Answer, Api, Call, code_of};
use crate::broker::{lock, now};
use crate::shape::{Shape, rows, text};

/// See the module.
pub(crate) struct LeaveGroup;

const MANY_MEMBERS_SINCE: i16 = 3;

impl Api for LeaveGroup {
    type Request = LeaveGroupRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 4,
        fields: &[
            text(),
            text().until(2),
            rows(&[text(), text(), text().since(5)]).since(3),
        ],
    };

    async fn answer(call: &Call, request: LeaveGroupRequest) -> Answer<LeaveGroupResponse> {
        let mut groups = lock(&call.broker.groups);
        let group = request.group_id.as_str();
        call.broker.groups_changed.notify_one();
        if call.version < MANY_MEMBERS_SINCE {
            let left = groups.leave(group, &request.member_id, None, now());
            return Answer::Message(LeaveGroupResponse::default().with_error_code(code_of(&left)));
        }
        let members = request.members.into_iter().map(|member| {
            let instance_id = member.group_instance_id.as_deref();
            let left = groups.leave(group, &member.member_id, instance_id, now());
            MemberResponse::default()
                .with_error_code(code_of(&left))
                .with_member_id(member.member_id)
                .with_group_instance_id(member.group_instance_id)
        });
        Answer::Message(LeaveGroupResponse::default().with_members(members.collect()))
    }

    fn refuse(_call: &Call, _request: LeaveGroupRequest, error: i16) -> LeaveGroupResponse {
        LeaveGroupResponse::default().with_error_code(error)
    }
}
