//! DescribeTransactions (key 65), version 0 (KIP-664).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_transactions_request::DescribeTransactionsRequest;
use kafka_protocol::messages::describe_transactions_response::{
    DescribeTransactionsResponse, TopicData, TransactionState,
};
use kafka_protocol::messages::{ProducerId, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::{Answer, Api, Call};
use crate::broker::{lock, now};
use crate::coordinator::Transactions;
use crate::coordinator::transactions::wall_clock_ms;
use crate::shape::{Shape, text, values};
use crate::transaction::Transaction;

/// See the module.
pub(crate) struct DescribeTransactions;

impl Api for DescribeTransactions {
    type Request = DescribeTransactionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const SHAPE: Shape = Shape { flexible_from: 0, fields: &[values(&text())] };

    async fn answer(
        call: &Call,
        request: DescribeTransactionsRequest,
    ) -> Answer<DescribeTransactionsResponse> {
        let transactions = lock(&call.broker.transactions);
        let states = request.transactional_ids.into_iter().map(|id| describe(&transactions, id));
        let states = states.collect();
        Answer::Message(DescribeTransactionsResponse::default().with_transaction_states(states))
    }

    fn refuse(
        _call: &Call,
        request: DescribeTransactionsRequest,
        error: i16,
    ) -> DescribeTransactionsResponse {
        let states = request.transactional_ids.into_iter().map(|id| refused(id, error));
        DescribeTransactionsResponse::default().with_transaction_states(states.collect())
    }
}

fn describe(transactions: &Transactions, id: TransactionalId) -> TransactionState {
    if id.is_empty() {
        return refused(id, ResponseError::InvalidRequest.code());
    }
    let Some(transaction) = transactions.get(&id) else {
        return refused(id, ResponseError::TransactionalIdNotFound.code());
    };
    let standing = transaction.standing();
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &transaction.contents().partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        TopicData::default()
            .with_topic(TopicName(topic.to_owned().into()))
            .with_partitions(partitions)
    });
    TransactionState::default()
        .with_transactional_id(id)
        .with_transaction_state(StrBytes::from_static_str(standing.phase.name()))
        .with_transaction_timeout_ms(
            i32::try_from(standing.timeout.as_millis()).unwrap_or(i32::MAX),
        )
        .with_transaction_start_time_ms(started_ms(transaction))
        .with_producer_id(ProducerId(standing.producer.id))
        .with_producer_epoch(standing.producer.epoch)
        .with_topics(topics.collect())
}

/// When the ongoing transaction began, in milliseconds since 1970; -1 if there is none.
fn started_ms(transaction: &Transaction) -> i64 {
    let Some(started) = transaction.started() else { return -1 };
    let elapsed = now().saturating_duration_since(started).as_millis();
    wall_clock_ms().saturating_sub(i64::try_from(elapsed).unwrap_or(i64::MAX))
}

fn refused(id: TransactionalId, error: i16) -> TransactionState {
    TransactionState::default().with_transactional_id(id).with_error_code(error)
}
