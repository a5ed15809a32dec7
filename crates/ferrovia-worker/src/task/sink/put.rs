//! Calls into a connector's task. A panic there is that task's failure and nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::SinkTask;

/// A connector's task. Once it has panicked, it is called no more but for its `stop`.
pub(super) struct Guarded {
    task: Box<dyn SinkTask>,
    has_panicked: bool,
}

impl Guarded {
    pub(super) fn new(task: Box<dyn SinkTask>) -> Self {
        Self {
            task,
            has_panicked: false,
        }
    }

    /// Calls the task; `what` is the method's name for users.
    ///
    /// # Errors
    /// The task panicked.
    pub(super) fn call<T>(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut dyn SinkTask) -> T,
    ) -> Result<T, ConnectError> {
        let outcome = guarded(what, || call(self.task.as_mut()));
        self.has_panicked |= outcome.is_err();
        outcome
    }

    /// Whether nobody knows what the task has left half done: not even its word on safe offsets counts.
    pub(super) fn has_panicked(&self) -> bool {
        self.has_panicked
    }
}

/// Runs `call` and answers what it returned.
///
/// # Errors
/// The call panicked.
pub(super) fn guarded<T>(what: &str, call: impl FnOnce() -> T) -> Result<T, ConnectError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        ConnectError::failed(format!("the task panicked in {what}: {text}"))
    })
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
