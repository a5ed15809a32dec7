//! FindCoordinator (key 10), versions 0–6.
//!
//! v1 key types, v3 flexible, v4 several keys at once (KIP-699), v6 share groups. This broker
//! coordinates consumer groups and transactions; there are no share groups.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use kafka_protocol::messages::find_coordinator_response::{Coordinator, FindCoordinatorResponse};

use super::{Answer, Api, Call};
use crate::shape::{Shape, fixed, text, values};

/// See the module.
pub(crate) struct FindCoordinator;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const MANY_KEYS_SINCE: i16 = 4;

impl Api for FindCoordinator {
    type Request = FindCoordinatorRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const SHAPE: Shape = Shape {
        flexible_from: 3,
        fields: &[text().until(3), fixed(1).since(1), values(&text()).since(4)],
    };

    async fn answer(
        call: &Call,
        request: FindCoordinatorRequest,
    ) -> Answer<FindCoordinatorResponse> {
        if !matches!(request.key_type, GROUP | TRANSACTION) {
            let error = ResponseError::InvalidRequest.code();
            return Answer::Message(Self::refuse(call, request, error));
        }
        let broker = &call.broker;
        if call.version < MANY_KEYS_SINCE {
            return Answer::Message(
                FindCoordinatorResponse::default()
                    .with_node_id(broker.id())
                    .with_host(broker.host.clone())
                    .with_port(broker.port),
            );
        }
        let coordinators = request.coordinator_keys.into_iter().map(|key| {
            Coordinator::default()
                .with_key(key)
                .with_node_id(broker.id())
                .with_host(broker.host.clone())
                .with_port(broker.port)
        });
        let coordinators = coordinators.collect();
        Answer::Message(FindCoordinatorResponse::default().with_coordinators(coordinators))
    }

    fn refuse(
        call: &Call,
        request: FindCoordinatorRequest,
        error: i16,
    ) -> FindCoordinatorResponse {
        if call.version < MANY_KEYS_SINCE {
            return FindCoordinatorResponse::default()
                .with_error_code(error)
                .with_node_id(BrokerId(-1))
                .with_port(-1);
        }
        let coordinators = request.coordinator_keys.into_iter().map(|key| {
            Coordinator::default()
                .with_key(key)
                .with_error_code(error)
                .with_node_id(BrokerId(-1))
                .with_port(-1)
        });
        FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
    }
}
