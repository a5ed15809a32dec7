//! What users want a connector to do.

use std::fmt;

/// What a connector is meant to do.
///
/// # Source
/// `TargetState`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetState {
    /// The connector and its tasks run.
    Started,
    /// They are there and do nothing.
    Paused,
    /// The connector does nothing and has no tasks (KIP-875).
    Stopped,
}

impl TargetState {
    /// The state's name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Started, Self::Paused, Self::Stopped];
        all.into_iter().find(|state| state.name() == name)
    }

    /// The name for workers that are too old to know [`Stopped`](Self::Stopped).
    pub(super) fn name_for_old_workers(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused | Self::Stopped => "PAUSED",
        }
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
