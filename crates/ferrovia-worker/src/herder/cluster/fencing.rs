//! What a worker does about older tasks of sources: it takes their transactional ids away, or has the leader do it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ferrovia_client::ClientError;
use ferrovia_client::admin::fence::fence_producers;

use super::{Cluster, ClusterEvent};
use crate::herder::machine::{FencingAction, FencingFailure};
use crate::status::TaskId;
use crate::task::runner::transactional_id;

impl Cluster {
    pub(super) fn fencing(&mut self, action: FencingAction) {
        match action {
            FencingAction::Fence {
                ticket,
                connector,
                tasks,
            } => {
                let group = &self.settings.group_id;
                let ids = (0..tasks).map(|task| TaskId::new(Arc::clone(&connector), task));
                let ids = ids.map(|id| transactional_id(group, &id).into());
                let ids: BTreeSet<Arc<str>> = ids.collect();
                let client = self.client.clone();
                self.errands.spawn(async move {
                    let fenced = fence_producers(&client, ids, None).await;
                    let failures = fenced.into_iter().filter_map(|(id, outcome)| {
                        let error = outcome.err()?;
                        Some(failure(&id, &error))
                    });
                    // What will not pass decides.
                    let failed = failures.min_by_key(|failure| failure.is_retriable);
                    ClusterEvent::Fenced(ticket, failed.map_or(Ok(()), Err))
                });
            }
            FencingAction::Forward {
                ticket,
                url,
                connector,
                key,
            } => {
                let asked = self.leader.fence(&url, &connector, key.as_ref());
                self.errands
                    .spawn(async move { ClusterEvent::RoundForwarded(ticket, asked.await) });
            }
            // The herder's own.
            FencingAction::Answer(..) => {}
        }
    }
}

/// What gave up in time may be tried again; what brokers refuse for good may not.
fn failure(id: &str, error: &ClientError) -> FencingFailure {
    FencingFailure {
        is_retriable: error.is_retriable() || matches!(error, ClientError::GaveUp { .. }),
        reason: format!("{id}: {error}"),
    }
}
