//! Takes transactional ids away from whoever produces with them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::retry::Attempts;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::produce::init_producer_id;
use crate::wire::error_code::ErrorCode;

/// Fences the producers of these transactional ids, and aborts the transactions they left open.
/// Tells of each id whether that was done. Transactions that are just being completed are waited
/// for, for at most `default.api.timeout.ms`.
///
/// # Source
/// `Admin.fenceProducers`, `FenceProducersHandler`
///
/// # Cancel safety
/// Some of the producers may have been fenced.
pub async fn fence_producers(
    cluster: &Cluster,
    transactional_ids: BTreeSet<Arc<str>>,
) -> BTreeMap<Arc<str>, Result<(), ClientError>> {
    let limit = cluster.settings().default_api_timeout;
    let unreported = ClientError::GaveUp {
        operation: OPERATION,
        timeout: limit,
        last: "its task ended before it reported".into(),
    };
    for_each(transactional_ids, unreported, |id| {
        let cluster = cluster.clone();
        async move { fence(&cluster, &id).await }
    })
    .await
}

/// Does something for every id, [`AT_ONCE`] at a time. Every id is in the result: one whose task
/// panicked or was cut off with `unreported`.
async fn for_each<F>(
    ids: BTreeSet<Arc<str>>,
    unreported: ClientError,
    task: impl Fn(Arc<str>) -> F,
) -> BTreeMap<Arc<str>, Result<(), ClientError>>
where
    F: Future<Output = Result<(), ClientError>> + Send + 'static,
{
    let mut outcomes: BTreeMap<_, _> = ids
        .iter()
        .map(|id| (Arc::clone(id), Err(unreported.clone())))
        .collect();
    let mut waiting = ids.into_iter();
    let mut work = JoinSet::new();
    loop {
        for id in waiting.by_ref().take(AT_ONCE - work.len()) {
            let outcome = task(Arc::clone(&id));
            work.spawn(async move { (id, outcome.await) });
        }
        match work.join_next().await {
            Some(Ok((id, outcome))) => {
                outcomes.insert(id, outcome);
            }
            Some(Err(_)) => {}
            None => return outcomes,
        }
    }
}

async fn fence(cluster: &Cluster, id: &str) -> Result<(), ClientError> {
    let mut attempts = Attempts::new(cluster, OPERATION);
    loop {
        let error = match fence_once(cluster, id).await {
            Ok(()) => return Ok(()),
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

async fn fence_once(cluster: &Cluster, id: &str) -> Result<(), ClientError> {
    let connection = cluster.transaction_coordinator(id).await?;
    // Java's admin client takes this for the transaction's timeout.
    let timeout = cluster.settings().request_timeout;
    let answer = init_producer_id(&connection, Some(id), timeout, None).await?;
    answer
        .map(|_fencing| ())
        .map_err(|code| ClientError::Refused {
            api: "InitProducerId",
            address: Arc::clone(connection.address()),
            code,
            detail: None,
        })
}

/// Java's name of the call.
const OPERATION: &str = "fenceProducers";
/// Transactional ids that are asked for at the same time.
const AT_ONCE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_id_is_reported_though_a_task_panics() {
        let ids: BTreeSet<Arc<str>> = (0..100).map(|it| format!("id-{it}").into()).collect();
        let unreported = ClientError::UnknownNode { node_id: 7 };
        let outcomes = for_each(ids.clone(), unreported.clone(), |id| async move {
            assert_ne!(id.as_ref(), "id-42");
            Ok(())
        })
        .await;
        assert!(outcomes.keys().eq(&ids));
        for (id, outcome) in outcomes {
            let expected = match id.as_ref() {
                "id-42" => Err(unreported.clone()),
                _ => Ok(()),
            };
            assert_eq!(outcome, expected, "{id}");
        }
    }
}
