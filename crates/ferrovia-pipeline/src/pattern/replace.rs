//! Replacing a match by a text that refers to its groups.
//!
//! # Source
//! `Matcher.replaceFirst`

use fancy_regex::Captures;

use super::JavaPattern;
use crate::error::ConnectError;

impl JavaPattern {
    /// The text with the first match, which may be part of it, replaced. In `replacement`, `$1` and `${name}` stand for
    /// groups, and a backslash takes the next letter as it is.
    ///
    /// # Errors
    /// The replacement is malformed or refers to a group that is not there.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, ConnectError> {
        let Ok(Some(groups)) = self.anywhere.captures(text) else {
            return Ok(text.to_owned());
        };
        let Some(whole) = groups.get(0) else {
            return Ok(text.to_owned());
        };
        let mut replaced = String::with_capacity(text.len() + replacement.len());
        replaced.push_str(text.get(..whole.start()).unwrap_or_default());
        self.expand(replacement, &groups, &mut replaced)?;
        replaced.push_str(text.get(whole.end()..).unwrap_or_default());
        Ok(replaced)
    }

    fn expand(
        &self,
        replacement: &str,
        groups: &Captures<'_, str>,
        out: &mut String,
    ) -> Result<(), ConnectError> {
        let mut rest = replacement;
        while let Some(letter) = rest.chars().next() {
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            match letter {
                '\\' => {
                    let escaped = rest
                        .chars()
                        .next()
                        .ok_or_else(|| illegal("character to be escaped is missing"))?;
                    out.push(escaped);
                    rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                }
                '$' => {
                    let (group, behind) = self.reference(rest, groups.len())?;
                    out.push_str(groups.get(group).map_or("", |found| found.as_str()));
                    rest = behind;
                }
                _ => out.push(letter),
            }
        }
        Ok(())
    }

    /// The group that a reference means, and what follows it.
    fn reference<'r>(
        &self,
        text: &'r str,
        groups: usize,
    ) -> Result<(usize, &'r str), ConnectError> {
        if let Some(named) = text.strip_prefix('{') {
            return self.named(named);
        }
        let first = text
            .chars()
            .next()
            .ok_or_else(|| illegal("Illegal group reference: group index is missing"))?;
        let digit = first.to_digit(10).map(usize::try_from);
        let Some(Ok(mut group)) = digit else {
            return Err(illegal("Illegal group reference"));
        };
        let mut length = 1;
        let further = text.chars().skip(1).map_while(|letter| letter.to_digit(10));
        for digit in further.filter_map(|digit| usize::try_from(digit).ok()) {
            let longer = group * 10 + digit;
            if longer >= groups {
                break;
            }
            group = longer;
            length += 1;
        }
        if group >= groups {
            let class = "java.lang.IndexOutOfBoundsException";
            return Err(ConnectError::java(class, format!("No group {group}")));
        }
        Ok((group, text.get(length..).unwrap_or_default()))
    }

    fn named<'r>(&self, text: &'r str) -> Result<(usize, &'r str), ConnectError> {
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric());
        let name = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        let behind = text
            .get(name.len()..)
            .and_then(|rest| rest.strip_prefix('}'));
        let Some(behind) = behind.filter(|_| !name.is_empty()) else {
            return Err(illegal("named capturing group is missing trailing '}'"));
        };
        if name.starts_with(|letter: char| letter.is_ascii_digit()) {
            let message = format!("capturing group name {{{name}}} starts with digit character");
            return Err(illegal(&message));
        }
        let mut names = self.anywhere.capture_names();
        let group = names.position(|known| known == Some(name));
        let group = group.ok_or_else(|| illegal(&format!("No group with name {{{name}}}")))?;
        Ok((group, behind))
    }
}

fn illegal(message: &str) -> ConnectError {
    ConnectError::java("java.lang.IllegalArgumentException", message)
}
