//! Why a command ended without having done its work: one line for the user, and an exit code for the shell.

use std::fmt;

/// A failure that a user is told in one line.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// The failure that `error` says, with its causes.
    pub(crate) fn of(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(below) = cause {
            text = format!("{text}: {below}");
            cause = below.source();
        }
        Self(text)
    }

    /// The failure in these words.
    pub(crate) fn saying(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
