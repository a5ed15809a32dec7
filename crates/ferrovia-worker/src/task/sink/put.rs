//! Calls into a connector's task. A panic there is that task's failure and nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ferrovia_pipeline::error::ConnectError;

/// Runs `call` and answers what it returned.
///
/// # Errors
/// The call panicked. The task must not be called again, but for its `stop`: nobody knows what it left half done.
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
