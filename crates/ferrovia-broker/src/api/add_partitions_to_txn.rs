//! AddPartitionsToTxn (key 24), versions 0–5.
//!
//! v2 fenced producers are told so, v3 flexible; v4 and v5 are sent by brokers: several
//! transactions at once, to be added to or only verified (KIP-890).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResponse, AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
};

use super::{Answer, Api, Call, code_of, fenced_code};
use crate::broker::lock;
use crate::coordinator::Transactions;
use crate::shape::{Shape, fixed, rows, text, values};
use crate::transaction::ProducerKey;

/// See the module.
pub(crate) struct AddPartitionsToTxn;

const FENCED_SINCE: i16 = 2;
const BATCHED_SINCE: i16 = 4;
const ABORTABLE_SINCE: i16 = 5;

impl Api for AddPartitionsToTxn {
    type Request = AddPartitionsToTxnRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 3,
        fields: &[
            rows(&[text(), fixed(8), fixed(2), fixed(1), rows(&[text(), values(&fixed(4))])])
                .since(BATCHED_SINCE),
            text().until(3),
            fixed(8).until(3),
            fixed(2).until(3),
            rows(&[text(), values(&fixed(4))]).until(3),
        ],
    };

    async fn answer(
        call: &Call,
        request: AddPartitionsToTxnRequest,
    ) -> Answer<AddPartitionsToTxnResponse> {
        let mut transactions = lock(&call.broker.transactions);
        let response = AddPartitionsToTxnResponse::default();
        Answer::Message(if call.version < BATCHED_SINCE {
            let one = AddPartitionsToTxnTransaction::default()
                .with_transactional_id(request.v3_and_below_transactional_id)
                .with_producer_id(request.v3_and_below_producer_id)
                .with_producer_epoch(request.v3_and_below_producer_epoch)
                .with_topics(request.v3_and_below_topics);
            response.with_results_by_topic_v3_and_below(add(call, &mut transactions, &one))
        } else {
            let results = request.transactions.into_iter().map(|asked| {
                let results = add(call, &mut transactions, &asked);
                AddPartitionsToTxnResult::default()
                    .with_transactional_id(asked.transactional_id)
                    .with_topic_results(results)
            });
            response.with_results_by_transaction(results.collect())
        })
    }

    fn refuse(
        call: &Call,
        request: AddPartitionsToTxnRequest,
        error: i16,
    ) -> AddPartitionsToTxnResponse {
        let response = AddPartitionsToTxnResponse::default();
        if call.version < BATCHED_SINCE {
            let results = answer_each(&request.v3_and_below_topics, |_, _| error);
            return response.with_results_by_topic_v3_and_below(results);
        }
        let results = request.transactions.into_iter().map(|asked| {
            AddPartitionsToTxnResult::default()
                .with_topic_results(answer_each(&asked.topics, |_, _| error))
                .with_transactional_id(asked.transactional_id)
        });
        response.with_results_by_transaction(results.collect())
    }
}

/// Adds all partitions or none: where one is unknown, the others are not attempted.
fn add(
    call: &Call,
    transactions: &mut Transactions,
    asked: &AddPartitionsToTxnTransaction,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let topics = lock(&call.broker.topics);
    let known = |topic: &str, partition: i32| topics.has_partition(topic, partition);
    let all_known = asked.topics.iter().all(|t| t.partitions.iter().all(|p| known(&t.name, *p)));
    if !all_known && !asked.verify_only {
        return answer_each(&asked.topics, |topic, partition| {
            let attempted = if known(topic, partition) {
                ResponseError::OperationNotAttempted
            } else {
                ResponseError::UnknownTopicOrPartition
            };
            attempted.code()
        });
    }
    drop(topics);
    let producer = ProducerKey { id: asked.producer_id.0, epoch: asked.producer_epoch };
    let id = &asked.transactional_id;
    answer_each(&asked.topics, |topic, partition| {
        let added = if asked.verify_only {
            let known = transactions.known(id);
            known.and_then(|transaction| transaction.verify(producer, topic, partition))
        } else {
            call.broker.join_partition(transactions, id, producer, topic, partition)
        };
        match added {
            Err(ResponseError::TransactionAbortable) if call.version < ABORTABLE_SINCE => {
                ResponseError::InvalidTxnState.code()
            }
            Err(error) => fenced_code(call, FENCED_SINCE, error),
            Ok(()) => code_of(&added),
        }
    })
}

fn answer_each(
    topics: &[AddPartitionsToTxnTopic],
    mut code: impl FnMut(&str, i32) -> i16,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let results = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code(&topic.name, *partition))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_results_by_partition(partitions.collect())
            .with_name(topic.name.clone())
    });
    results.collect()
}
