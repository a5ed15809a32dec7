//! What goes on beside the records of a poll: commands and acknowledgements are heard and offsets stored, also while
//! records wait for room or for a topic.

use std::sync::Arc;
use std::time::Instant;

use ferrovia_client::produce::{Part, ProduceError, Produced};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::{Failure, Stage};
use ferrovia_pipeline::source::Landed;
use ferrovia_pipeline::topic::TopicPartition;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout_at};

use crate::herder::TaskReports;
use crate::status::State;
use crate::storage::offsets::{OffsetStore, OffsetStoreError};
use crate::task::command::Command;
use crate::task::metrics::SourceTaskMetrics;
use crate::task::source::batch::{Batches, Contents, LaneId, Reach};
use crate::task::source::bell::Bell;
use crate::task::source::commit::Submitted;
use crate::task::source::exactly_once::ExactlyOnce;
use crate::task::source::heard::Heard;
use crate::task::source::machine::{SourceMachine, Step};
use crate::task::source::produce::{Outcome, Outlet};
use crate::task::source::report::Reporter;
use crate::task::source::told_topics::ToldTopics;

/// All of a source task but the connector's own code.
pub(super) struct Flow {
    pub(super) connector: Arc<str>,
    pub(super) machine: SourceMachine,
    pub(super) batches: Batches,
    pub(super) outlet: Outlet,
    pub(super) submitted: Submitted,
    /// The transaction at hand, where records go in transactions.
    pub(super) exactly_once: Option<ExactlyOnce>,
    pub(super) reporter: Reporter,
    pub(super) reports: TaskReports,
    pub(super) metrics: Arc<SourceTaskMetrics>,
    pub(super) offsets: OffsetStore,
    /// `None` once nobody can say anything more.
    pub(super) commands: Option<mpsc::Receiver<Command>>,
    /// The offsets that are being stored.
    pub(super) storing: JoinSet<Result<(), OffsetStoreError>>,
    /// By which the connector's task ends its wait.
    pub(super) bell: Arc<Bell>,
    /// What the connector's task is to hear when it can be called.
    pub(super) heard: Heard,
    /// Why a batch was refused. The task fails in its next turn.
    pub(super) failure: Option<ConnectError>,
    /// Topics that the herder was told of.
    pub(super) told_topics: ToldTopics,
}

/// What a wait ended by.
pub(super) enum Wake {
    Command(Option<Command>),
    Settled(Outcome),
    Stored(bool),
    Metadata,
    Rung,
    Deadline,
}

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breath {
    /// Something has happened: look again.
    Happened,
    /// The time has come to try again.
    TryAgain,
    /// The records at hand are to be given up.
    Stop,
}

impl Flow {
    /// Does what is due, or waits for something to happen, until `by` at most.
    pub(super) async fn breathe(&mut self, by: Option<Instant>) -> Breath {
        let step = self.machine.next_step(Instant::now());
        self.perform(step, by).await
    }

    /// Does a step that has nothing to do with the connector's code; a wait ends at `by`.
    pub(super) async fn perform(&mut self, step: Step, by: Option<Instant>) -> Breath {
        match step {
            Step::Stop => return Breath::Stop,
            Step::GoOn | Step::Poll => return Breath::TryAgain,
            Step::Commit => self.begin_commit(),
            Step::CommitTimedOut => self.give_up_commit(),
            Step::Wait => {
                let wake = self.wait(by).await;
                self.on_wake(wake).await;
            }
        }
        Breath::Happened
    }

    /// Waits for something to happen, until `by` at most.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self, by: Option<Instant>) -> Wake {
        let deadline = [self.machine.deadline(), by].into_iter().flatten().min();
        let Self {
            commands,
            outlet,
            storing,
            bell,
            ..
        } = self;
        if let Some(settled) = outlet.try_next() {
            return Wake::Settled(settled);
        }
        let command = async {
            match commands {
                Some(commands) => commands.recv().await,
                None => std::future::pending().await,
            }
        };
        let deadline = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            command = command => Wake::Command(command),
            Some(stored) = storing.join_next() => Wake::Stored(was_stored(stored)),
            wake = outlet.wait() => wake.map_or(Wake::Metadata, Wake::Settled),
            () = bell.rung() => Wake::Rung,
            () = deadline => Wake::Deadline,
        }
    }

    /// Hears everything that has happened already.
    pub(super) async fn hear(&mut self) {
        // What is on its way moves while this lets go.
        tokio::task::yield_now().await;
        while let Some(command) = self.commands.as_mut().map(mpsc::Receiver::try_recv) {
            match command {
                Ok(command) => self.on_wake(Wake::Command(Some(command))).await,
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.on_wake(Wake::Command(None)).await;
                }
            }
        }
        while let Some(stored) = self.storing.try_join_next() {
            self.on_wake(Wake::Stored(was_stored(stored))).await;
        }
        while let Some(settled) = self.outlet.try_next() {
            self.on_wake(Wake::Settled(settled)).await;
        }
    }

    pub(super) async fn on_wake(&mut self, wake: Wake) {
        match wake {
            Wake::Deadline => {}
            Wake::Rung => self.machine.on_woken(),
            // It has been seen: the next wait is for what comes after it.
            Wake::Metadata => drop(self.outlet.metadata()),
            Wake::Settled(outcome) => self.on_settled(outcome).await,
            Wake::Stored(is_stored) => self.on_stored(is_stored),
            Wake::Command(Some(Command::Pause)) => {
                self.machine.pause();
                self.end_soon();
                self.metrics.activity().pause();
                self.reports.state(State::Paused, "").await;
            }
            Wake::Command(Some(Command::Resume)) => {
                self.machine.resume();
                self.metrics.activity().resume();
                self.reports.state(State::Running, "").await;
            }
            // It comes to one that waits for it.
            Wake::Command(Some(Command::Permitted(_))) => {}
            Wake::Command(Some(Command::Stop)) => self.machine.stop(Instant::now()),
            Wake::Command(None) => {
                self.commands = None;
                self.machine.stop(Instant::now());
            }
        }
    }

    /// The fate of a batch is known.
    async fn on_settled(&mut self, outcome: Outcome) {
        let Outcome {
            lane,
            mut contents,
            mut parts,
            ..
        } = outcome;
        self.batches.on_settled(lane);
        if self
            .exactly_once
            .as_ref()
            .is_some_and(ExactlyOnce::is_aborting)
        {
            return self.on_discarded(contents);
        }
        if contents.is_whole
            && !is_one_piece(&parts)
            && let Some(Ok(produced)) = parts.first_mut().map(|part| &mut part.outcome)
        {
            // One offset does not tell where all its records are.
            produced.base_offset = None;
        }
        let mut parts = parts.into_iter().peekable();
        while let Some(Part { first, outcome }) = parts.next() {
            let contents = match parts.peek() {
                Some(next) => contents.take_first(next.first - first),
                None => std::mem::take(&mut contents),
            };
            match outcome {
                Ok(produced) => self.on_produced(lane, contents, produced).await,
                Err(error) => {
                    if !self.on_refused(lane, contents, error) {
                        // How far the batch reaches is not stored.
                        return;
                    }
                }
            }
        }
    }

    async fn on_produced(&mut self, lane: LaneId, contents: Contents, produced: Produced) {
        self.metrics.on_written(contents.records);
        self.metrics.activity().progress();
        for (source, span, offset) in contents.spans {
            self.submitted.acknowledge(source, span, offset);
        }
        let Some(topic) = self.batches.name(lane.0) else {
            return;
        };
        let tags = contents.tags.into_iter();
        self.heard.on_records(tags.map(|(tag, place)| {
            let landed = Landed {
                partition: TopicPartition::new(Arc::clone(topic), lane.1),
                // As Java says it of a batch that is known to be there and nothing else.
                offset: produced
                    .base_offset
                    .map_or(-1, |base| base + i64::from(place)),
            };
            (tag, Some(landed))
        }));
        if self.told_topics.is_news(topic, Instant::now()) {
            self.reports.used_topic(Arc::clone(topic)).await;
        }
    }

    /// Kafka does not take a batch, or a part of it (KIP-779 says what to do about it). Whether that is tolerated.
    fn on_refused(&mut self, lane: LaneId, contents: Contents, error: ProduceError) -> bool {
        let topic = self
            .batches
            .name(lane.0)
            .map(ToString::to_string)
            .unwrap_or_default();
        let text = error.to_string();
        tracing::error!(error = text, "failed to send record to {topic}: ");
        if let Some(exactly_once) = &self.exactly_once {
            // Without it the transaction is not whole, whatever is tolerated.
            let failure = exactly_once.failure(&error);
            self.failure.get_or_insert(failure);
            return false;
        }
        let error = ConnectError::java(error.java_class(), text);
        if !self.reporter.is_tolerant() {
            self.refuse(error);
            return false;
        }
        let failure = Failure {
            stage: Stage::KafkaProduce,
            class: SOURCE_TASK,
            error,
        };
        let mut texts = contents.texts.iter();
        for _ in 0..contents.records {
            self.reporter
                .tell(&failure, texts.next().map(String::as_str));
        }
        self.metrics.on_skipped(contents.records);
        for (source, span, offset) in contents.spans {
            self.submitted.acknowledge(source, span, offset);
        }
        let tags = contents.tags.into_iter();
        self.heard.on_records(tags.map(|(tag, _)| (tag, None)));
        true
    }

    /// A record was refused: the task is to fail.
    pub(super) fn refuse(&mut self, error: ConnectError) {
        let what = "Unrecoverable exception from producer send callback";
        self.failure
            .get_or_insert_with(|| ConnectError::failed_by(what, error));
    }

    /// Fails if a batch was refused.
    ///
    /// # Errors
    /// One was.
    pub(super) fn check(&mut self) -> Result<(), ConnectError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Sends the open batch of a partition on its way, when there is room for it. Whether the task goes on.
    ///
    /// # Errors
    /// The codec failed.
    pub(super) async fn send(
        &mut self,
        lane: LaneId,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        while self.has_to_wait(lane) {
            self.check()?;
            self.machine.hold();
            if self.breathe(None).await == Breath::Stop {
                return Ok(false);
            }
        }
        let sealed = self.batches.seal(lane, reach);
        let sealed = sealed.map_err(|error| ConnectError::failed_by("cannot write a batch", error));
        if let Some(sealed) = sealed? {
            self.outlet.send(sealed).await;
        }
        Ok(true)
    }

    /// Whether the batch of a partition cannot be sent at the moment.
    fn has_to_wait(&self, lane: LaneId) -> bool {
        let partition = self.batches.partition(lane);
        self.outlet.is_full_for(self.batches.bytes(lane))
            || partition.is_some_and(|partition| !self.outlet.knows(&partition))
    }

    /// Sends the batches that need not stay open. Whether the task goes on.
    ///
    /// # Errors
    /// The codec failed.
    pub(super) async fn send_ripe(&mut self, reach: &mut Reach<'_>) -> Result<bool, ConnectError> {
        for lane in self.batches.ripe(Instant::now()) {
            if !self.send(lane, reach).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins to store what may be stored.
    pub(super) fn begin_commit(&mut self) {
        let flush = self.submitted.begin();
        if flush.offsets.is_empty() {
            self.on_stored(true);
            return;
        }
        tracing::info!(
            "Committing offsets for {} acknowledged messages",
            flush.records
        );
        if flush.pending > 0 {
            tracing::debug!(
                "There are currently {} pending messages whose offsets will not be committed",
                flush.pending
            );
        }
        let (store, connector) = (self.offsets.clone(), Arc::clone(&self.connector));
        self.storing
            .spawn(async move { store.write(&connector, flush.offsets).await });
    }

    pub(super) fn on_stored(&mut self, is_stored: bool) {
        self.machine.on_commit_done(Instant::now());
        self.submitted.on_flushed(is_stored);
        self.metrics.on_commit(is_stored);
        match is_stored {
            true => self.heard.on_committed(),
            false => tracing::error!("Failed to commit offsets"),
        }
    }

    fn give_up_commit(&mut self) {
        tracing::error!(
            "Timed out waiting to flush offsets to storage; will try again on next flush interval with latest offsets"
        );
        self.storing.abort_all();
        self.storing.detach_all();
        self.on_stored(false);
    }

    /// Ends: everything that was taken is produced, and stored as far as Kafka has it by `by`.
    pub(super) async fn finish(&mut self, by: Instant) {
        let _in_time = timeout_at(by.into(), self.send_all()).await;
        let settle = async {
            while !self.outlet.is_idle() {
                let settled = self.outlet.next().await;
                self.on_settled(settled).await;
            }
        };
        if timeout_at(by.into(), settle).await.is_err() {
            tracing::warn!("Records that were not acknowledged in time will be produced again");
        }
    }

    async fn send_all(&mut self) {
        for lane in self.batches.open() {
            while self.has_to_wait(lane) && !self.outlet.is_idle() {
                let settled = self.outlet.next().await;
                self.on_settled(settled).await;
            }
            if self.has_to_wait(lane) {
                continue;
            }
            match self.batches.seal(lane, &mut Reach::default()) {
                Ok(Some(sealed)) => self.outlet.send(sealed).await,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "cannot write a batch"),
            }
        }
    }

    /// Stores offsets for the last time, and waits for that until `by`.
    pub(super) async fn commit_last(&mut self, by: Instant) {
        let storing = async {
            while let Some(stored) = self.storing.join_next().await {
                self.on_stored(was_stored(stored));
            }
            self.begin_commit();
            while let Some(stored) = self.storing.join_next().await {
                self.on_stored(was_stored(stored));
            }
        };
        if timeout_at(by.into(), storing).await.is_err() {
            self.give_up_commit();
        }
    }
}

/// Whether the parts of a batch stand one right behind the other.
fn is_one_piece(parts: &[Part]) -> bool {
    let base = |part: &Part| {
        let produced = part.outcome.as_ref().ok()?;
        Some(produced.base_offset? - i64::from(part.first))
    };
    let whole = parts.first().and_then(base);
    whole.is_some() && parts.iter().all(|part| base(part) == whole)
}

fn was_stored(stored: Result<Result<(), OffsetStoreError>, tokio::task::JoinError>) -> bool {
    match stored {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            let trace = ConnectError::failed_by(error.to_string(), error).trace();
            tracing::error!(trace, "Failed to flush offsets to storage: ");
            false
        }
        Err(error) => {
            tracing::error!(%error, "Flush of offsets threw an unexpected exception: ");
            false
        }
    }
}

/// The class that log lines name where Kafka refuses a record.
pub(super) const SOURCE_TASK: &str = "org.apache.kafka.connect.runtime.WorkerSourceTask";
