//! A user's wish to restart a connector.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::status::State;

/// Restart a connector, its tasks, or what of them has failed.
///
/// Requests are ordered by connector and then by impact: of several for one connector the largest does the work of all.
///
/// # Source
/// `RestartRequest` (KIP-745)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartRequest {
    /// The connector's name.
    pub connector: Arc<str>,
    /// Only what has failed.
    pub only_failed: bool,
    /// The connector's tasks too.
    pub include_tasks: bool,
}

impl RestartRequest {
    /// Whether the connector itself is restarted, given its state.
    pub fn restarts_connector(&self, state: State) -> bool {
        !self.only_failed || state == State::Failed
    }

    /// Whether a task is restarted, given its state.
    pub fn restarts_task(&self, state: State) -> bool {
        self.include_tasks && (!self.only_failed || state == State::Failed)
    }

    /// Whether it is only about the connector, in whatever state.
    pub fn is_connector_only(&self) -> bool {
        !self.only_failed && !self.include_tasks
    }

    fn impact(&self) -> (bool, bool) {
        (!self.only_failed, self.include_tasks)
    }
}

impl Ord for RestartRequest {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = self.connector.cmp(&other.connector);
        by_name.then_with(|| self.impact().cmp(&other.impact()))
    }
}

impl PartialOrd for RestartRequest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RestartRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "restart request for {{connectorName='{}', onlyFailed={}, includeTasks={}}}",
            self.connector, self.only_failed, self.include_tasks
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impact_grows_from_the_failed_connector_to_everything() {
        let request = |only_failed, include_tasks| RestartRequest {
            connector: "c".into(),
            only_failed,
            include_tasks,
        };
        let rising = [
            request(true, false),
            request(true, true),
            request(false, false),
            request(false, true),
        ];
        assert!(rising.is_sorted());
        assert!(request(true, true).restarts_task(State::Failed));
        assert!(!request(true, true).restarts_task(State::Running));
        assert!(!request(true, true).restarts_connector(State::Running));
        assert!(request(false, false).is_connector_only());
        assert_eq!(
            request(true, false).to_string(),
            "restart request for {connectorName='c', onlyFailed=true, includeTasks=false}"
        );
    }
}
