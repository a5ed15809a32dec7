//! `response.http.headers.config`: rules for headers that answers get, such as `set X-Frame-Options: DENY`.
//!
//! # Source
//! `RestServerConfig.ResponseHttpHeadersValidator` of Kafka 4.2; Jetty's `HeaderFilter` and `StringUtil.csvSplit`

use ferrovia_pipeline::config::{ConfigError, ConfigValue};

const KEY: &str = "response.http.headers.config";

/// How a header gets into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAction {
    /// In the place of others of its name.
    Set,
    /// Beside others of its name.
    Add,
    /// As [`Set`](Self::Set), with the time so many milliseconds from now.
    SetDate,
    /// As [`Add`](Self::Add), with the time so many milliseconds from now.
    AddDate,
}

impl HeaderAction {
    const NAMED: [(&'static str, Self); 4] = [
        ("set", Self::Set),
        ("add", Self::Add),
        ("setDate", Self::SetDate),
        ("addDate", Self::AddDate),
    ];

    fn named(text: &str) -> Result<Self, ConfigError> {
        let known = Self::NAMED
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, action)| *action).ok_or_else(|| {
            refused(format!(
                "Invalid header config action: '{text}'. Expected one of [set, add, setDate, addDate]"
            ))
        })
    }
}

/// A header for all answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    /// How it gets there.
    pub action: HeaderAction,
    /// Its name.
    pub name: String,
    /// Its value; milliseconds for dates.
    pub value: String,
}

impl HeaderRule {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let Some((action, header)) = text.trim().split_once(char::is_whitespace) else {
            return Err(refused(format!(
                "Invalid format of header config '{text}'. Expected: '[action] [header name]:[header value]'"
            )));
        };
        let action = HeaderAction::named(action)?;
        // Java's split leaves out what is empty at the end.
        let parts: Vec<&str> = header.trim().trim_end_matches(':').split(':').collect();
        let &[name, value] = parts.as_slice() else {
            return Err(refused(format!(
                "Invalid format of header name and header value pair '{}'. Expected: '[header name]:[header value]'",
                header.trim_start()
            )));
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(refused(format!(
                "Invalid header name '{name}'. The '[header name]' cannot contain whitespace"
            )));
        }
        Ok(Self {
            action,
            name: name.to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

/// The rules in a setting.
pub(super) fn rules(text: &str) -> Result<Vec<HeaderRule>, ConfigError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    split(text)
        .iter()
        .map(|rule| HeaderRule::parse(rule))
        .collect()
}

/// Checks a setting.
pub(in crate::config) fn check(_: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text)) => rules(text).map(drop),
        _ => Ok(()),
    }
}

fn refused(message: String) -> ConfigError {
    ConfigError::rule(KEY, message)
}

/// Splits at commas, but for those between double quotes, which are taken off; a backslash takes a quote's meaning away.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let Some(part) = parts.last_mut() else {
            return parts;
        };
        match letter {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => part.extend(letters.next()),
            ',' if !is_quoted => {
                *part = part.trim().to_owned();
                parts.push(String::new());
            }
            other => part.push(other),
        }
    }
    if let Some(last) = parts.last_mut() {
        *last = last.trim().to_owned();
    }
    // As after a comma at the end, where Java sees no further rule.
    if parts.len() > 1 && parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_their_quotes_and_commas() {
        let read = rules(
            "add X-One:1, \"set X-Two: a, b\", addDate X-Date:0, SETDATE Expires: 31540000000",
        );
        let rule = |action, name: &str, value: &str| HeaderRule {
            action,
            name: name.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(
            read.unwrap(),
            [
                rule(HeaderAction::Add, "X-One", "1"),
                rule(HeaderAction::Set, "X-Two", "a, b"),
                rule(HeaderAction::AddDate, "X-Date", "0"),
                rule(HeaderAction::SetDate, "Expires", "31540000000"),
            ]
        );
        assert_eq!(rules(" ").unwrap(), []);
    }

    #[test]
    fn faults_are_told_in_javas_words() {
        for (text, words) in [
            (
                "set",
                "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'",
            ),
            (
                "badaction X:1",
                "Invalid header config action: 'badaction'. Expected one of [set, add, setDate, addDate]",
            ),
            (
                "set X-Frame-Options",
                "Invalid format of header name and header value pair 'X-Frame-Options'. Expected: '[header name]:[header value]'",
            ),
            (
                "set X:Y:Z",
                "Invalid format of header name and header value pair 'X:Y:Z'. Expected: '[header name]:[header value]'",
            ),
            (
                "add X Y:Z",
                "Invalid header name 'X Y'. The '[header name]' cannot contain whitespace",
            ),
        ] {
            assert_eq!(rules(text).unwrap_err().to_string(), words);
        }
    }
}
