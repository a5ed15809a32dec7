//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits that double up to a limit, each stretched or shortened by up to a fifth so that clients
/// that failed together do not come back together (KIP-580).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts at `first` and never waits longer than `limit`, but for the jitter.
    #[must_use]
    pub fn new(first: Duration, limit: Duration) -> Self {
        Self {
            first,
            limit: limit.max(first),
            failures: 0,
        }
    }

    /// The wait after one more failure. `random` is evenly spread over 0 to 1.
    pub fn next(&mut self, random: f64) -> Duration {
        let factor = 2_u32.checked_pow(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let wait = self.first.saturating_mul(factor).min(self.limit);
        wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0))
    }

    /// Failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

const JITTER: f64 = 0.2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(values: (u64, u64)) -> Backoff {
        Backoff::new(
            Duration::from_millis(values.0),
            Duration::from_millis(values.1),
        )
    }

    #[test]
    fn waits_double_up_to_the_limit_and_start_over_after_a_success() {
        let mut backoff = millis((100, 1_000));
        let waits: Vec<_> = (0..6).map(|_| backoff.next(0.5).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        backoff.reset();
        assert_eq!(backoff.next(0.5).as_millis(), 100);
    }

    proptest! {
        #[test]
        fn wait_stays_within_a_fifth_of_the_plain_one(
            first in 0_u64..10_000, limit in 0_u64..100_000, tries in 1_u32..80, random in 0.0..1.0,
        ) {
            let mut jittered = millis((first, limit));
            let mut plain = millis((first, limit));
            for _ in 0..tries {
                let (wait, centre) = (jittered.next(random), plain.next(0.5));
                prop_assert!(wait >= centre.mul_f64(0.799) && wait <= centre.mul_f64(1.201));
                prop_assert!(centre <= Duration::from_millis(limit.max(first)));
            }
        }
    }
}
