//! How long and how often an operation is tried.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::net::backoff::Backoff;
use crate::wire::api::Api;

/// The attempts of one operation: `retry.backoff.ms` apart, until its time is up.
pub(super) struct Attempts {
    operation: &'static str,
    timeout: Duration,
    deadline: Instant,
    backoff: Backoff,
}

impl Attempts {
    /// Until `default.api.timeout.ms`.
    pub(super) fn new(cluster: &Cluster, operation: &'static str) -> Self {
        Self::within(cluster, operation, cluster.settings().default_api_timeout)
    }

    pub(super) fn within(cluster: &Cluster, operation: &'static str, timeout: Duration) -> Self {
        let settings = cluster.settings();
        let backoff = Backoff::new(settings.retry_backoff, settings.retry_backoff_max);
        // Java counts in 31 bits of milliseconds.
        let timeout = timeout.min(TIMEOUT_MAX);
        Self {
            operation,
            timeout,
            deadline: Instant::now() + timeout,
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
            timeout: self.timeout,
            last: last.to_string().into(),
        }
    }
}

/// Asks some broker until one answers.
pub(super) async fn ask_any<A: Api + Clone>(
    cluster: &Cluster,
    request: A,
) -> Result<(Connection, A::Response), ClientError> {
    let mut attempts = Attempts::new(cluster, A::INFO.name);
    loop {
        let outcome = match cluster.any_node().await {
            Ok(connection) => {
                let answer = connection.call(request.clone()).await;
                answer.map(|answer| (connection, answer))
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(answered) => return Ok(answered),
            Err(error) => attempts.pause_after(error).await?,
        }
    }
}

const TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);
