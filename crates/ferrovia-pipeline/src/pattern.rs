//! Regular expressions as Java has them, for topics and routers.
//!
//! An expression is put into the dialect of the engine here ([`translate`](self)), which covers nearly all of Java's:
//! possessive quantifiers, quoting, character class arithmetic, POSIX classes, flags, look-around, groups by name. What
//! cannot be had is refused when the expression is read, never ignored.
//!
//! # Source
//! `java.util.regex.{Pattern, Matcher}` of Java 17

mod class;
mod error;
mod escape;
mod replace;
mod translate;

pub use error::PatternError;

use fancy_regex::{Regex, RegexBuilder};

use crate::config::{ConfigError, ConfigValue};
use translate::translate;

/// How many steps an expression that looks around or back may take on one text.
const BACKTRACK_STEPS: usize = 1_000_000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct JavaPattern {
    text: String,
    whole: Regex,
    anywhere: Regex,
}

impl JavaPattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, where possible in Java's words, or what is not supported of it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let translated = translate(text)?;
        let compile = |expression: &str| {
            RegexBuilder::new(expression)
                .backtrack_limit(BACKTRACK_STEPS)
                .build()
                .map_err(|error| PatternError::unsupported(text, &error.to_string()))
        };
        Ok(Self {
            text: text.to_owned(),
            whole: compile(&format!("\\A(?:{translated})\\z"))?,
            anywhere: compile(&translated)?,
        })
    }

    /// Checks that the value of a setting is an expression.
    ///
    /// # Errors
    /// It is not, in the words of Java's `RegexValidator`.
    ///
    /// # Source
    /// `org.apache.kafka.connect.transforms.util.RegexValidator`
    pub fn check_setting(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
        match value {
            Some(ConfigValue::String(text)) => match Self::new(text) {
                Ok(_) => Ok(()),
                Err(error) => Err(ConfigError::invalid(
                    name,
                    text,
                    format!("Invalid regex: {error}"),
                )),
            },
            Some(_) => Ok(()),
            // As in Java, whose engine fails on it: this is what the JVM says then.
            None => Err(ConfigError::invalid(
                name,
                "null",
                "Invalid regex: Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null",
            )),
        }
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of a text matches. An expression that takes too long on a text does not match it.
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests;
