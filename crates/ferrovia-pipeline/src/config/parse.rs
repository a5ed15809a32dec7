//! From a setting's text to its typed value, exactly as Java reads it.

use super::error::ConfigError;
use super::key::{ConfigDefault, ConfigKey};
use super::validator::Validator;
use super::value::{ConfigType, ConfigValue, Password};

impl ConfigKey {
    /// The typed and checked value of `text`, or the default where it is absent; `None` is Java's `null`.
    pub(super) fn parse(&self, text: Option<&str>) -> Result<Option<ConfigValue>, ConfigError> {
        let value = self.read(text)?;
        self.check(value.as_ref())?;
        Ok(value)
    }

    /// All that is wrong with `text`.
    pub(super) fn faults(&self, text: Option<&str>) -> Vec<ConfigError> {
        match self.read(text) {
            Ok(value) => self.check(value.as_ref()).err().into_iter().collect(),
            Err(unreadable) => {
                let mut faults = vec![unreadable];
                faults.extend(self.check(None).err());
                faults
            }
        }
    }

    fn read(&self, text: Option<&str>) -> Result<Option<ConfigValue>, ConfigError> {
        let mut value = match (text, self.default()) {
            (Some(text), _) => Some(parse_type(self.name(), text, self.config_type())?),
            (None, ConfigDefault::Required) => {
                return Err(ConfigError::Missing {
                    name: self.name().to_owned(),
                });
            }
            (None, ConfigDefault::Null) => None,
            (None, ConfigDefault::Value(value)) => Some(value.clone()),
        };
        if let (Some(Validator::List { .. }), Some(ConfigValue::List(values))) =
            (self.limit(), &mut value)
        {
            remove_duplicates(values);
        }
        Ok(value)
    }

    fn check(&self, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
        self.limit()
            .map_or(Ok(()), |validator| validator.check(self.name(), value))
    }
}

fn parse_type(name: &str, text: &str, kind: ConfigType) -> Result<ConfigValue, ConfigError> {
    let trimmed = trim(text);
    let not_a_number = || ConfigError::invalid(name, text, format!("Not a number of type {kind}"));
    Ok(match kind {
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => ConfigValue::Boolean(true),
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => ConfigValue::Boolean(false),
        ConfigType::Boolean => {
            let reason = "Expected value to be either true or false";
            return Err(ConfigError::invalid(name, text, reason));
        }
        ConfigType::String => ConfigValue::String(trimmed.to_owned()),
        ConfigType::Int => ConfigValue::Int(trimmed.parse().map_err(|_| not_a_number())?),
        ConfigType::Short => ConfigValue::Short(trimmed.parse().map_err(|_| not_a_number())?),
        ConfigType::Long => ConfigValue::Long(trimmed.parse().map_err(|_| not_a_number())?),
        ConfigType::Double => ConfigValue::Double(parse_double(trimmed).ok_or_else(not_a_number)?),
        ConfigType::List => ConfigValue::List(split_list(trimmed)),
        ConfigType::Class => ConfigValue::Class(trimmed.to_owned()),
        ConfigType::Password => ConfigValue::Password(Password::new(trimmed)),
    })
}

/// Java's `String.trim`: only what is at or below the space, so a no-break space stays.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// Splits at commas and the ASCII white space around them; an empty text has no items, but `,` has two empty ones.
fn split_list(trimmed: &str) -> Vec<String> {
    if trimmed.is_empty() {
        return Vec::new();
    }
    let is_space = |c| matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
    trimmed
        .split(',')
        .map(|item| item.trim_matches(is_space).to_owned())
        .collect()
}

/// Java's forms: digits with an optional exponent and type suffix, `NaN` and `Infinity` in exactly this case.
fn parse_double(trimmed: &str) -> Option<f64> {
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if matches!(unsigned, "NaN" | "Infinity") {
        return trimmed.parse().ok();
    }
    let digits = trimmed
        .strip_suffix(['d', 'D', 'f', 'F'])
        .unwrap_or(trimmed);
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    digits
        .chars()
        .all(is_number)
        .then(|| digits.parse().ok())
        .flatten()
}

fn remove_duplicates(values: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    values.retain(|value| seen.insert(value.clone()));
}
