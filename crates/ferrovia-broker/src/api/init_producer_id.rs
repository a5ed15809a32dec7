//! InitProducerId (key 22), versions 0–5. v2 flexible, v3 a producer may name its old id
//! (KIP-360), v4 fenced producers are told so, v5 transaction protocol 2 (KIP-890).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ProducerId;
use kafka_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use kafka_protocol::messages::init_producer_id_response::InitProducerIdResponse;

use super::{Answer, Api, Call, fenced_code};
use crate::shape::{Shape, fixed, text};
use crate::transaction::ProducerKey;

/// See the module.
pub(crate) struct InitProducerId;

const FENCED_SINCE: i16 = 4;

impl Api for InitProducerId {
    type Request = InitProducerIdRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 2,
        fields: &[text(), fixed(4), fixed(8).since(3), fixed(2).since(3)],
    };

    async fn answer(call: &Call, request: InitProducerIdRequest) -> Answer<InitProducerIdResponse> {
        match init(call, &request) {
            Ok(producer) => Answer::Message(
                InitProducerIdResponse::default()
                    .with_producer_id(ProducerId(producer.id))
                    .with_producer_epoch(producer.epoch),
            ),
            Err(error) => {
                let code = fenced_code(call, FENCED_SINCE, error);
                Answer::Message(Self::refuse(call, request, code))
            }
        }
    }

    fn refuse(_call: &Call, _request: InitProducerIdRequest, error: i16) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(error)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    }
}

fn init(call: &Call, request: &InitProducerIdRequest) -> Result<ProducerKey, ResponseError> {
    let expected = match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ResponseError::InvalidRequest),
        (id, epoch) => Some(ProducerKey { id, epoch }),
    };
    match &request.transactional_id {
        None => Ok(ProducerKey { id: call.broker.next_producer_id(), epoch: 0 }),
        Some(id) => call.broker.init_transactional_id(id, request.transaction_timeout_ms, expected),
    }
}
