//! Where producer ids come from.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::error::ProduceError;
use super::stamp::ProducerIdentity;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::wire::error_code::ErrorCode;

/// Asks any broker for a producer id that nobody else has.
///
/// # Errors
/// Those of a connection; [`ProduceError::Coordinator`] when the broker gives out none.
///
/// # Source
/// `TransactionManager.bumpIdempotentEpochAndResetIdIfNeeded`
pub(super) async fn ask_identity(cluster: &Cluster) -> Result<ProducerIdentity, ProduceError> {
    let connection = cluster.any_node().await?;
    let answer = init_producer_id(&connection, None, NO_TIMEOUT, None).await?;
    answer.map_err(|code| ProduceError::Coordinator {
        api: "InitProducerId",
        code,
    })
}

/// Asks for a producer id once, or for the next epoch of an `own` one (KIP-360). With a
/// transactional id, all older producers of that are fenced, and `timeout` is the longest time that
/// a transaction may take.
///
/// # Errors
/// Those of a connection; [`ClientError::Malformed`] when there is no id in the answer. Error codes
/// are the caller's business.
pub(crate) async fn init_producer_id(
    connection: &Connection,
    transactional_id: Option<&str>,
    timeout: Duration,
    own: Option<ProducerIdentity>,
) -> Result<Result<ProducerIdentity, ErrorCode>, ClientError> {
    let id = transactional_id.map(|id| TransactionalId(StrBytes::from_string(id.to_owned())));
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(id)
        .with_transaction_timeout_ms(timeout_ms)
        .with_producer_id(own.map_or(NO_ID, |own| ProducerId(own.id)))
        .with_producer_epoch(own.map_or(NO_EPOCH, |own| own.epoch));
    let answer = connection.call(request).await?;
    if let Err(code) = ErrorCode(answer.error_code).ok() {
        return Ok(Err(code));
    }
    match identity_of(answer.producer_id, answer.producer_epoch) {
        Some(identity) => Ok(Ok(identity)),
        None => Err(ClientError::Malformed {
            api: "InitProducerId",
            version: connection.negotiated::<InitProducerIdRequest>()?,
            address: Arc::clone(connection.address()),
            reason: "it has no producer id".into(),
        }),
    }
}

/// The identity in an answer, if there is one.
pub(super) fn identity_of(id: ProducerId, epoch: i16) -> Option<ProducerIdentity> {
    let is_one = id.0 >= 0 && epoch >= 0;
    is_one.then_some(ProducerIdentity { id: id.0, epoch })
}

/// What stands for no producer id in requests.
const NO_ID: ProducerId = ProducerId(-1);
/// What stands for no epoch.
const NO_EPOCH: i16 = -1;
/// Without transactions there is nothing to time.
const NO_TIMEOUT: Duration = Duration::MAX;
