//! Takes partitions on and gives them away, and commits.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferrovia_client::TopicPartition as ClientPartition;
use ferrovia_client::fetch::Start;
use ferrovia_client::group::GroupEvent;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::topic::{Offsets, TopicPartition};

use crate::task::sink::commit::{Commit, CommitPosition};
use crate::task::sink::driver::Driver;
use crate::task::sink::partition;

impl Driver {
    pub(super) async fn on_group_event(&mut self, event: GroupEvent) -> Result<(), ConnectError> {
        match event {
            GroupEvent::Assigned { added, .. } => self.on_assigned(added).await,
            GroupEvent::Revoke { partitions, done } => {
                let outcome = self.on_revoked(&partitions).await;
                // The group may go on even if the task fails now.
                let _ = done.send(());
                outcome
            }
            GroupEvent::Lost { partitions } => self.on_lost(&partitions),
            GroupEvent::Failed(error) => Err(ConnectError::failed(error.to_string())),
        }
    }

    async fn on_assigned(&mut self, added: BTreeSet<ClientPartition>) -> Result<(), ConnectError> {
        let added: Vec<ClientPartition> = added.into_iter().collect();
        let committed = self.committed_offsets(&added).await?;
        let partitions: Vec<TopicPartition> = added.iter().map(partition::from_client).collect();
        for (client_partition, start) in committed {
            if let Start::At { offset, epoch } = start {
                let position = CommitPosition { offset, epoch };
                self.commits
                    .start(partition::from_client(&client_partition), position);
            }
            self.fetcher.assign([(client_partition, start)]);
        }
        self.context.assign(partitions.iter().cloned());
        if partitions.is_empty() {
            return Ok(());
        }
        let Self { task, context, .. } = self;
        task.call("open", |task| task.open(&partitions, context))??;
        let requests = self.context.take_requests();
        self.apply(requests);
        Ok(())
    }

    async fn on_revoked(
        &mut self,
        partitions: &BTreeSet<ClientPartition>,
    ) -> Result<(), ConnectError> {
        let partitions: Vec<TopicPartition> =
            partitions.iter().map(partition::from_client).collect();
        self.commit_and_close(&partitions).await
    }

    fn on_lost(&mut self, partitions: &BTreeSet<ClientPartition>) -> Result<(), ConnectError> {
        let partitions: Vec<TopicPartition> =
            partitions.iter().map(partition::from_client).collect();
        self.close(&partitions)
    }

    /// Closes everything on the way out. Errors are logged: the task ends anyway.
    pub(super) async fn close_all(&mut self) {
        let partitions: Vec<TopicPartition> = self.context.assignment().iter().cloned().collect();
        if let Err(error) = self.commit_and_close(&partitions).await {
            tracing::error!(
                trace = self.trace(&error),
                "task failed to close its partitions"
            );
        }
    }

    async fn commit_and_close(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<(), ConnectError> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.commit_now(partitions).await?;
        self.close(partitions)
    }

    fn close(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        for topic_partition in partitions {
            self.fetcher
                .unassign([&partition::to_client(topic_partition)]);
            self.commits.forget(topic_partition);
            self.intake.forget(topic_partition);
        }
        self.metrics.on_lag(self.intake.lag());
        self.context.unassign(partitions);
        if !self.batch.is_empty() {
            self.batch
                .retain(|delivered| !partitions.contains(delivered));
            if self.batch.is_empty() {
                self.machine.on_batch_gone();
                self.metrics.activity().progress();
            }
        }
        let Self { task, context, .. } = self;
        task.call("close", |task| task.close(partitions, context))??;
        let requests = self.context.take_requests();
        self.apply(requests);
        Ok(())
    }

    /// Asks the task what is safe and sends it to the group without waiting for the answer.
    pub(super) fn begin_commit(&mut self) -> Result<(), ConnectError> {
        self.note_positions();
        let asked = self.commits.current(|_| true);
        match self.safe_offsets(&asked)? {
            Ok(safe) => {
                if let Some(commit) = self.commits.begin(&safe, &asked) {
                    self.machine.on_commit_sent(commit.sequence, Instant::now());
                    let sent = self.send_commit(commit.clone());
                    self.under_way.spawn(async move {
                        let is_taken = sent.await.is_ok();
                        (commit, is_taken)
                    });
                }
            }
            Err(error) => {
                tracing::error!(
                    trace = self.trace(&error),
                    "Offset commit failed, rewinding to last committed offsets"
                );
                self.metrics.on_commit(false);
                self.roll_back();
            }
        }
        Ok(())
    }

    pub(super) fn on_commit_answer(&mut self, commit: &Commit, is_taken: bool) {
        self.metrics.on_commit(is_taken);
        if is_taken {
            self.commits.on_committed(commit);
        }
        self.machine.on_commit_done(commit.sequence);
    }

    /// Commits `partitions` and waits until the group has taken them, for as long as that may take at most.
    async fn commit_now(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        self.reporters.settle().await?;
        self.note_positions();
        let asked = self.commits.current(|one| partitions.contains(one));
        let safe = match self.safe_offsets(&asked)? {
            Ok(safe) => safe,
            Err(error) => {
                tracing::warn!(
                    trace = self.trace(&error),
                    "Offset commit failed during close; the records will be delivered again"
                );
                self.metrics.on_commit(false);
                return Ok(());
            }
        };
        // An older commit that is still under way must not come after this one.
        let deadline = Instant::now() + self.consumer.client.default_api_timeout;
        while let Ok(Some(Ok((commit, is_taken)))) =
            tokio::time::timeout_at(deadline.into(), self.under_way.join_next()).await
        {
            self.on_commit_answer(&commit, is_taken);
        }
        let Some(commit) = self.commits.begin(&safe, &asked) else {
            return Ok(());
        };
        self.commit_until(commit, deadline).await;
        Ok(())
    }

    async fn commit_until(&mut self, commit: Commit, deadline: Instant) {
        let mut pause = Duration::ZERO;
        loop {
            let error = match self.send_commit(commit.clone()).await {
                Ok(()) => return self.on_commit_answer(&commit, true),
                Err(error) => error,
            };
            let backoff = self.consumer.client.retry_backoff;
            pause = (pause * 2).clamp(backoff, self.consumer.client.retry_backoff_max.max(backoff));
            if !error.is_retriable() || Instant::now() + pause >= deadline {
                tracing::error!(%error, "Commit of offsets failed; the records will be delivered again");
                return self.on_commit_answer(&commit, false);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The outer error is a panic; the inner one is the task's word that its records are not safe.
    fn safe_offsets(
        &mut self,
        asked: &Offsets,
    ) -> Result<Result<Offsets, ConnectError>, ConnectError> {
        if asked.is_empty() {
            return Ok(Ok(Offsets::new()));
        }
        let Self { task, context, .. } = self;
        let safe = task.call("preCommit", |task| task.pre_commit(asked, context))?;
        let requests = self.context.take_requests();
        self.apply(requests);
        Ok(safe)
    }

    /// Partitions whose beginning was looked up are asked about from then on, even before a record has come.
    fn note_positions(&mut self) {
        for topic_partition in self.context.assignment() {
            if !self.commits.has_started(topic_partition)
                && let Some(offset) = self
                    .fetcher
                    .position(&partition::to_client(topic_partition))
            {
                self.commits.start(
                    topic_partition.clone(),
                    CommitPosition {
                        offset,
                        epoch: None,
                    },
                );
            }
        }
    }

    fn roll_back(&mut self) {
        for (topic_partition, position) in self.commits.roll_back() {
            let start = Start::At {
                offset: position.offset,
                epoch: position.epoch,
            };
            self.fetcher
                .seek(&partition::to_client(&topic_partition), start);
            self.intake.forget(&topic_partition);
        }
        self.batch.clear();
        self.machine.on_batch_gone();
        self.metrics.activity().progress();
    }
}
