//! Classes of letters in brackets: unions, ranges, intersections.

use super::error::PatternError;
use super::escape::Escaped;
use super::translate::{Translator, push_literal};

/// How deep classes may stand in one another.
const CLASS_DEPTH_MAX: usize = 32;

impl Translator {
    /// Reads a class from behind its bracket, and gives it in the engine's dialect.
    pub(super) fn class(&mut self) -> Result<String, PatternError> {
        self.class_at_depth(1)
    }

    fn class_at_depth(&mut self, depth: usize) -> Result<String, PatternError> {
        if depth > CLASS_DEPTH_MAX {
            return Err(self.unsupported("classes too deep in one another"));
        }
        let mut class = String::from("[");
        if self.next_if('^') {
            class.push('^');
        }
        let empty = class.len();
        loop {
            let Some(letter) = self.next() else {
                let last = self.pattern.len().saturating_sub(1);
                return Err(self.error_at(last, "Unclosed character class"));
            };
            match letter {
                ']' if class.len() > empty => break,
                '[' => class.push_str(&self.class_at_depth(depth + 1)?),
                '&' if self.peek() == Some('&') => {
                    while self.next_if('&') {}
                    // An intersection with nothing is no intersection.
                    if self.peek() != Some(']') && class.len() > empty {
                        class.push_str("&&");
                    }
                }
                _ if self.flags.comments && letter.is_ascii_whitespace() => {}
                '\\' => match self.escaped()? {
                    Escaped::Literal(letter) => self.range(&mut class, letter)?,
                    Escaped::Quoted(text) => {
                        text.chars()
                            .for_each(|letter| push_literal(&mut class, letter));
                    }
                    Escaped::Class(inner) => class.push_str(&inner),
                    Escaped::Expression(_) => {
                        let text = "Illegal/unsupported escape sequence";
                        return Err(self.error_at(self.at.saturating_sub(1), text));
                    }
                },
                _ => self.range(&mut class, letter)?,
            }
        }
        class.push(']');
        Ok(class)
    }

    /// A letter, and the end of the range that it begins, if it does.
    fn range(&mut self, class: &mut String, first: char) -> Result<(), PatternError> {
        push_literal(class, first);
        let behind = self.pattern.get(self.at + 1).copied();
        if self.peek() != Some('-') || matches!(behind, None | Some(']' | '[')) {
            if first == ':' {
                // `[:name:]` is a class of another kind to the engine, but not if it begins with a range.
                class.push_str("-:");
            }
            return Ok(());
        }
        self.at += 1;
        let last = match self.next() {
            Some('\\') => match self.escaped()? {
                Escaped::Literal(letter) => letter,
                _ => return Err(self.unsupported("a range that ends in a class")),
            },
            Some(letter) => letter,
            None => first,
        };
        if last < first {
            let index = self.at.saturating_sub(1);
            return Err(self.error_at(index, "Illegal character range"));
        }
        class.push('-');
        push_literal(class, last);
        Ok(())
    }
}
