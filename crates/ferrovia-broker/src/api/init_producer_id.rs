//! InitProducerId (key 22), versions 0–5. v2 flexible, v3 a producer may name its old id
//! (KIP-360), v5 transaction verification (KIP-890). Idempotent producers only: a transactional
//! id is refused.

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ProducerId;
use kafka_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use kafka_protocol::messages::init_producer_id_response::InitProducerIdResponse;

use super::{Answer, Api, Call};
use crate::shape::{Shape, fixed, text};

/// See the module.
pub(crate) struct InitProducerId;

impl Api for InitProducerId {
    type Request = InitProducerIdRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 2,
        fields: &[text(), fixed(4), fixed(8).since(3), fixed(2).since(3)],
    };

    async fn answer(call: &Call, request: InitProducerIdRequest) -> Answer<InitProducerIdResponse> {
        if request.transactional_id.is_some() {
            let error = ResponseError::InvalidRequest.code();
            return Answer::Message(Self::refuse(call, request, error));
        }
        let id = ProducerId(call.broker.next_producer_id());
        let response = InitProducerIdResponse::default().with_producer_id(id).with_producer_epoch(0);
        Answer::Message(response)
    }

    fn refuse(_call: &Call, _request: InitProducerIdRequest, error: i16) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(error)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    }
}
