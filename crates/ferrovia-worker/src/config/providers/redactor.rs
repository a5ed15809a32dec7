//! Takes values that came from providers out of texts that people see.

use std::fmt;

/// The shortest value that is looked for in any text. A shorter one is no secret, and to replace it everywhere would
/// make messages unreadable.
const SECRET_CHARS_MIN: usize = 4;

/// Values, each with the variable to show instead. Prints nothing of them.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that no part of a value is replaced before the whole.
    secrets: Vec<(String, String)>,
}

impl Redactor {
    /// Shows `variable` wherever `value` would stand: the whole value, and each item where it is a list or has lines,
    /// because messages name single items.
    pub fn hide(&mut self, value: &str, variable: &str) {
        let items = value.split([',', '\n', '\r']).map(str::trim);
        for secret in [value, value.trim()].into_iter().chain(items) {
            let is_known = self.secrets.iter().any(|(known, _)| known == secret);
            if secret.chars().count() >= SECRET_CHARS_MIN && secret != variable && !is_known {
                self.secrets.push((secret.to_owned(), variable.to_owned()));
            }
        }
        self.secrets
            .sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    }

    /// The text without the values.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        for (secret, variable) in &self.secrets {
            if redacted.contains(secret.as_str()) {
                redacted = redacted.replace(secret.as_str(), variable);
            }
        }
        redacted
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} values)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_its_items_are_replaced_by_the_variable() {
        let mut redactor = Redactor::default();
        redactor.hide("canary, second\n", "${f:p:k}");
        redactor.hide("abc", "${f:p:short}");
        assert_eq!(redactor.redact("no canary here"), "no ${f:p:k} here");
        assert_eq!(redactor.redact("[canary, second]"), "[${f:p:k}]");
        assert_eq!(redactor.redact("second of abc"), "${f:p:k} of abc");
        assert!(!format!("{redactor:?}").contains("canary"));
    }
}
