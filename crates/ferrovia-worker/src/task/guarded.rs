//! Code behind a guard: a panic in a connector's task, or in what the worker does for it, is that task's failure and
//! nobody else's.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{OutputForm, SourceBatch, SourceContext, SourceRecord, SourceTask};

use crate::task::activity::Activity;

/// A connector's task. Once it has panicked, it is called no more but for its `stop`.
pub(super) struct Guarded<T: ?Sized> {
    task: Box<T>,
    activity: Arc<Activity>,
    has_panicked: bool,
}

impl<T: ?Sized> Guarded<T> {
    /// Others see by `activity` which call is under way.
    pub(super) fn new(task: Box<T>, activity: Arc<Activity>) -> Self {
        Self {
            task,
            activity,
            has_panicked: false,
        }
    }

    /// Calls the task; `what` is the method's name for users.
    ///
    /// # Errors
    /// The task panicked.
    pub(super) fn call<R>(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut T) -> R,
    ) -> Result<R, ConnectError> {
        self.activity.enter(what);
        let outcome = guarded(what, || call(self.task.as_mut()));
        self.activity.leave();
        self.has_panicked |= outcome.is_err();
        outcome
    }

    /// Whether nobody knows what the task has left half done: not even its word on safe offsets counts.
    pub(super) fn has_panicked(&self) -> bool {
        self.has_panicked
    }
}

/// What a source task has handed out.
pub(super) enum Polled<'t> {
    Records(Vec<SourceRecord<'t>>),
    Batches(Vec<SourceBatch>),
}

impl Polled<'_> {
    /// How many records that are.
    pub(super) fn records(&self) -> usize {
        match self {
            Self::Records(records) => records.len(),
            Self::Batches(batches) => {
                let records = batches.iter().map(|batch| batch.records as usize);
                records.sum()
            }
        }
    }
}

impl Guarded<dyn SourceTask> {
    /// Asks the task for records in the form in which it hands them out. They borrow from it.
    ///
    /// # Errors
    /// The task panicked.
    pub(super) fn poll(
        &mut self,
        form: OutputForm,
        context: &mut SourceContext,
    ) -> Result<Result<Polled<'_>, ConnectError>, ConnectError> {
        self.activity.enter("poll");
        let outcome = guarded("poll", || match form {
            OutputForm::Records => self.task.poll(context).map(Polled::Records),
            OutputForm::Batches => self.task.poll_batches(context).map(Polled::Batches),
        });
        self.activity.leave();
        self.has_panicked |= outcome.is_err();
        outcome
    }
}

impl<T: ?Sized> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.activity.end();
    }
}

/// Runs `call` and answers what it returned.
///
/// # Errors
/// The call panicked.
fn guarded<T>(what: &str, call: impl FnOnce() -> T) -> Result<T, ConnectError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = text_of(panic.as_ref());
        ConnectError::failed(format!("the task panicked in {what}: {text}"))
    })
}

/// Runs all that the worker does for a task. What panicked is not polled again.
///
/// # Errors
/// It panicked.
pub(super) async fn guarded_life(life: impl Future<Output = ()>) -> Result<(), ConnectError> {
    let mut life = pin!(life);
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
    })
    .await
    .map_err(|panic| {
        let text = text_of(panic.as_ref());
        ConnectError::failed(format!("the worker itself panicked: {text}"))
    })
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_an_error_that_says_where() {
        let error = guarded("put", || panic!("boom {}", 7)).unwrap_err();
        assert_eq!(error.to_string(), "the task panicked in put: boom 7");
        assert!(!error.is_retriable());
    }
}
