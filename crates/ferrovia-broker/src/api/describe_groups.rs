//! DescribeGroups (key 15), versions 0–6. v3 authorized operations, v4 static members, v5
//! flexible, v6 an unknown group is an error (KIP-1043).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::describe_groups_request::DescribeGroupsRequest;
use kafka_protocol::messages::describe_groups_response::{
    DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::coordinator::GroupEntry;
use crate::group::{Member, Phase};
use crate::shape::{Shape, fixed, text, values};

/// See the module.
pub(crate) struct DescribeGroups;

const UNKNOWN_IS_ERROR_SINCE: i16 = 6;

impl Api for DescribeGroups {
    type Request = DescribeGroupsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const SHAPE: Shape =
        Shape { flexible_from: 5, fields: &[values(&text()), fixed(1).since(3)] };

    async fn answer(call: &Call, request: DescribeGroupsRequest) -> Answer<DescribeGroupsResponse> {
        let groups = lock(&call.broker.groups);
        let described = request.groups.into_iter().map(|id| match groups.get(&id) {
            Some(entry) => describe(id, entry),
            None => unknown(call, id),
        });
        Answer::Message(DescribeGroupsResponse::default().with_groups(described.collect()))
    }

    fn refuse(_call: &Call, request: DescribeGroupsRequest, error: i16) -> DescribeGroupsResponse {
        let refused = request
            .groups
            .into_iter()
            .map(|id| DescribedGroup::default().with_group_id(id).with_error_code(error));
        DescribeGroupsResponse::default().with_groups(refused.collect())
    }
}

fn unknown(call: &Call, id: GroupId) -> DescribedGroup {
    let group = DescribedGroup::default().with_group_state(StrBytes::from_static_str("Dead"));
    if call.version < UNKNOWN_IS_ERROR_SINCE {
        return group.with_group_id(id);
    }
    let message = format!("Group {} not found.", id.as_str());
    group
        .with_group_id(id)
        .with_error_code(ResponseError::GroupIdNotFound.code())
        .with_error_message(Some(message.into()))
}

fn describe(id: GroupId, entry: &GroupEntry) -> DescribedGroup {
    let group = &entry.machine;
    let protocol = group.protocol().filter(|_| group.phase() == Phase::Stable);
    let members = group.members().iter().map(|(id, member)| describe_member(id, member, protocol));
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str(group.phase().name()))
        .with_protocol_type(group.protocol_type().unwrap_or_default().to_owned().into())
        .with_protocol_data(protocol.unwrap_or_default().to_owned().into())
        .with_members(members.collect())
}

fn describe_member(id: &str, member: &Member, protocol: Option<&str>) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(id.to_owned().into())
        .with_group_instance_id(member.instance_id.clone().map(StrBytes::from))
        .with_client_id(member.client_id.clone().into())
        .with_client_host(member.client_host.clone().into())
        .with_member_metadata(protocol.map(|name| member.metadata(name)).unwrap_or_default())
        .with_member_assignment(member.assignment.clone())
}
