//! A sink's consumer group, asked by a client that lives as long as one request.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::TopicPartition;
use ferrovia_client::admin::OffsetToCommit;
use ferrovia_client::admin::groups;
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::error::ClientError;
use ferrovia_client::settings::ClientSettings;
use ferrovia_client::wire::error_code::ErrorCode;

use super::positions::Positions;

/// The group of a sink that does not run.
pub(super) struct SinkGroup {
    cluster: Cluster,
    group: Arc<str>,
    limit: Duration,
}

/// Why the group's offsets could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum GroupFault {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// `default.api.timeout.ms` passed.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
}

impl GroupFault {
    /// Whether tasks are in the group that should have stopped.
    pub(super) fn has_members(&self) -> bool {
        let Self::Client(error) = self else {
            return false;
        };
        let codes = [
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::REBALANCE_IN_PROGRESS,
            ErrorCode::NON_EMPTY_GROUP,
            ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC,
        ];
        error.code().is_some_and(|code| codes.contains(&code))
    }
}

impl SinkGroup {
    /// Begins to look for the cluster, on the current runtime.
    pub(super) fn new(client: ClientSettings, group: Arc<str>) -> Self {
        let limit = client.default_api_timeout;
        Self {
            cluster: Cluster::new(client, FramePool::new(IDLE_BUFFER_BYTES_MAX)),
            group,
            limit,
        }
    }

    /// The offsets that are committed.
    pub(super) async fn list(&self) -> Result<BTreeMap<(String, i32), i64>, GroupFault> {
        let listed = self
            .within_limit(groups::list_offsets(&self.cluster, &self.group))
            .await?;
        let listed = listed.into_iter();
        Ok(listed
            .map(|(of, committed)| ((of.topic.to_string(), of.partition), committed.offset))
            .collect())
    }

    /// Sets and forgets offsets. As in Java both are tried, and no order is promised.
    pub(super) async fn alter(&self, positions: &Positions) -> Result<(), GroupFault> {
        let mut altered = Vec::new();
        let mut forgotten = Vec::new();
        for ((topic, partition), offset) in positions {
            let partition = TopicPartition::new(topic.as_str(), *partition);
            match offset {
                Some(offset) => altered.push(OffsetToCommit {
                    partition,
                    offset: *offset,
                    leader_epoch: None,
                    metadata: "".into(),
                }),
                None => forgotten.push(partition),
            }
        }
        let altering = async {
            match altered.is_empty() {
                true => Ok(()),
                false => groups::alter_offsets(&self.cluster, &self.group, &altered).await,
            }
        };
        let forgetting = async {
            match forgotten.is_empty() {
                true => Ok(()),
                false => groups::delete_offsets(&self.cluster, &self.group, &forgotten).await,
            }
        };
        let both = async {
            let (altered, forgotten) = tokio::join!(altering, forgetting);
            altered.and(forgotten)
        };
        self.within_limit(both).await
    }

    /// Forgets all offsets. A group that is not there has none.
    pub(super) async fn delete(&self) -> Result<(), GroupFault> {
        let deleting = groups::delete_group(&self.cluster, &self.group);
        match self.within_limit(deleting).await {
            Err(GroupFault::Client(error))
                if error.code() == Some(ErrorCode::GROUP_ID_NOT_FOUND) =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// An attempt may be under way when the client's time for attempts is over.
    async fn within_limit<T>(
        &self,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, GroupFault> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(outcome) => outcome.map_err(GroupFault::from),
            Err(_elapsed) => Err(GroupFault::TimedOut(self.limit)),
        }
    }
}

/// Buffers that the client of one request may keep between answers.
const IDLE_BUFFER_BYTES_MAX: usize = 64 << 10;
