//! DescribeCluster (key 60), versions 0–2 (KIP-700). v1 endpoint type (KIP-919), v2 fenced brokers.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use kafka_protocol::messages::describe_cluster_response::{
    DescribeClusterBroker, DescribeClusterResponse,
};

use super::{Answer, Api, Call};
use crate::shape::{Shape, fixed};

/// See the module.
pub(crate) struct DescribeCluster;

const BROKERS: i8 = 1;
const ENDPOINT_TYPE_SINCE: i16 = 1;

impl Api for DescribeCluster {
    type Request = DescribeClusterRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const SHAPE: Shape =
        Shape { flexible_from: 0, fields: &[fixed(1), fixed(1).since(1), fixed(1).since(2)] };

    async fn answer(
        call: &Call,
        request: DescribeClusterRequest,
    ) -> Answer<DescribeClusterResponse> {
        if call.version >= ENDPOINT_TYPE_SINCE && request.endpoint_type != BROKERS {
            let error = ResponseError::MismatchedEndpointType.code();
            return Answer::Message(Self::refuse(call, request, error));
        }
        let broker = &call.broker;
        let node = DescribeClusterBroker::default()
            .with_broker_id(broker.id())
            .with_host(broker.host.clone())
            .with_port(broker.port);
        Answer::Message(
            DescribeClusterResponse::default()
                .with_cluster_id(broker.cluster_id.clone())
                .with_controller_id(broker.id())
                .with_brokers(vec![node]),
        )
    }

    fn refuse(
        _call: &Call,
        _request: DescribeClusterRequest,
        error: i16,
    ) -> DescribeClusterResponse {
        DescribeClusterResponse::default().with_error_code(error)
    }
}
