//! Takes transactional ids away from whoever produces with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tokio::task::JoinSet;

use super::retry::Attempts;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::produce::ProducerIdentity;
use crate::wire::error_code::ErrorCode;

/// Fences the producers of these transactional ids, and aborts the transactions they left open.
/// Tells the identity that fenced each. Transactions that are just being completed are waited for,
/// until `timeout`, which the coordinator gets as the ids' transaction timeout too. Without one these
/// are `default.api.timeout.ms` and `request.timeout.ms`, as in Java.
///
/// # Source
/// `Admin.fenceProducers`, `FenceProducersHandler`
///
/// # Cancel safety
/// Some of the producers may have been fenced.
pub async fn fence_producers(
    cluster: &Cluster,
    transactional_ids: BTreeSet<Arc<str>>,
    timeout: Option<Duration>,
) -> BTreeMap<Arc<str>, Result<ProducerIdentity, ClientError>> {
    let mut waiting = transactional_ids.into_iter();
    let mut work = JoinSet::new();
    let mut fenced = BTreeMap::new();
    loop {
        for id in waiting.by_ref().take(AT_ONCE - work.len()) {
            let cluster = cluster.clone();
            work.spawn(async move {
                let outcome = fence(&cluster, &id, timeout).await;
                (id, outcome)
            });
        }
        match work.join_next().await {
            Some(Ok((id, outcome))) => {
                fenced.insert(id, outcome);
            }
            // The runtime is shutting down.
            Some(Err(_)) => {}
            None => return fenced,
        }
    }
}

async fn fence(
    cluster: &Cluster,
    id: &str,
    timeout: Option<Duration>,
) -> Result<ProducerIdentity, ClientError> {
    let settings = cluster.settings();
    let limit = timeout.unwrap_or(settings.default_api_timeout);
    let transaction_timeout = timeout.unwrap_or(settings.request_timeout);
    let mut attempts = Attempts::within(cluster, "fenceProducers", limit);
    loop {
        let error = match fence_once(cluster, id, transaction_timeout).await {
            Ok(identity) => return Ok(identity),
            Err(error) => error,
        };
        let is_moved = error
            .code()
            .is_some_and(ErrorCode::needs_coordinator_refresh);
        if is_moved || error.is_connection_lost() {
            cluster.forget_transaction_coordinator(id);
        }
        attempts.pause_after(error).await?;
    }
}

async fn fence_once(
    cluster: &Cluster,
    id: &str,
    transaction_timeout: Duration,
) -> Result<ProducerIdentity, ClientError> {
    let timeout_ms = transaction_timeout.as_millis();
    let transactional_id = TransactionalId(StrBytes::from_string(id.to_owned()));
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id))
        .with_transaction_timeout_ms(i32::try_from(timeout_ms).unwrap_or(i32::MAX))
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let connection = cluster.transaction_coordinator(id).await?;
    let answer = connection.call(request).await?;
    ErrorCode(answer.error_code)
        .ok()
        .map_err(|code| ClientError::Refused {
            api: "InitProducerId",
            address: Arc::clone(connection.address()),
            code,
            detail: None,
        })?;
    Ok(ProducerIdentity {
        id: answer.producer_id.0,
        epoch: answer.producer_epoch,
    })
}

/// Transactional ids that are asked for at the same time.
const AT_ONCE: usize = 32;
