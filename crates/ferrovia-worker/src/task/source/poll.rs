//! Calls the connector's task: for records, and to tell it what became of them.

use std::time::Instant;

use ferrovia_pipeline::error::ConnectError;

use crate::task::guarded::Polled;
use crate::task::source::driver::Driver;
use crate::task::source::heard::News;

impl Driver {
    /// Asks the task for records and takes them.
    pub(super) async fn poll(&mut self) -> Result<(), ConnectError> {
        let Some(context) = &mut self.context else {
            return Ok(());
        };
        let flow = &mut self.intake.flow;
        let began = Instant::now();
        let polled = self.task.poll(self.output, context)?;
        let now = Instant::now();
        let requests = context.take_requests();
        flow.machine.on_polled(now, requests.wait);
        match polled {
            Ok(polled) => {
                let records = polled.records();
                if records > 0 {
                    flow.metrics.on_polled(records, now.duration_since(began));
                }
                self.intake.take(polled, requests.boundary).await
            }
            Err(error) if error.is_retriable() => {
                let trace = flow.reports.redact(&error.trace());
                tracing::warn!(
                    trace,
                    "failed to poll records from SourceTask. Will retry operation."
                );
                let none = Polled::Records(Vec::new());
                self.intake.take(none, requests.boundary).await
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the task what has happened since it was called last.
    ///
    /// # Errors
    /// It panicked. What it says otherwise is only logged.
    pub(super) fn tell(&mut self) -> Result<(), ConnectError> {
        let News {
            records,
            is_committed,
        } = self.intake.flow.heard.take();
        if self.task.has_panicked() {
            return Ok(());
        }
        if !records.is_empty() {
            let mut failures = Vec::new();
            self.task.call("commitRecord", |task| {
                for (tag, landed) in records {
                    failures.extend(task.commit_record(tag, landed).err());
                }
            })?;
            for error in failures {
                let trace = self.trace(&error);
                tracing::error!(trace, "Exception thrown while calling task.commitRecord()");
            }
        }
        if is_committed {
            let told = self.task.call("commit", |task| task.commit())?;
            if let Err(error) = told {
                let trace = self.trace(&error);
                tracing::error!(trace, "Exception thrown while calling task.commit()");
            }
        }
        Ok(())
    }
}
