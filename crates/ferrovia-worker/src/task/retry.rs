//! When a step that failed on a record is tried again, as a machine.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator`, `execAndRetry` and `backoff`

use std::time::{Duration, Instant};

use crate::config::connector::ErrorsConfig;

/// The tries of one record at a time.
#[derive(Debug)]
pub(crate) struct Retries {
    /// `errors.retry.timeout`; `None` for ever.
    timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`
    delay_max: Duration,
    current: Option<Current>,
}

/// A record that is being tried.
#[derive(Clone, Copy, Debug)]
struct Current {
    since: Instant,
    attempts: u32,
}

impl Retries {
    pub(crate) fn new(config: &ErrorsConfig) -> Self {
        Self {
            timeout: config.retry_timeout,
            delay_max: config.retry_delay_max,
            current: None,
        }
    }

    /// Whether anything is tried again at all.
    pub(crate) fn are_wanted(config: &ErrorsConfig) -> bool {
        config.retry_timeout != Some(Duration::ZERO)
    }

    /// A try has failed: how long to wait for the next one, or `None` to give up. `random` is from 0 to 1.
    pub(crate) fn on_failure(&mut self, now: Instant, random: f64) -> Option<Duration> {
        let fresh = Current {
            since: now,
            attempts: 0,
        };
        let current = self.current.get_or_insert(fresh);
        let left = match self.timeout {
            None => Duration::MAX,
            Some(timeout) => timeout.saturating_sub(now.saturating_duration_since(current.since)),
        };
        if left.is_zero() {
            self.current = None;
            return None;
        }
        let growth = 1_u32.checked_shl(current.attempts).unwrap_or(u32::MAX);
        current.attempts = current.attempts.saturating_add(1);
        let delay = DELAY_MIN.saturating_mul(growth);
        let delay = if delay > self.delay_max {
            self.delay_max.mul_f64(random.clamp(0.0, 1.0))
        } else {
            delay
        };
        Some(delay.min(left))
    }

    /// It went well: no record is being tried.
    pub(crate) fn on_success(&mut self) {
        self.current = None;
    }
}

/// The first delay.
const DELAY_MIN: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(timeout: Option<u64>, delay_max: u64) -> Retries {
        Retries {
            timeout: timeout.map(Duration::from_millis),
            delay_max: Duration::from_millis(delay_max),
            current: None,
        }
    }

    /// The delays in milliseconds of tries that fail at once, until it gives up.
    fn delays(retries: &mut Retries, most: usize) -> Vec<u128> {
        let mut now = Instant::now();
        let next = || {
            let delay = retries.on_failure(now, 0.5)?;
            now += delay;
            Some(delay.as_millis())
        };
        std::iter::from_fn(next).take(most).collect()
    }

    #[test]
    fn delays_double_up_to_the_longest_and_the_last_try_is_at_the_timeout() {
        let mut retries = retries(Some(4_000), 1_500);
        let expected = [300, 600, 1_200, 750, 750, 400];
        assert_eq!(delays(&mut retries, 100), expected);
        assert_eq!(
            delays(&mut retries, 100),
            expected,
            "the next record has all of it again"
        );
    }

    #[test]
    fn without_a_timeout_it_never_gives_up() {
        assert_eq!(delays(&mut retries(None, 1_000), 100).len(), 100);
    }

    #[test]
    fn success_begins_anew() {
        let mut retries = retries(Some(4_000), 60_000);
        assert_eq!(delays(&mut retries, 2), [300, 600]);
        retries.on_success();
        assert_eq!(delays(&mut retries, 1), [300]);
    }
}
