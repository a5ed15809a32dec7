//! The life of a task, whichever way its records go: what is reported of its waiting, its start, its work and its end.

use std::future::Future;

use ferrovia_pipeline::error::ConnectError;
use tokio::sync::mpsc;

use crate::herder::TaskReports;
use crate::status::State;
use crate::task::activity::Activity;
use crate::task::command::Command;
use crate::task::guarded::guarded_life;

/// A task that lives: one way of records with its connector's code.
pub(super) trait Life {
    /// How log lines call it.
    const KIND: &'static str;

    /// Starts the connector's code. Whether the task is to run.
    async fn start(&mut self) -> Result<bool, ConnectError>;

    /// Moves records until the task is told to stop.
    async fn run_until_stopped(&mut self) -> Result<(), ConnectError>;

    /// Makes safe what can be, and stops the connector's code. Called once, last, whatever came before.
    async fn finish(&mut self, has_failed: bool) -> Result<(), ConnectError>;
}

/// Lets a task wait that begins paused. Whether it is to begin at all; if not, its end is reported.
pub(super) async fn wait_for_resume(
    activity: &Activity,
    commands: &mut mpsc::Receiver<Command>,
    reports: &TaskReports,
) -> bool {
    activity.pause();
    reports.state(State::Paused, "").await;
    let goes_on = Command::wait_for_resume(commands).await;
    activity.resume();
    if !goes_on {
        reports.state(State::Unassigned, "").await;
        reports.ended().await;
    }
    goes_on
}

/// Runs what reports a task's end itself, and reports it where a panic of the worker's own keeps it from doing so: nobody
/// else would know, and the herder would wait for it.
pub(super) async fn report_panics(life: impl Future<Output = ()>, reports: TaskReports) {
    if let Err(error) = guarded_life(life).await {
        report_failure(&error, &reports).await;
        reports.ended().await;
    }
}

async fn report_failure(error: &ConnectError, reports: &TaskReports) {
    let trace = reports.redact(&error.trace());
    tracing::error!(
        trace,
        "Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted"
    );
    reports.state(State::Failed, trace).await;
}

/// Lives until the task is told to stop or fails.
pub(super) async fn live<L: Life>(mut task: L, reports: &TaskReports) {
    let outcome = match task.start().await {
        Ok(false) => Ok(()),
        Ok(true) => {
            tracing::info!("{} task finished initialization and start", L::KIND);
            reports.state(State::Running, "").await;
            task.run_until_stopped().await
        }
        Err(error) => Err(error),
    };
    let last = task.finish(outcome.is_err()).await;
    // A connector's code may run when it is dropped, too, and nothing may happen after the end was reported.
    drop(task);
    match outcome.and(last) {
        Ok(()) => reports.state(State::Unassigned, "").await,
        Err(error) => report_failure(&error, reports).await,
    }
    reports.ended().await;
}
