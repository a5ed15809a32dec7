//! Whether the tasks of a connector are begun again when they fail. Ferrovia's own: Java's stay failed until somebody
//! restarts them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigError, ParsedConfig};

use super::connector_definition::restart_keys;

/// `errors.restart.max.retries`
pub const RESTARTS_MAX: &str = "errors.restart.max.retries";
/// `errors.restart.backoff.initial.ms`
pub const BACKOFF_INITIAL: &str = "errors.restart.backoff.initial.ms";
/// `errors.restart.backoff.max.ms`
pub const BACKOFF_MAX: &str = "errors.restart.backoff.max.ms";

/// How often, and after which time, a failed task is begun again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts of a task that fails again and again. One that ran longer than `backoff_max` begins anew.
    pub restarts_max: NonZeroU32,
    /// Before the first of them.
    pub backoff_initial: Duration,
    /// The longest time before one of them.
    pub backoff_max: Duration,
}

impl RestartPolicy {
    /// The policy that a connector's settings as written ask for; `None` where its failed tasks stay failed. A variable of
    /// a configuration provider is no number here.
    pub fn of(settings: &BTreeMap<String, String>) -> Option<Self> {
        let keys = restart_keys().into_iter();
        let definitions = keys.fold(ConfigDef::new(), ConfigDef::define);
        let parsed = definitions.parse(settings).ok()?;
        Self::new(&parsed).ok().flatten()
    }

    fn new(parsed: &ParsedConfig) -> Result<Option<Self>, ConfigError> {
        let millis = |key| -> Result<Duration, ConfigError> {
            let number = u64::try_from(parsed.long(key)?).unwrap_or(0);
            Ok(Duration::from_millis(number))
        };
        let restarts_max = u32::try_from(parsed.int(RESTARTS_MAX)?).unwrap_or(0);
        let (backoff_initial, backoff_max) = (millis(BACKOFF_INITIAL)?, millis(BACKOFF_MAX)?);
        Ok(NonZeroU32::new(restarts_max).map(|restarts_max| Self {
            restarts_max,
            backoff_initial,
            backoff_max,
        }))
    }

    /// How long to wait before a restart that comes after so many others.
    pub fn backoff(&self, restarts: u32) -> Duration {
        let growth = 1_u32.checked_shl(restarts).unwrap_or(u32::MAX);
        let delay = self.backoff_initial.saturating_mul(growth);
        delay.min(self.backoff_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(settings: &[(&str, &str)]) -> Option<RestartPolicy> {
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        RestartPolicy::of(&settings.iter().map(owned).collect())
    }

    #[test]
    fn failed_tasks_stay_failed_unless_a_number_of_restarts_is_set() {
        assert_eq!(policy(&[]), None);
        assert_eq!(policy(&[(RESTARTS_MAX, "0")]), None);
        assert_eq!(policy(&[(RESTARTS_MAX, "${file:a:b}")]), None);
        assert!(policy(&[(RESTARTS_MAX, "1")]).is_some());
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let policy = policy(&[(RESTARTS_MAX, "50")]).unwrap();
        let delays = [0, 1, 5, 6, 40].map(|restarts| policy.backoff(restarts).as_millis());
        assert_eq!(delays, [1_000, 2_000, 32_000, 60_000, 60_000]);
    }
}
