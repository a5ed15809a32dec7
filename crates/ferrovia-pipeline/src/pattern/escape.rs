//! What stands behind a backslash.

use fancy_regex::Regex;

use super::error::PatternError;
use super::translate::Translator;

/// What an escape means.
pub(super) enum Escaped {
    /// A letter that stands for itself.
    Literal(char),
    /// Letters that stand for themselves.
    Quoted(String),
    /// A class, in brackets.
    Class(String),
    /// Something that cannot stand in brackets.
    Expression(String),
}

const SPACE: &str = " \\t\\n\\x0B\\f\\r";
const BLANK: &str = " \\t\\x{A0}\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}";
const LINE_ENDS: &str = "\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}";

impl Translator {
    /// Reads an escape from behind its backslash.
    pub(super) fn escaped(&mut self) -> Result<Escaped, PatternError> {
        let Some(letter) = self.next() else {
            return Err(self.error_at(self.pattern.len(), "Unexpected internal error"));
        };
        let class = |members: &str| Ok(Escaped::Class(format!("[{members}]")));
        let all_but = |members: &str| Ok(Escaped::Class(format!("[^{members}]")));
        let expression = |text: &str| Ok(Escaped::Expression(text.to_owned()));
        match letter {
            't' => Ok(Escaped::Literal('\t')),
            'n' => Ok(Escaped::Literal('\n')),
            'r' => Ok(Escaped::Literal('\r')),
            'f' => Ok(Escaped::Literal('\u{c}')),
            'a' => Ok(Escaped::Literal('\u{7}')),
            'e' => Ok(Escaped::Literal('\u{1b}')),
            '0' => self.octal().map(Escaped::Literal),
            'x' => self.hexadecimal().map(Escaped::Literal),
            'u' => self.unicode().map(Escaped::Literal),
            'c' => self.control().map(Escaped::Literal),
            'Q' => Ok(Escaped::Quoted(self.quoted())),
            'd' => class("0-9"),
            'D' => all_but("0-9"),
            'w' => class("a-zA-Z_0-9"),
            'W' => all_but("a-zA-Z_0-9"),
            's' => class(SPACE),
            'S' => all_but(SPACE),
            'h' => class(BLANK),
            'H' => all_but(BLANK),
            'v' => class(LINE_ENDS),
            'V' => all_but(LINE_ENDS),
            'p' => self.property(false),
            'P' => self.property(true),
            'b' if self.pattern.get(self.at..self.at + 2) == Some(&['{', 'g']) => {
                Err(self.unsupported("\\b{g}"))
            }
            'b' => expression("\\b"),
            'B' => expression("\\B"),
            'A' | 'G' => expression("\\A"),
            'z' => expression("\\z"),
            'Z' => expression("(?=(?:\\r\\n|[\\n\\r\\x{85}\\x{2028}\\x{2029}])?\\z)"),
            'R' => Ok(Escaped::Expression(format!("(?:\\r\\n|[{LINE_ENDS}])"))),
            'X' => Err(self.unsupported("\\X")),
            'N' => Err(self.unsupported("\\N")),
            'k' if self.next_if('<') => {
                let name = self.group_name()?;
                if !self.names.contains(&name) {
                    let text = format!("named capturing group <{name}> does not exist");
                    return Err(self.error_at(self.at - 1, &text));
                }
                Ok(Escaped::Expression(format!("\\k<{name}>")))
            }
            'k' => Err(self.error_at(
                self.at,
                "\\k is not followed by '<' for named capturing group",
            )),
            '1'..='9' => Ok(Escaped::Expression(self.back_reference(letter))),
            _ if letter.is_ascii_alphabetic() => {
                Err(self.error_at(self.at - 1, "Illegal/unsupported escape sequence"))
            }
            _ => Ok(Escaped::Literal(letter)),
        }
    }

    /// Up to `\E`, or to the end.
    fn quoted(&mut self) -> String {
        let mut text = String::new();
        while let Some(letter) = self.next() {
            if letter == '\\' && self.next_if('E') {
                break;
            }
            text.push(letter);
        }
        text
    }

    /// The number has as many digits as there are groups for.
    fn back_reference(&mut self, first: char) -> String {
        let mut number = first.to_digit(10).unwrap_or_default();
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            let longer = number.saturating_mul(10).saturating_add(digit);
            if usize::try_from(longer).is_ok_and(|longer| longer > self.groups) {
                break;
            }
            number = longer;
            self.at += 1;
        }
        if usize::try_from(number).is_ok_and(|number| number > self.groups) {
            // A group that is not there matches nothing, as in Java.
            return "(?!)".to_owned();
        }
        // The brackets keep it apart from a digit behind it.
        format!("(?:\\{number})")
    }

    /// A class by name: `\p{Lower}`, `\pL`, `\p{IsLatin}`, `\p{javaUpperCase}`.
    fn property(&mut self, is_negated: bool) -> Result<Escaped, PatternError> {
        let mut name = String::new();
        if self.next_if('{') {
            loop {
                match self.next() {
                    Some('}') => break,
                    Some(letter) => name.push(letter),
                    None => {
                        let last = self.pattern.len().saturating_sub(1);
                        return Err(self.error_at(last, "Unclosed character family"));
                    }
                }
            }
        } else {
            name.extend(self.next());
        }
        let not = if is_negated { "^" } else { "" };
        let members = match ascii_class(&name) {
            Some(members) => members.to_owned(),
            None => self.unicode_class(&name)?,
        };
        Ok(Escaped::Class(format!("[{not}{members}]")))
    }

    fn unicode_class(&self, name: &str) -> Result<String, PatternError> {
        if name.starts_with("In") || name.starts_with("blk=") || name.starts_with("block=") {
            return Err(self.unsupported("blocks of Unicode"));
        }
        if name.starts_with("java") {
            return Err(self.unsupported(&format!("\\p{{{name}}}")));
        }
        let plain = name.strip_prefix("Is").unwrap_or(name);
        let class = format!("\\p{{{plain}}}");
        match Regex::new(&class) {
            Ok(_) => Ok(class),
            Err(_) => {
                let text = format!("Unknown character property name {{{name}}}");
                Err(self.error_at(self.at - 1, &text))
            }
        }
    }

    fn octal(&mut self) -> Result<char, PatternError> {
        let mut code = None;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|letter| letter.to_digit(8)) else {
                break;
            };
            let longer = code.unwrap_or(0) * 8 + digit;
            if longer > 0o377 {
                break;
            }
            code = Some(longer);
            self.at += 1;
        }
        let illegal = "Illegal octal escape sequence";
        code.and_then(char::from_u32)
            .ok_or_else(|| self.error_at(self.at, illegal))
    }

    fn hexadecimal(&mut self) -> Result<char, PatternError> {
        let illegal = "Illegal hexadecimal escape sequence";
        let ends_here = self.peek().is_none();
        let code = if self.next_if('{') {
            let mut code = 0_u32;
            while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(16)) {
                code = code.saturating_mul(16).saturating_add(digit);
                self.at += 1;
            }
            self.next_if('}').then_some(code)
        } else {
            self.hexadecimal_digits(2)
        };
        let index = self.at - usize::from(!ends_here);
        code.and_then(char::from_u32)
            .ok_or_else(|| self.error_at(index, illegal))
    }

    /// Four digits, or twice four for a letter beyond the first plane.
    fn unicode(&mut self) -> Result<char, PatternError> {
        let illegal = "Illegal Unicode escape sequence";
        let units = self.hexadecimal_digits(4).map(|high| {
            let start = self.at;
            if (0xd800..0xdc00).contains(&high)
                && self.next_if('\\')
                && self.next_if('u')
                && let Some(low @ 0xdc00..0xe000) = self.hexadecimal_digits(4)
            {
                return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            }
            self.at = start;
            high
        });
        units
            .and_then(char::from_u32)
            .ok_or_else(|| self.error_at(self.at, illegal))
    }

    fn hexadecimal_digits(&mut self, count: usize) -> Option<u32> {
        let mut code = 0;
        for _ in 0..count {
            code = code * 16 + self.next()?.to_digit(16)?;
        }
        Some(code)
    }

    fn control(&mut self) -> Result<char, PatternError> {
        let code = self.next().map(|letter| u32::from(letter) ^ 64);
        let illegal = "Illegal control escape sequence";
        code.and_then(char::from_u32)
            .ok_or_else(|| self.error_at(self.at, illegal))
    }
}

/// The classes that Java means ASCII by.
fn ascii_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => "\\x00-\\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => "!-/:-@\\[-`{-\\x7E",
        "Graph" => "!-\\x7E",
        "Print" => " -\\x7E",
        "Blank" => " \\t",
        "Cntrl" => "\\x00-\\x1F\\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => SPACE,
        "javaLowerCase" => "\\p{Lowercase}",
        "javaUpperCase" => "\\p{Uppercase}",
        "javaDigit" => "\\p{Nd}",
        "javaLetter" | "javaAlphabetic" => "\\p{L}",
        "javaLetterOrDigit" => "\\p{L}\\p{Nd}",
        _ => return None,
    })
}
