//! What is wrong with an expression.

use std::fmt;

/// An expression that cannot be compiled. It prints as Java's `PatternSyntaxException` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    description: String,
    index: Option<usize>,
    pattern: String,
}

impl PatternError {
    /// An expression that Java refuses, too, at a place that is counted in characters, if
    /// it names one.
    pub(super) fn at(
        pattern: &[char],
        index: impl Into<Option<usize>>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            description: description.into(),
            index: index.into(),
            pattern: pattern.iter().collect(),
        }
    }

    /// An expression that only Java knows what to do with.
    pub(super) fn unsupported(pattern: &str, reason: &str) -> Self {
        Self {
            description: format!("Unsupported expression: {reason}"),
            index: None,
            pattern: pattern.to_owned(),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(index) = self.index {
            write!(f, " near index {index}")?;
        }
        write!(f, "\n{}", self.pattern)?;
        match self.index {
            Some(index) if index < self.pattern.chars().count() => write!(f, "\n{:index$}^", ""),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for PatternError {}
