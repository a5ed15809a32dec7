//! Limits on values, with Java's words for what breaks them.

use super::error::ConfigError;
use super::value::ConfigValue;

/// A limit on a setting's value.
///
/// # Source
/// `ConfigDef.Validator` and the classes beside it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Validator {
    /// A number that is not below this one.
    AtLeast(i64),
    /// A number within these, both included.
    Between(i64, i64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts in any case.
    OneOfIgnoringCase(&'static [&'static str]),
    /// A list without empty items. Items that come twice count once.
    List {
        /// Whether it may have no item.
        allow_empty: bool,
        /// Whether it may be absent.
        allow_null: bool,
    },
    /// Any value, but one there must be.
    NonNull,
    /// A text with something in it.
    NonEmpty,
    /// A text with something in it and no control character: what a connector may be called.
    NonEmptyWithoutControlCharacters,
    /// A list of names, each only once.
    UniqueAliases,
    /// A rule of its own. It gets the key and the value.
    Rule(fn(&str, Option<&ConfigValue>) -> Result<(), ConfigError>),
}

impl Validator {
    /// Checks a value; `None` is Java's `null`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] or [`ConfigError::Rule`] with Java's text.
    pub fn check(&self, name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
        match *self {
            Self::AtLeast(min) => check_range(name, value, min, None),
            Self::Between(min, max) => check_range(name, value, min, Some(max)),
            Self::OneOf(allowed) => check_one_of(name, value, allowed),
            Self::OneOfIgnoringCase(allowed) => check_one_of_ignoring_case(name, value, allowed),
            Self::List {
                allow_empty,
                allow_null,
            } => check_list(name, value, allow_empty, allow_null),
            Self::NonNull => match value {
                None => Err(invalid(name, None, "entry must be non null")),
                Some(_) => Ok(()),
            },
            Self::NonEmpty => match value {
                Some(ConfigValue::String(text)) if text.is_empty() => {
                    Err(invalid(name, value, "String must be non-empty"))
                }
                _ => Ok(()),
            },
            Self::NonEmptyWithoutControlCharacters => check_name(name, value),
            Self::UniqueAliases => check_aliases(name, value),
            Self::Rule(check) => check(name, value),
        }
    }
}

fn invalid(name: &str, value: Option<&ConfigValue>, reason: impl Into<String>) -> ConfigError {
    let shown = value.map_or_else(|| "null".to_owned(), ToString::to_string);
    ConfigError::invalid(name, shown, reason)
}

fn check_range(
    name: &str,
    value: Option<&ConfigValue>,
    min: i64,
    max: Option<i64>,
) -> Result<(), ConfigError> {
    let (below, above) = match value {
        None => return Err(invalid(name, None, "Value must be non-null")),
        Some(ConfigValue::Int(number)) => outside(i64::from(*number), min, max),
        Some(ConfigValue::Short(number)) => outside(i64::from(*number), min, max),
        Some(ConfigValue::Long(number)) => outside(*number, min, max),
        #[expect(
            clippy::cast_precision_loss,
            reason = "limits of doubles are small whole numbers"
        )]
        Some(ConfigValue::Double(number)) => (
            *number < min as f64,
            max.is_some_and(|max| *number > max as f64),
        ),
        Some(_) => (false, false),
    };
    match max {
        _ if below => Err(invalid(
            name,
            value,
            format!("Value must be at least {min}"),
        )),
        Some(max) if above => Err(invalid(
            name,
            value,
            format!("Value must be no more than {max}"),
        )),
        _ => Ok(()),
    }
}

fn outside(number: i64, min: i64, max: Option<i64>) -> (bool, bool) {
    (number < min, max.is_some_and(|max| number > max))
}

fn check_one_of(
    name: &str,
    value: Option<&ConfigValue>,
    allowed: &[&str],
) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text)) if allowed.contains(&text.as_str()) => Ok(()),
        _ => Err(invalid(
            name,
            value,
            format!("String must be one of: {}", allowed.join(", ")),
        )),
    }
}

fn check_one_of_ignoring_case(
    name: &str,
    value: Option<&ConfigValue>,
    allowed: &[&str],
) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text))
            if allowed.iter().any(|known| known.eq_ignore_ascii_case(text)) =>
        {
            Ok(())
        }
        _ => {
            let listed = allowed.join(", ").to_ascii_uppercase();
            let reason = format!("String must be one of (case insensitive): {listed}");
            Err(invalid(name, value, reason))
        }
    }
}

fn check_list(
    name: &str,
    value: Option<&ConfigValue>,
    allow_empty: bool,
    allow_null: bool,
) -> Result<(), ConfigError> {
    let rule = |text: &str| {
        Err(ConfigError::rule(
            name,
            format!("Configuration '{name}' {text}"),
        ))
    };
    match value {
        None if allow_null => Ok(()),
        None => rule("values must not be null."),
        Some(ConfigValue::List(items)) if items.is_empty() && !allow_empty => {
            rule("must not be empty. Valid values include: any non-empty value")
        }
        Some(ConfigValue::List(items)) if items.iter().any(String::is_empty) => {
            rule("values must not be empty.")
        }
        Some(_) => Ok(()),
    }
}

fn check_name(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    let Some(ConfigValue::String(text)) = value else {
        return Ok(());
    };
    if text.is_empty() {
        return Err(invalid(name, value, "String may not be empty"));
    }
    let found: Vec<String> = text
        .chars()
        .filter(|c| c.is_control())
        .map(|c| u32::from(c).to_string())
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "String may not contain control sequences but had the following ASCII chars: {}",
        found.join(", ")
    );
    Err(invalid(name, value, reason))
}

fn check_aliases(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        None => Err(invalid(name, None, "entry must be non null")),
        Some(ConfigValue::List(items)) => {
            let unique: std::collections::BTreeSet<&String> = items.iter().collect();
            if unique.len() == items.len() {
                Ok(())
            } else {
                Err(invalid(name, value, "Duplicate alias provided."))
            }
        }
        Some(_) => Ok(()),
    }
}
