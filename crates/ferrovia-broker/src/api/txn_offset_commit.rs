//! TxnOffsetCommit (key 28), versions 0–5: offsets that count once the transaction is committed.
//!
//! v2 leader epochs (KIP-320), v3 flexible and the consumer's membership (KIP-447), v4 abortable
//! errors, v5 the group joins by this very request (KIP-890).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};

use super::{Answer, Api, Call, code_of, owned};
use crate::broker::{lock, now};
use crate::coordinator::{METADATA_BYTES_MAX, Transactions};
use crate::journal::Committed;
use crate::shape::{Shape, fixed, rows, text};
use crate::transaction::ProducerKey;

/// See the module.
pub(crate) struct TxnOffsetCommit;

const ABORTABLE_SINCE: i16 = 4;
const JOINS_SINCE: i16 = 5;

impl Api for TxnOffsetCommit {
    type Request = TxnOffsetCommitRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const SHAPE: Shape = Shape {
        flexible_from: 3,
        fields: &[
            text(),
            text(),
            fixed(8),
            fixed(2),
            fixed(4).since(3),
            text().since(3),
            text().since(3),
            rows(&[text(), rows(&[fixed(4), fixed(8), fixed(4).since(2), text()])]),
        ],
    };

    async fn answer(
        call: &Call,
        request: TxnOffsetCommitRequest,
    ) -> Answer<TxnOffsetCommitResponse> {
        let mut transactions = lock(&call.broker.transactions);
        let admitted =
            check_member(call, &request).and_then(|()| admit(call, &mut transactions, &request));
        if let Err(error) = admitted {
            drop(transactions);
            return Answer::Message(Self::refuse(call, request, error.code()));
        }
        let (id, group) = (request.transactional_id, request.group_id);
        let answers = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|asked| {
                let index = asked.partition_index;
                let key = (group.to_string(), topic.name.to_string(), index);
                let held = hold(call, &mut transactions, &id, key, &asked);
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(index)
                    .with_error_code(code_of(&held))
            });
            let partitions = partitions.collect();
            TxnOffsetCommitResponseTopic::default()
                .with_partitions(partitions)
                .with_name(topic.name.clone())
        });
        Answer::Message(TxnOffsetCommitResponse::default().with_topics(answers.collect()))
    }

    fn refuse(
        _call: &Call,
        request: TxnOffsetCommitRequest,
        error: i16,
    ) -> TxnOffsetCommitResponse {
        let answers = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error)
            });
            let partitions = partitions.collect();
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        });
        TxnOffsetCommitResponse::default().with_topics(answers.collect())
    }
}

/// A consumer that says who it is must be that in its group.
fn check_member(call: &Call, request: &TxnOffsetCommitRequest) -> Result<(), ResponseError> {
    let anonymous = request.generation_id < 0
        && request.member_id.is_empty()
        && request.group_instance_id.is_none();
    if anonymous {
        return Ok(());
    }
    let checked = lock(&call.broker.groups).check_commit(
        &request.group_id,
        &request.member_id,
        request.group_instance_id.as_deref(),
        request.generation_id,
        now(),
    );
    match checked {
        // Holds up plain commits only, as in Kafka.
        Err(ResponseError::RebalanceInProgress) => Ok(()),
        checked => checked,
    }
}

/// Whether the producer may commit offsets of this group in its transaction.
fn admit(
    call: &Call,
    transactions: &mut Transactions,
    request: &TxnOffsetCommitRequest,
) -> Result<(), ResponseError> {
    let producer = ProducerKey { id: request.producer_id.0, epoch: request.producer_epoch };
    let (id, group) = (&request.transactional_id, &request.group_id);
    let admitted = if call.version >= JOINS_SINCE {
        call.broker.join_group(transactions, id, producer, group)
    } else {
        transactions.known(id).and_then(|transaction| transaction.verify_group(producer, group))
    };
    admitted.map_err(|error| match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        ResponseError::TransactionAbortable if call.version < ABORTABLE_SINCE => {
            ResponseError::InvalidTxnState
        }
        error => error,
    })
}

fn hold(
    call: &Call,
    transactions: &mut Transactions,
    id: &str,
    key: (String, String, i32),
    asked: &TxnOffsetCommitRequestPartition,
) -> Result<(), ResponseError> {
    if !lock(&call.broker.topics).has_partition(&key.1, key.2) {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    let committed = Committed {
        offset: asked.committed_offset,
        leader_epoch: asked.committed_leader_epoch,
        metadata: owned(asked.committed_metadata.as_ref()).unwrap_or_default(),
    };
    if committed.metadata.len() > METADATA_BYTES_MAX {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    call.broker.hold_offset(transactions, id, key, committed)
}
