//! Takes transactional ids away from older tasks of a source, by the connector's own admin client.
//!
//! # Source
//! `Worker.fenceZombies` of Kafka 4.2 (KIP-618)

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use ferrovia_client::admin::fence::fence_producers;
use ferrovia_client::{ClientError, Cluster, FramePool};

use super::{ConnectorOffsets, Target};
use crate::config::Settings;
use crate::herder::machine::FencingFailure;
use crate::status::TaskId;
use crate::task::runner::transactional_id;

impl ConnectorOffsets {
    /// Fences the first so many tasks of a source with these settings, as written. The future may run anywhere on a Tokio
    /// runtime with timers and IO, and does not block.
    ///
    /// # Errors
    /// Why not, and whether it may be tried again.
    pub fn fence(
        &self,
        connector: Arc<str>,
        settings: Arc<Settings>,
        tasks: u32,
    ) -> impl Future<Output = Result<(), FencingFailure>> + Send + 'static + use<> {
        let prepared = self.prepare(&connector, settings);
        async move {
            let target = prepared
                .await
                .map_err(|error| unusable(&error.to_string()))?;
            fence(&target, tasks).await
        }
    }
}

async fn fence(target: &Target, tasks: u32) -> Result<(), FencingFailure> {
    let Some(group) = &target.exactly_once_group else {
        return Ok(());
    };
    let client = target.admin().map_err(|reason| unusable(&reason))?;
    let brokers = Cluster::new(client, FramePool::new(IDLE_BUFFERS_BYTES));
    let ids = (0..tasks).map(|task| TaskId::new(Arc::clone(&target.name), task));
    let ids: BTreeSet<Arc<str>> = ids.map(|id| transactional_id(group, &id).into()).collect();
    let fenced = fence_producers(&brokers, ids).await;
    let failures = fenced
        .into_iter()
        .filter_map(|(id, outcome)| Some(failure(&id, &outcome.err()?)));
    // What will not pass decides.
    let failed = failures.min_by_key(|failure| failure.is_retriable);
    failed.map_or(Ok(()), Err)
}

/// What gave up in time may be tried again; what brokers refuse for good may not.
fn failure(id: &str, error: &ClientError) -> FencingFailure {
    FencingFailure {
        is_retriable: error.is_retriable() || matches!(error, ClientError::GaveUp { .. }),
        reason: format!("{id}: {error}"),
    }
}

fn unusable(reason: &str) -> FencingFailure {
    FencingFailure {
        is_retriable: false,
        reason: reason.to_owned(),
    }
}

/// Idle buffers of the connections of one round.
const IDLE_BUFFERS_BYTES: usize = 256 * 1024;
