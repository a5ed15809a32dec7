//! EndTxn (key 26), versions 0–5.
//!
//! v2 fenced producers are told so, v3 flexible, v5 transaction protocol 2: the epoch rises and the
//! answer names what follows (KIP-890).

use std::ops::RangeInclusive;

use kafka_protocol::messages::ProducerId;
use kafka_protocol::messages::end_txn_request::EndTxnRequest;
use kafka_protocol::messages::end_txn_response::EndTxnResponse;

use super::{Answer, Api, Call, fenced_code};
use crate::log::marker::Outcome;
use crate::shape::{Shape, fixed, text};
use crate::transaction::{ProducerKey, Protocol};

/// See the module.
pub(crate) struct EndTxn;

const FENCED_SINCE: i16 = 2;
const PROTOCOL_TWO_SINCE: i16 = 5;

impl Api for EndTxn {
    type Request = EndTxnRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape =
        Shape { flexible_from: 3, fields: &[text(), fixed(8), fixed(2), fixed(1)] };

    async fn answer(call: &Call, request: EndTxnRequest) -> Answer<EndTxnResponse> {
        let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
        let outcome = if request.committed { Outcome::Commit } else { Outcome::Abort };
        let two = call.version >= PROTOCOL_TWO_SINCE;
        let protocol = if two { Protocol::Two } else { Protocol::One };
        let id = &request.transactional_id;
        match call.broker.end_transaction(id, producer, outcome, protocol) {
            Err(error) => {
                let code = fenced_code(call, FENCED_SINCE, error);
                Answer::Message(Self::refuse(call, request, code))
            }
            Ok(next) if two => Answer::Message(
                EndTxnResponse::default()
                    .with_producer_id(ProducerId(next.id))
                    .with_producer_epoch(next.epoch),
            ),
            Ok(_) => Answer::Message(EndTxnResponse::default()),
        }
    }

    fn refuse(_call: &Call, _request: EndTxnRequest, error: i16) -> EndTxnResponse {
        EndTxnResponse::default().with_error_code(error)
    }
}
