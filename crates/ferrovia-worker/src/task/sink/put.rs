//! Hands batches to a connector's task.

use std::time::Instant;

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::BadRecord;
use ferrovia_pipeline::topic::Offsets;

use crate::task::sink::commit::CommitPosition;
use crate::task::sink::driver::Driver;

impl Driver {
    /// Hands the batch at hand to the task, and tells of the records that were bad.
    pub(super) async fn put(&mut self) -> Result<(), ConnectError> {
        for topic in self.intake.take_new_topics() {
            self.reports.used_topic(topic).await;
        }
        let Self {
            task,
            batch,
            context,
            ..
        } = self;
        let outcome = task.call("put", |task| task.put(batch, context));
        let outage = self.take_outage();
        let bad = self.take_bad_records();
        self.reporters.report(&bad).await?;
        let outcome = outcome?;
        self.check(&outcome, &bad)?;
        let requests = self.context.take_requests();
        match outcome {
            Ok(()) if outage.is_some() => {
                self.metrics
                    .activity()
                    .retry(outage.as_deref().unwrap_or_default());
                self.machine.on_put_again(Instant::now(), requests.timeout)
            }
            Ok(()) if self.batch.take_retry().is_some() => self.on_retry(),
            Ok(()) => self.on_put()?,
            Err(error) if error.is_retriable() => {
                let trace = self.trace(&error);
                self.metrics.activity().retry(&trace);
                tracing::error!(trace, "RetriableException from SinkTask");
                self.machine.on_put_again(Instant::now(), requests.timeout);
            }
            // The error is the worker's own.
            Err(error) if self.batch.is_spoiled() => return Err(error),
            Err(error) => {
                return Err(ConnectError::failed_by(
                    "Exiting WorkerSinkTask due to unrecoverable exception.",
                    error,
                ));
            }
        }
        self.apply(requests);
        Ok(())
    }

    /// What went wrong, where so many records are bad that an outage is to blame: nobody is told of them, and they come
    /// again.
    fn take_outage(&mut self) -> Option<String> {
        let on_the_way = self.batch.take_outage();
        let outage = self.context.take_outage().or(on_the_way)?;
        self.batch.forget_bad_records();
        self.context.forget_bad_records();
        self.reporters.on_outage(&outage);
        Some(outage)
    }

    fn take_bad_records(&mut self) -> Vec<BadRecord> {
        let mut bad = self.batch.take_bad_records();
        bad.extend(self.context.take_bad_records());
        bad
    }

    /// Whether the task went on where it must not.
    fn check(
        &self,
        outcome: &Result<(), ConnectError>,
        bad: &[BadRecord],
    ) -> Result<(), ConnectError> {
        let goes_on = outcome
            .as_ref()
            .map_or_else(ConnectError::is_retriable, |()| true);
        if goes_on && self.context.has_exceeded_tolerance() {
            return Err(exceeded(bad));
        }
        // An invalid batch fails the task even if the connector overlooked it: its offset must not be passed.
        if outcome.is_ok() && self.batch.is_spoiled() {
            return Err(ConnectError::failed(
                "the task went on after an invalid record batch",
            ));
        }
        Ok(())
    }

    /// The first record wants to be tried again. Where a commit falls due before its time, it is tried then.
    fn on_retry(&mut self) {
        let now = Instant::now();
        match self.retries.on_failure(now, fastrand::f64()) {
            Some(delay) => {
                self.metrics
                    .activity()
                    .retry("a transformation asks for it");
                self.machine.on_put_again(now, Some(delay));
            }
            None => {
                self.batch.give_up_retry();
                self.machine.on_records();
            }
        }
    }

    fn on_put(&mut self) -> Result<(), ConnectError> {
        self.retries.on_success();
        self.metrics.activity().progress();
        let shown = self.batch.shown();
        self.metrics.on_sent(shown.records, shown.bytes);
        for (partition, offset) in self.batch.part_offsets().iter().flat_map(Offsets::iter) {
            let position = CommitPosition {
                offset,
                epoch: None,
            };
            self.commits.on_put(partition, position);
        }
        if let Some(failure) = self.batch.take_failure() {
            return Err(failure);
        }
        if self.batch.next_part() {
            self.machine.on_records();
            return Ok(());
        }
        if !self.batch.is_empty() {
            self.reporters.on_put();
        }
        for (partition, position) in self.intake.take_positions() {
            self.commits.on_put(&partition, position);
        }
        self.batch.clear();
        self.machine.on_put();
        Ok(())
    }
}

/// The task was told that one of these must not be skipped, and went on.
///
/// # Source
/// `org.apache.kafka.connect.runtime.errors.WorkerErrantRecordReporter`, `maybeThrowAsyncError`
fn exceeded(bad: &[BadRecord]) -> ConnectError {
    let cause = bad
        .last()
        .map(|record| format!("{}: {}", record.error_class, record.message));
    ConnectError::Failed {
        message: "Tolerance exceeded in error handler".to_owned(),
        source: cause.map(Into::into),
    }
}
