//! Where an idempotent producer's id comes from.

use std::sync::Arc;

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};

use super::error::ProduceError;
use super::stamp::ProducerIdentity;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// Asks any broker for a producer id that nobody else has.
///
/// # Errors
/// Those of a connection; [`ProduceError::Coordinator`] when the broker gives out none.
///
/// # Source
/// `TransactionManager.bumpIdempotentEpochAndResetIdIfNeeded`
pub(super) async fn ask_identity(cluster: &Cluster) -> Result<ProducerIdentity, ProduceError> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(i32::MAX)
        .with_producer_id(NO_ID)
        .with_producer_epoch(NO_EPOCH);
    let connection = cluster.any_node().await?;
    let answer = connection.call(request).await?;
    let refused = |code| ProduceError::Coordinator {
        api: "InitProducerId",
        code,
    };
    ErrorCode(answer.error_code).ok().map_err(refused)?;
    let identity = identity_of(answer.producer_id, answer.producer_epoch);
    identity.ok_or_else(|| {
        ProduceError::Client(ClientError::Malformed {
            api: "InitProducerId",
            version: 0,
            address: Arc::clone(connection.address()),
            reason: "it has no producer id".into(),
        })
    })
}

/// The identity in an answer, if there is one.
pub(super) fn identity_of(id: ProducerId, epoch: i16) -> Option<ProducerIdentity> {
    let is_one = id.0 >= 0 && epoch >= 0;
    is_one.then_some(ProducerIdentity { id: id.0, epoch })
}

/// What stands for no producer id in requests.
pub(super) const NO_ID: ProducerId = ProducerId(-1);
/// What stands for no epoch.
pub(super) const NO_EPOCH: i16 = -1;
