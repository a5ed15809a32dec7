//! How long and how often an operation is tried.

use tokio::time::{Instant, sleep_until};

use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::backoff::Backoff;

/// The attempts of one operation: `retry.backoff.ms` apart, until `default.api.timeout.ms`.
pub(super) struct Attempts<'a> {
    cluster: &'a Cluster,
    operation: &'static str,
    deadline: Instant,
    backoff: Backoff,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(cluster: &'a Cluster, operation: &'static str) -> Self {
        let settings = cluster.settings();
        let backoff = Backoff::new(settings.retry_backoff, settings.retry_backoff_max);
        let deadline = Instant::now() + settings.default_api_timeout;
        Self {
            cluster,
            operation,
            deadline,
            backoff,
        }
    }

    /// Waits before another attempt after `error`.
    ///
    /// # Errors
    /// `error` itself when a retry does not help, [`ClientError::GaveUp`] when it comes too late.
    pub(super) async fn pause_after(&mut self, error: ClientError) -> Result<(), ClientError> {
        if !error.is_retriable() {
            return Err(error);
        }
        let next = Instant::now() + self.backoff.next(fastrand::f64());
        if next >= self.deadline {
            return Err(self.gave_up(&error));
        }
        sleep_until(next).await;
        Ok(())
    }

    fn gave_up(&self, last: &ClientError) -> ClientError {
        ClientError::GaveUp {
            operation: self.operation,
            timeout: self.cluster.settings().default_api_timeout,
            last: last.to_string().into(),
        }
    }
}
