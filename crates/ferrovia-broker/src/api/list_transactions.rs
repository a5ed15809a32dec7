//! ListTransactions (key 66), versions 0–1 (KIP-664). v1 only those that last longer (KIP-994).

use std::ops::RangeInclusive;

use kafka_protocol::messages::list_transactions_request::ListTransactionsRequest;
use kafka_protocol::messages::list_transactions_response::{
    ListTransactionsResponse, TransactionState,
};
use kafka_protocol::messages::{ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::{lock, now};
use crate::shape::{Shape, fixed, text, values};
use crate::transaction::{Phase, Transaction};

/// See the module.
pub(crate) struct ListTransactions;

/// States that Kafka knows besides those that occur here.
const OTHER_STATES: [&str; 2] = ["Dead", "PrepareEpochFence"];

impl Api for ListTransactions {
    type Request = ListTransactionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const SHAPE: Shape = Shape {
        flexible_from: 0,
        fields: &[values(&text()), values(&fixed(8)), fixed(8).since(1)],
    };

    async fn answer(
        call: &Call,
        request: ListTransactionsRequest,
    ) -> Answer<ListTransactionsResponse> {
        let transactions = lock(&call.broker.transactions);
        let listed = transactions.iter().filter(|(_, one)| is_asked_for(&request, one));
        let listed = listed.map(|(id, transaction)| {
            let standing = transaction.standing();
            TransactionState::default()
                .with_transactional_id(TransactionalId(id.clone().into()))
                .with_producer_id(ProducerId(standing.producer.id))
                .with_transaction_state(StrBytes::from_static_str(standing.phase.name()))
        });
        let listed = listed.collect();
        let is_known = |name: &StrBytes| {
            let mut names = Phase::ALL.iter().map(|phase| phase.name()).chain(OTHER_STATES);
            names.any(|known| known == name.as_str())
        };
        let unknown = request.state_filters.iter().filter(|name| !is_known(name)).cloned();
        Answer::Message(
            ListTransactionsResponse::default()
                .with_unknown_state_filters(unknown.collect())
                .with_transaction_states(listed),
        )
    }

    fn refuse(
        _call: &Call,
        _request: ListTransactionsRequest,
        error: i16,
    ) -> ListTransactionsResponse {
        ListTransactionsResponse::default().with_error_code(error)
    }
}

fn is_asked_for(request: &ListTransactionsRequest, transaction: &Transaction) -> bool {
    let standing = transaction.standing();
    let states = &request.state_filters;
    let ids = &request.producer_id_filters;
    let lasted = transaction.started().map(|at| now().saturating_duration_since(at).as_millis());
    let longest = u128::try_from(request.duration_filter).ok();
    (states.is_empty() || states.iter().any(|state| state.as_str() == standing.phase.name()))
        && (ids.is_empty() || ids.contains(&ProducerId(standing.producer.id)))
        && longest.is_none_or(|longest| lasted.is_none_or(|lasted| lasted > longest))
}
