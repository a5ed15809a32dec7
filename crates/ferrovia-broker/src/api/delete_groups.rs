//! DeleteGroups (key 42), versions 0–2 (KIP-229). v2 flexible.

use std::ops::RangeInclusive;

use kafka_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use kafka_protocol::messages::delete_groups_response::{
    DeletableGroupResult, DeleteGroupsResponse,
};

use super::{Answer, Api, Call, code_of};
use crate::broker::lock;
use crate::shape::{Shape, text, values};

/// See the module.
pub(crate) struct DeleteGroups;

impl Api for DeleteGroups {
    type Request = DeleteGroupsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const SHAPE: Shape = Shape { flexible_from: 2, fields: &[values(&text())] };

    async fn answer(call: &Call, request: DeleteGroupsRequest) -> Answer<DeleteGroupsResponse> {
        let mut groups = lock(&call.broker.groups);
        let results = request.groups_names.into_iter().map(|id| {
            let deleted = groups.delete(&id);
            let error = code_of(&deleted);
            deleted.unwrap_or_default().iter().for_each(|entry| call.broker.note(entry));
            DeletableGroupResult::default().with_group_id(id).with_error_code(error)
        });
        let results = results.collect();
        Answer::Message(DeleteGroupsResponse::default().with_results(results))
    }

    fn refuse(_call: &Call, request: DeleteGroupsRequest, error: i16) -> DeleteGroupsResponse {
        let refused = request
            .groups_names
            .into_iter()
            .map(|id| DeletableGroupResult::default().with_group_id(id).with_error_code(error));
        DeleteGroupsResponse::default().with_results(refused.collect())
    }
}
