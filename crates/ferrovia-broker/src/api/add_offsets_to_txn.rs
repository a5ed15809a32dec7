//! AddOffsetsToTxn (key 25), versions 0–4: a producer is going to commit offsets of a group.
//!
//! v2 fenced producers are told so, v3 flexible, v4 abortable errors (KIP-890).

use std::ops::RangeInclusive;

use kafka_protocol::messages::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use kafka_protocol::messages::add_offsets_to_txn_response::AddOffsetsToTxnResponse;

use super::{Answer, Api, Call, fenced_code};
use crate::broker::lock;
use crate::shape::{Shape, fixed, text};
use crate::transaction::ProducerKey;

/// See the module.
pub(crate) struct AddOffsetsToTxn;

const FENCED_SINCE: i16 = 2;

impl Api for AddOffsetsToTxn {
    type Request = AddOffsetsToTxnRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const SHAPE: Shape = Shape { flexible_from: 3, fields: &[text(), fixed(8), fixed(2), text()] };

    async fn answer(
        call: &Call,
        request: AddOffsetsToTxnRequest,
    ) -> Answer<AddOffsetsToTxnResponse> {
        let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
        let id = &request.transactional_id;
        let mut transactions = lock(&call.broker.transactions);
        let joined = call.broker.join_group(&mut transactions, id, producer, &request.group_id);
        let code = joined.err().map_or(0, |error| fenced_code(call, FENCED_SINCE, error));
        Answer::Message(AddOffsetsToTxnResponse::default().with_error_code(code))
    }

    fn refuse(
        _call: &Call,
        _request: AddOffsetsToTxnRequest,
        error: i16,
    ) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse::default().with_error_code(error)
    }
}
