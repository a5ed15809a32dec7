//! ListGroups (key 16), versions 0–5. v3 flexible, v4 states (KIP-518), v5 types (KIP-848).

use std::ops::RangeInclusive;

use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::list_groups_request::ListGroupsRequest;
use kafka_protocol::messages::list_groups_response::{ListGroupsResponse, ListedGroup};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::lock;
use crate::shape::{Shape, text, values};

/// See the module.
pub(crate) struct ListGroups;

const GROUP_TYPE: &str = "classic";

impl Api for ListGroups {
    type Request = ListGroupsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape =
        Shape { flexible_from: 3, fields: &[values(&text()).since(4), values(&text()).since(5)] };

    async fn answer(call: &Call, request: ListGroupsRequest) -> Answer<ListGroupsResponse> {
        let wanted = |filter: &[StrBytes], value: &str| {
            filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let groups = lock(&call.broker.groups);
        let listed = groups
            .iter()
            .map(|(id, entry)| (id, &entry.machine))
            .filter(|(_, group)| wanted(&request.states_filter, group.phase().name()))
            .filter(|_| wanted(&request.types_filter, GROUP_TYPE))
            .map(|(id, group)| {
                ListedGroup::default()
                    .with_group_id(GroupId(StrBytes::from_string(id.clone())))
                    .with_protocol_type(group.protocol_type().unwrap_or_default().to_owned().into())
                    .with_group_state(StrBytes::from_static_str(group.phase().name()))
                    .with_group_type(StrBytes::from_static_str(GROUP_TYPE))
            });
        Answer::Message(ListGroupsResponse::default().with_groups(listed.collect()))
    }

    fn refuse(_call: &Call, _request: ListGroupsRequest, error: i16) -> ListGroupsResponse {
        ListGroupsResponse::default().with_error_code(error)
    }
}
