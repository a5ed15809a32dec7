//! Records and the offsets behind them in the same transactions (KIP-618).
//!
//! `orders` is the producer. What is here says when a transaction ends, has everything sent that belongs to it, and lets
//! the connector's task hear of its records only when they are there for good.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask`

pub(in crate::task::source) mod orders;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use ferrovia_client::produce::ProduceError;
use ferrovia_client::wire::error_code::ErrorCode;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::Boundary;
use tokio::time::timeout_at;

use crate::config::connector::TransactionBoundary;
use crate::herder::Permission;
use crate::status::TaskId;
use crate::storage::offsets::{OffsetStore, Offsets, SealedOffsets};
use crate::task::command::Command;
use crate::task::source::batch::{Contents, Reach};
use crate::task::source::exactly_once::orders::Ending;
use crate::task::source::flow::{Breath, Flow, Wake};
use crate::task::source::machine::Step;

/// The transaction at hand of a task.
#[derive(Debug)]
pub(super) struct ExactlyOnce {
    task: TaskId,
    boundary: TransactionBoundary,
    /// The topic of offsets, to which the task may not produce records.
    offsets_topic: Option<Arc<str>>,
    /// Whether records have gone into it.
    is_open: bool,
    is_aborting: bool,
    /// It was left while it was being committed: nobody knows whether it is.
    has_open_fate: bool,
}

impl ExactlyOnce {
    pub(super) fn new(task: TaskId, boundary: TransactionBoundary, offsets: &OffsetStore) -> Self {
        Self {
            task,
            boundary,
            offsets_topic: offsets.topic_name(),
            is_open: false,
            is_aborting: false,
            has_open_fate: false,
        }
    }

    /// Whether the connector's task says where transactions end.
    pub(super) fn is_by_connector(&self) -> bool {
        self.boundary == TransactionBoundary::Connector
    }

    /// A record for this topic belongs to the transaction from now on.
    ///
    /// # Errors
    /// It is the topic of offsets: when the task asks for its offsets, it would wait for its own transaction.
    pub(super) fn admit(&mut self, topic: &str) -> Result<(), ConnectError> {
        if self.offsets_topic.as_deref() == Some(topic) {
            return Err(ConnectError::failed(
                "Source tasks may not produce to their own offsets topics when exactly-once support is enabled",
            ));
        }
        self.is_open = true;
        Ok(())
    }

    /// Whether what is refused is so because the transaction is being aborted.
    pub(super) fn is_aborting(&self) -> bool {
        self.is_aborting
    }

    /// Why the task fails whose transaction has failed, in Java's words.
    pub(super) fn failure(&self, error: &ProduceError) -> ConnectError {
        let what = match error.code() {
            Some(ErrorCode::INVALID_PRODUCER_EPOCH) => format!(
                "The task {} was unable to finish writing records to Kafka before its producer transaction expired. It \
                 may be necessary to reconfigure this connector in order for it to run healthily with exactly-once \
                 support. Options for this include: tune the connector's producer configuration for higher throughput, \
                 increase the transaction timeout for the connector's producers, decrease the offset commit interval \
                 (if using interval-based transaction boundaries), or use the 'poll' transaction boundary (if the \
                 connector is not already configured to use it).",
                self.task
            ),
            _ => self.flush_text(),
        };
        let cause = ConnectError::java(error.java_class(), error.to_string());
        ConnectError::failed_by(what, cause)
    }

    /// Why the task fails one of whose records Kafka would not take. Nothing is tolerated: the transaction is not whole.
    pub(super) fn refusal(&self, error: ConnectError) -> ConnectError {
        ConnectError::failed_by(self.flush_text(), error)
    }

    fn flush_text(&self) -> String {
        format!(
            "Failed to flush offsets and/or records for task {}",
            self.task
        )
    }
}

impl Flow {
    /// The end of a poll, with or without records. Whether the task goes on.
    ///
    /// # Errors
    /// The transaction was to end, and failed.
    pub(super) async fn end_poll(
        &mut self,
        asked: Option<Boundary>,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        let Some(exactly_once) = &self.exactly_once else {
            return Ok(true);
        };
        let end = match exactly_once.boundary {
            TransactionBoundary::Poll => Some(Boundary::Commit),
            TransactionBoundary::Interval => {
                let is_due = self.machine.is_commit_due(Instant::now());
                is_due.then_some(Boundary::Commit)
            }
            TransactionBoundary::Connector => asked,
        };
        if end == Some(Boundary::Abort) {
            tracing::info!("Aborting transaction for batch as requested by connector");
        }
        match end {
            Some(end) => self.end_transaction(end, reach).await,
            None => Ok(true),
        }
    }

    /// A record from this topic was taken that may end the transaction. Whether the task goes on.
    ///
    /// # Errors
    /// The transaction was to end, and failed.
    pub(super) async fn end_record(
        &mut self,
        asked: Boundary,
        topic: &str,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        let heeds = self.exactly_once.as_ref();
        if !heeds.is_some_and(ExactlyOnce::is_by_connector) {
            return Ok(true);
        }
        if asked == Boundary::Abort {
            tracing::info!(
                "Aborting transaction for record on topic {topic} as requested by connector"
            );
        }
        self.end_transaction(asked, reach).await
    }

    /// Has the transaction committed at the next turn, unless it is the connector's to say when: so that it does not
    /// stay open while the task waits.
    pub(super) fn end_soon(&mut self) {
        let exactly_once = self.exactly_once.as_ref();
        if exactly_once.is_some_and(|known| !known.is_by_connector()) {
            self.machine.commit_soon(Instant::now());
        }
    }

    /// Ends the transaction: everything that was taken is sent or dropped, and the offsets behind it are committed, with
    /// the records or alone. Whether the task goes on.
    ///
    /// # Errors
    /// The transaction failed, or may have.
    pub(super) async fn end_transaction(
        &mut self,
        end: Boundary,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        let is_going_on = match end {
            Boundary::Abort => self.abort(reach).await?,
            Boundary::Commit => self.send_open(reach).await?,
        };
        if !is_going_on {
            return Ok(false);
        }
        let flush = self.submitted.begin();
        let Some(exactly_once) = &mut self.exactly_once else {
            return Ok(true);
        };
        if !exactly_once.is_open && flush.offsets.is_empty() {
            self.on_stored(true);
            return Ok(true);
        }
        tracing::debug!("Committing offsets");
        exactly_once.has_open_fate = true;
        let Some(outcome) = self.commit(flush.offsets).await else {
            return Ok(false);
        };
        if let Some(exactly_once) = &mut self.exactly_once {
            exactly_once.has_open_fate = false;
            exactly_once.is_open = false;
        }
        self.on_stored(outcome.is_ok());
        self.offsets.copy_to_second(outcome?);
        Ok(true)
    }

    /// Sends all open batches, and waits until Kafka has what was sent. Whether the task goes on.
    async fn send_open(&mut self, reach: &mut Reach<'_>) -> Result<bool, ConnectError> {
        for lane in self.batches.open() {
            if !self.send(lane, reach).await? {
                return Ok(false);
            }
        }
        self.until_idle().await
    }

    /// Drops what was not sent, and has what was sent become invisible for good; their offsets remain to be stored.
    /// Whether the task goes on.
    async fn abort(&mut self, reach: &mut Reach<'_>) -> Result<bool, ConnectError> {
        let Some(exactly_once) = self.exactly_once.as_mut() else {
            return Ok(true);
        };
        if !exactly_once.is_open {
            tracing::warn!(
                "Ignoring request by task to abort transaction as the current transaction is empty"
            );
            return Ok(true);
        }
        exactly_once.is_aborting = true;
        self.drop_open(reach)?;
        let Some(ended) = self.outlet.end_transaction(Ending::Abort).await else {
            return Ok(true);
        };
        let Some(outcome) = self.beside(ended).await else {
            return Ok(false);
        };
        if let Err(error) = outcome.unwrap_or(Err(ProduceError::Closed)) {
            return Err(self.transaction_failure(&error));
        }
        if !self.until_idle().await? {
            return Ok(false);
        }
        if let Some(exactly_once) = &mut self.exactly_once {
            exactly_once.is_aborting = false;
            exactly_once.is_open = false;
        }
        self.heard.on_aborted();
        Ok(true)
    }

    fn drop_open(&mut self, reach: &mut Reach<'_>) -> Result<(), ConnectError> {
        for lane in self.batches.open() {
            let sealed = self.batches.seal(lane, reach);
            let sealed =
                sealed.map_err(|error| ConnectError::failed_by("cannot write a batch", error));
            if let Some(sealed) = sealed? {
                self.batches.on_settled(lane);
                self.on_discarded(sealed.contents);
            }
        }
        Ok(())
    }

    /// Records of a transaction that is aborted: how far they reach is stored all the same.
    pub(super) fn on_discarded(&mut self, contents: Contents) {
        self.metrics.on_skipped(contents.records);
        for (source, span, offset) in contents.spans {
            self.submitted.acknowledge(source, span, offset);
        }
        let tags = contents.tags.into_iter();
        self.heard.on_records(tags.map(|(tag, _)| (tag, None)));
    }

    /// Commits with these offsets, and answers them; `None` when the task has to stop before it is known what came of it.
    async fn commit(&mut self, offsets: Offsets) -> Option<Result<SealedOffsets, ConnectError>> {
        let (store, connector) = (self.offsets.clone(), Arc::clone(&self.connector));
        let sealing = async move { store.seal(&connector, &offsets).await };
        let mut sealed = match self.beside(sealing).await? {
            Ok(sealed) => sealed,
            Err(error) => {
                let text = error.to_string();
                tracing::error!(error = text, "Failed to flush offsets to storage: ");
                let what = self.exactly_once.as_ref()?.flush_text();
                let error = ConnectError::failed_by(text, error);
                return Some(Err(ConnectError::failed_by(what, error)));
            }
        };
        let batches = std::mem::take(&mut sealed.batches);
        let ended = self.outlet.end_transaction(Ending::Commit(batches)).await?;
        let outcome = self.beside(ended).await?;
        Some(match outcome.unwrap_or(Err(ProduceError::Closed)) {
            Ok(()) => Ok(sealed),
            Err(error) => {
                tracing::error!(%error, "Failed to commit producer transaction");
                Err(self.transaction_failure(&error))
            }
        })
    }

    fn transaction_failure(&self, error: &ProduceError) -> ConnectError {
        match &self.exactly_once {
            Some(exactly_once) => exactly_once.failure(error),
            None => ConnectError::java(error.java_class(), error.to_string()),
        }
    }

    /// Waits until nothing is on its way. Whether the task goes on.
    async fn until_idle(&mut self) -> Result<bool, ConnectError> {
        while !self.outlet.is_idle() {
            self.check()?;
            self.machine.hold();
            if self.breathe(None).await == Breath::Stop {
                return Ok(false);
            }
        }
        self.check()?;
        Ok(true)
    }

    /// Waits for something while everything else goes on; `None` when the task has to stop first.
    async fn beside<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        loop {
            self.machine.hold();
            if self.machine.next_step(Instant::now()) == Step::Stop {
                return None;
            }
            let wake = tokio::select! {
                biased;
                output = &mut future => return Some(output),
                wake = self.wait(None) => wake,
            };
            self.on_wake(wake).await;
        }
    }

    /// Waits until the task has its transactional id for itself, and is still wanted. Whether it goes on.
    ///
    /// # Errors
    /// It cannot have the id, or is not wanted.
    pub(super) async fn until_ready(&mut self) -> Result<bool, ConnectError> {
        if self.exactly_once.is_none() {
            return Ok(true);
        }
        Ok(self.until_permitted(Permission::Initialize).await?
            && self.until_initialized().await?
            && self.until_permitted(Permission::Start).await?)
    }

    async fn until_permitted(&mut self, permission: Permission) -> Result<bool, ConnectError> {
        self.reports.ask(permission).await;
        while !self.machine.is_stopping() {
            let Some(commands) = &mut self.commands else {
                return Ok(false);
            };
            match commands.recv().await {
                Some(Command::Permitted(Ok(()))) => return Ok(true),
                Some(Command::Permitted(Err(reason))) => return Err(ConnectError::failed(reason)),
                command => self.on_wake(Wake::Command(command)).await,
            }
        }
        Ok(false)
    }

    async fn until_initialized(&mut self) -> Result<bool, ConnectError> {
        let Some(ready) = self.outlet.initialize() else {
            return Ok(true);
        };
        match self.beside_commands(ready).await {
            None => Ok(false),
            Some(Ok(Ok(()))) => Ok(true),
            Some(Ok(Err(error))) => Err(ConnectError::java(error.java_class(), error.to_string())),
            Some(Err(_)) => Err(ConnectError::failed(ProduceError::Closed.to_string())),
        }
    }

    /// Waits for an answer, and hears commands meanwhile; `None` when the task is to stop.
    pub(super) async fn beside_commands<F: Future>(&mut self, answer: F) -> Option<F::Output> {
        let mut answer = pin!(answer);
        loop {
            if self.machine.is_stopping() {
                return None;
            }
            let Some(commands) = &mut self.commands else {
                return None;
            };
            let command = tokio::select! {
                biased;
                command = commands.recv() => command,
                answer = &mut answer => return Some(answer),
            };
            self.on_wake(Wake::Command(command)).await;
        }
    }

    /// The last transaction of a task that was told to stop: committed, but where the connector says when; and that
    /// has to be by `by`. One that is left open is aborted.
    ///
    /// # Errors
    /// It could not be committed.
    pub(super) async fn end_last(
        &mut self,
        has_failed: bool,
        by: Instant,
    ) -> Result<(), ConnectError> {
        let Some(exactly_once) = &self.exactly_once else {
            return Ok(());
        };
        let commits = !has_failed && !exactly_once.is_by_connector() && !exactly_once.has_open_fate;
        let ended = match commits {
            true => {
                self.machine.end_by(by);
                self.end_transaction(Boundary::Commit, &mut Reach::default())
                    .await
            }
            false => {
                tracing::debug!("Skipping final offset commit");
                Ok(true)
            }
        };
        if !matches!(ended, Ok(true)) || !commits {
            let aborting = async {
                if let Some(ended) = self.outlet.end_transaction(Ending::Abort).await {
                    let _ended = ended.await;
                }
            };
            // Whoever takes over the transactional id will do it otherwise.
            let _in_time = timeout_at(by.into(), aborting).await;
        }
        ended.map(drop)
    }
}
