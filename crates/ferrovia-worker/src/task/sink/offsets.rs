//! The group's offsets: read when partitions come, written when the machine says so.

use std::future::Future;
use std::sync::Arc;

use ferrovia_client::TopicPartition as ClientPartition;
use ferrovia_client::admin::OffsetToCommit;
use ferrovia_client::admin::groups::{self, Committer};
use ferrovia_client::error::ClientError;
use ferrovia_client::fetch::Start;
use ferrovia_client::wire::ErrorCode;
use ferrovia_pipeline::error::ConnectError;

use crate::task::sink::commit::Commit;
use crate::task::sink::driver::Driver;
use crate::task::sink::partition;

/// Why a commit was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The group refused a partition's offset.
    #[error("offset commit of partition {partition} was refused: {code}")]
    Refused {
        /// The first partition that was refused.
        partition: ClientPartition,
        /// Why.
        code: ErrorCode,
    },
}

impl CommitError {
    /// Whether the same commit may be taken later.
    pub(super) fn is_retriable(&self) -> bool {
        match self {
            Self::Client(error) => error.is_retriable(),
            Self::Refused { code, .. } => code.is_retriable(),
        }
    }
}

impl Driver {
    /// Where reading of partitions begins: after what the group has committed, or by `auto.offset.reset`.
    pub(super) async fn committed_offsets(
        &self,
        partitions: &[ClientPartition],
    ) -> Result<Vec<(ClientPartition, Start)>, ConnectError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let group = self.consumer.group_id.as_deref().unwrap_or_default();
        let committed = groups::offset_fetch(&self.cluster, group, Some(partitions))
            .await
            .map_err(|error| ConnectError::failed_by("cannot read the committed offsets", error))?;
        let start = |partition: &ClientPartition| {
            let start = committed
                .get(partition)
                .map_or(Start::Reset, |committed| Start::At {
                    offset: committed.offset,
                    epoch: committed.leader_epoch,
                });
            (partition.clone(), start)
        };
        Ok(partitions.iter().map(start).collect())
    }

    /// Sends a commit as the member of the group that this task is now.
    pub(super) fn send_commit(
        &self,
        commit: Commit,
    ) -> impl Future<Output = Result<(), CommitError>> + Send + use<> {
        let cluster = self.cluster.clone();
        let epoch = self.group.as_ref().map(|group| group.epoch());
        let committer = Committer {
            group: self.consumer.group_id.clone().unwrap_or_default(),
            member_id: epoch
                .as_ref()
                .map(|e| Arc::clone(&e.member_id))
                .unwrap_or_default(),
            generation: epoch.as_ref().map_or(-1, |epoch| epoch.generation),
            instance_id: self.consumer.group_instance_id.clone(),
        };
        let offsets: Vec<OffsetToCommit> = commit
            .offsets
            .iter()
            .map(|(topic_partition, position)| OffsetToCommit {
                partition: partition::to_client(topic_partition),
                offset: position.offset,
                leader_epoch: position.epoch,
                metadata: Arc::from(""),
            })
            .collect();
        async move {
            let outcomes = groups::offset_commit(&cluster, &committer, &offsets).await?;
            for (partition, outcome) in outcomes {
                outcome.map_err(|code| CommitError::Refused { partition, code })?;
            }
            Ok(())
        }
    }
}
